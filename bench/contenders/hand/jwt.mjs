// Verifies an HS256 token by WebCrypto, with the key imported once per isolate.
import { AUDIENCE, ISSUER } from '../../work.mjs';

const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const BASE64URL = { alphabet: 'base64url' };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let importedKey;

const bytes = (text) => Uint8Array.fromBase64(text, BASE64URL);
const json = (text) => JSON.parse(decoder.decode(bytes(text)));

async function verified(token, secret) {
  const first = token.indexOf('.');
  const last = token.lastIndexOf('.');
  if (first < 0 || first === last) return null;
  if (json(token.slice(0, first)).alg !== 'HS256') return null;
  importedKey ??= await crypto.subtle.importKey('raw', encoder.encode(secret), HMAC, false, ['verify']);
  const genuine = await crypto.subtle.verify(
    HMAC,
    importedKey,
    bytes(token.slice(last + 1)),
    encoder.encode(token.slice(0, last)),
  );
  return genuine ? json(token.slice(first + 1, last)) : null;
}

const forUs = (aud) => aud === AUDIENCE || (Array.isArray(aud) && aud.includes(AUDIENCE));

/** The claims of a token that is genuine, meant for us and not expired, or null. */
export async function claimsOf(token, secret) {
  let claims;
  try {
    claims = await verified(token, secret);
  } catch {
    return null; // not base64url, or not JSON
  }
  if (claims === null || claims.iss !== ISSUER || !forUs(claims.aud)) return null;
  return typeof claims.exp === 'number' && claims.exp * 1000 > Date.now() ? claims : null;
}
