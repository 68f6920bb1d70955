// How an origin checks that a request came through the gateway, and came as it is: HTTP Message Signatures (RFC 9421)
// as `credentials = { hmac = … }` makes them. Node 20 or newer, no packages. Copy it into your origin.
//
//   http.createServer((request, response) => {
//     const body = …;                                        // the whole body, as bytes, if bodies are signed
//     const { method, url, headers } = request;
//     const wrong = whatIsWrong({ method, url, headers, body }, { key: process.env.CATALOG_HMAC, keyId: 'gateway-1' });
//     if (wrong !== undefined) return response.writeHead(401).end();
//
// It takes what this gateway sends and nothing else, and is no library for RFC 9421.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const COMPONENTS = '("@method" "@authority" "@path" "@query")';
const WITH_BODY = '("@method" "@authority" "@path" "@query" "content-digest")';
const INPUT = /^ferrogate=((\([^()]*\));created=(\d{1,12});keyid="([^"\\]*)";alg="hmac-sha256")$/;
const SIGNATURE = /^ferrogate=:([A-Za-z0-9+/]{43}=):$/;

/**
 * Why a request is not to be believed; nothing when it is. `url` is the target as it came, `/path?query`. `body` must be
 * given if bodies are signed. `scheme` is that by which the gateway reaches the origin, `maxAgeSeconds` how long a
 * signature is good, `now` the time in seconds.
 */
export function whatIsWrong({ method, url, headers, body }, { key, keyId = 'gateway', signsBody = body !== undefined, scheme = 'https', maxAgeSeconds = 60, now = Date.now() / 1000 }) {
  const [, parameters, components, created, namedKey] = INPUT.exec(headers['signature-input'] ?? '') ?? [];
  const [, signature] = SIGNATURE.exec(headers.signature ?? '') ?? [];
  if (parameters === undefined || signature === undefined) return 'there is no signature of the gateway';
  if (namedKey !== keyId) return 'the signature is of another key';
  // What has to be covered is the origin's decision, not that of whoever signed.
  if (components !== (signsBody ? WITH_BODY : COMPONENTS)) return 'the signature covers something else';
  if (Math.abs(now - Number(created)) > maxAgeSeconds) return 'the signature is too old, or of a time to come';
  if (signsBody && headers['content-digest'] !== digestOf(body)) return 'the body is another';
  const base = signatureBase({ method, url, headers, scheme }, parameters, signsBody);
  const right = createHmac('sha256', key).update(base).digest();
  return timingSafeEqual(right, Buffer.from(signature, 'base64')) ? undefined : 'the signature is wrong';
}

/** What was signed (RFC 9421 section 2.5). */
function signatureBase({ method, url, headers, scheme }, parameters, signsBody) {
  const [path] = url.split('?', 1);
  const authority = headers.host.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '');
  return [
    `"@method": ${method}`,
    `"@authority": ${authority}`,
    `"@path": ${path}`,
    `"@query": ${url.slice(path.length) || '?'}`,
    ...(signsBody ? [`"content-digest": ${headers['content-digest']}`] : []),
    `"@signature-params": ${parameters}`,
  ].join('\n');
}

const digestOf = (body) => `sha-256=:${createHash('sha256').update(body ?? '').digest('base64')}:`;
