// Request lines and header lines of somebody who means harm. One character is one byte.

import { authorization } from './tokens.mjs';

/** What a client claims and the gateway takes away or replaces: none of these may be found behind it. */
export const FORGED = 'forged-by-the-client';

const ROUTES = ['/open', '/open', '/open', '/pages', '/mine', '/mine', '/mine', '/mine', '/raw', '/watched', '/tight', '/things', '/slow', '/health/live', '/nowhere', ''];
const PLAIN = ['a', 'echo', 'a-b_c.~', '42', 'x;v=1', "!$&'()*+,;=:@", 'caf%C3%A9', 'a%20b', '...', '%7e', 'fail'];
const ODD = [
  '..', '.', '%2e%2e', '%2E.', '.%2e', '%2e', '..;', '..;a=b', '%2f', '%2F..%2f', 'a%2fb', '%5c', '..%5c..', '\\', '..\\', '\\\\evil.test', '%00', '%0d%0ax-a:%20b', '%',
  '%zz', '%2', '%u002e', '', '', '\t', '\x0b', '\x01', '\x7f', '\x85', '\xe2\x80\xa8', '\xff\xfe', '\xc0\xae\xc0\xae', '%c0%ae%c0%ae', '%252e%252e', '"', '<', '>', '^', '`', '{id}', '|', '[', ']', '*', ' ',
  'a'.repeat(2000), '%41'.repeat(500),
];
const QUERIES = ['', '', '', '?', '?a=b', '?a=/../x', '??', "?a='b'", '?"<>', '?\t', '?%00%0d%0a', '?\xff', '?\xc3\xa9', '?a#b', '#', '#/../mine/x', '?a=http://evil.test/', '?;', '?%', '?[]{}|^`\\'];
const TARGETS = [
  '*', '', '/', '//', '//evil.test/open/a', '///open/a', '/\\evil.test/open/a', 'http://evil.test/open/a', 'http://evil.test', 'HTTP://evil.test/mine/a', 'https://u:p@evil.test:99/open/a?b',
  'http:/open/a', 'http:///open/a', 'ftp://evil.test/open/a', 'evil.test:80', 'open/a', '?a=b', '#a', '/open/a HTTP/1.1\r\nx-a: b', '/open/a\n', '/open/a\r', '/open/\0', 'javascript:alert(1)', 'file:///etc/passwd',
];

const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'];
const ODD_METHODS = ['TRACE', 'CONNECT', 'get', 'Get', 'PROPFIND', 'PURGE', 'M-SEARCH', 'QUERY', 'FOO', '', 'G ET', 'GET\t', ' GET', 'GET\0', '\xff', 'G'.repeat(5000), 'PRI'];

const HOSTS = [
  'evil.test', 'GATEWAY.test', 'gateway.test.', '127.0.0.1', '[::1]:80', '', 'a:1', 'a:99999', 'a:b', 'a:', ':80', 'u@b.test', 'u:p@b.test', 'b.test@gateway.test', 'a\\b', '[::1', '::1', 'a b', 'a,b', 'a\tb',
  '\xff', '\xc3\xa9.test', 'a%2fb', '%61.test', '..', '.', `${'a'.repeat(300)}.test`, '<script>', '"', '${jndi:x}', '0x7f.1', 'xn--', 'a\0b',
];
/** They move into the URL what belongs to nobody's path; see `sentPaths`. */
export const HOSTS_WITH_PATHS = ['a/mine', 'a/open/..', 'a/open', 'a?x', 'a#x', 'a/?', 'a//'];

const VERSIONS = ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/9.9', 'HTTP/0.9', 'http/1.1', '', 'HTTP/1.1 ', 'HTTP/1.1\0', 'ICY'];

/** Lines of fields that a decision reads, or that somebody behind the gateway may believe. */
const FIELDS = [
  ...['https://app.test', 'https://evil.test', 'null', '', 'https://app.test, https://evil.test', 'https://app.test\0', 'HTTPS://APP.TEST', 'https://app.test/', 'https://app.test:443', '\xff', 'x'.repeat(9000)].map((value) => [`origin: ${value}`]),
  ['origin: https://app.test', 'origin: https://evil.test'],
  ...['mine-1', 'a b', 'a"b', 'a\\', '\xff', '\xc3\xa9', '', 'x'.repeat(129), '<script>', '${jndi:ldap://x}', 'a\tb', '\x7f', '\x1b[31m'].map((value) => [`x-request-id: ${value}`]),
  ['x-request-id: one', 'x-request-id: two'],
  ['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'traceparent: 00-00000000000000000000000000000000-0000000000000000-00'],
  ['traceparent: ff-\xff', 'tracestate: a=\x7f,=,,b'],
  [`x-user-id: ${FORGED}`], [`X-User-Id: ${FORGED}`, `x-user-id: ${FORGED}`], [`x-thing: ${FORGED}`],
  ['access-control-request-method: PUT'], ['access-control-request-method: \xff'], ['access-control-request-headers: authorization, x-\0'], ['access-control-request-headers: ,,,"\\,'],
  ['x-api-version: v1, v2'], ['x-forwarded-for: 127.0.0.1', 'cf-connecting-ip: 127.0.0.1', 'x-real-ip: ::1'], ['x-http-method-override: DELETE', 'x-original-url: /mine/x', 'x-rewrite-url: /mine/x'],
  ['forwarded: for="\\";host=evil.test'], ['x-forwarded-host: evil.test', 'x-forwarded-proto: javascript'],
  ['expect: 100-continue'], ['expect: nonsense'], ['range: bytes=0-,-1,9-1'], ['if-none-match: "\xff'], ['accept-encoding: ,;q=x, gzip;q=2'], ['content-encoding: gzip'], ['cookie: a=\x7f; ;;=;\x80'],
  ['content-type: multipart/form-data; boundary=\x7f'],
];

/** What is no field, or would like to be two. */
const BROKEN_LINES = [
  ['x-a : b'], ['x-a\t: b'], [' x-a: b'], ['x-a'], [': b'], ['x-a: a\r\n b'], ['x-a: a\r\n\tb: c'], ['x-a: a\nx-b: c'], ['x-a: a\rx-b: c'], ['x-a: \0'], ['x-a: a\x7fb'], ['x-a: a\x08b'], ['x-a: \xff\xfe'], ['x-\xff: a'],
  ['x-a b: c'], ['x"a: b'], ['x-a: b\x0b'], ['x-a:'], ['x-a: \t \t'], [`x-a: ${'y'.repeat(20_000)}`], [`${'x'.repeat(3000)}: y`], ['x-a: %0d%0aset-cookie: a=b'], ['x-a: a\\r\\nb'], ['\x00: a'], ['x-a: \u0085'], ['\r'], ['__proto__: a', 'constructor: b'],
  Array.from({ length: 120 }, (_, number) => `x-${number}: y`), Array.from({ length: 60 }, () => 'x-same: y'),
];

/** Fields that end at this hop; those with a value of `FORGED` are found again when they come through. */
const HOPS = [
  ['connection: x-hop', `x-hop: ${FORGED}`], ['connection: keep-alive, x-hop', `X-Hop: ${FORGED}`, `x-hop: ${FORGED}`], ['connection: x-user-id', `x-user-id: ${FORGED}`], ['connection: X-Request-ID'], ['connection: authorization, host'],
  ['connection: transfer-encoding, content-length'], ['connection: ,;"\\,\x7f'], ['connection: \xff'], ['connection: keep-alive', 'connection: x-hop', `x-hop: ${FORGED}`], ['connection: origin, content-type'],
  ['keep-alive: timeout=77'], ['te: trailers, gzip;q=x'], ['trailer: x-user-id'],
  ['upgrade: h2c', 'connection: upgrade, http2-settings', 'http2-settings: AAMAAABkAARAAAAAAAIAAAAA'], ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='], ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-key: \x7f'], ['upgrade: TLS/1.0', 'connection: upgrade'],
];
/** Kept from upstreams on every route but those that pass all through (docs/decisions/0006). */
const OF_PROXIES = [[`proxy-authorization: Basic ${FORGED}`], [`proxy-connection: ${FORGED}`], [`proxy-authenticate: ${FORGED}`]];

/** A target of a request: mostly a path below a route. */
export function target({ one, some, chance }) {
  if (chance(0.04)) return one(TARGETS);
  if (chance(0.01)) return `/open/${'a'.repeat(one([16_300, 16_384, 17_000, 20_000]))}`;
  const segments = some(PLAIN, 3);
  if (chance(0.25)) segments.splice(0, 0, ...some(ODD, 2));
  const path = [one(ROUTES), ...segments].join(chance(0.03) ? '//' : '/');
  const query = chance(0.01) ? `?${'q'.repeat(20_000)}` : chance(0.4) ? one(QUERIES) : '';
  return path + query;
}

/** The request line's other parts, and the lines of `Host`. */
export function frame({ one, chance }) {
  const method = chance(0.03) ? one(ODD_METHODS) : one(METHODS);
  const version = chance(0.02) ? one(VERSIONS) : 'HTTP/1.1';
  if (chance(0.01)) return { method, version, hosts: [] };
  if (chance(0.01)) return { method, version, hosts: ['gateway.test', one(HOSTS)] };
  const host = chance(0.05) ? one(HOSTS) : 'gateway.test';
  return { method, version, hosts: [chance(0.01) ? one(HOSTS_WITH_PATHS) : host] };
}

/** Lines of fields, and whether any `Authorization` among them lets somebody in. */
export function fields(dice) {
  const { one, some, chance } = dice;
  const lists = [some(FIELDS, chance(0.5) ? 2 : 0), chance(0.05) ? [one(BROKEN_LINES)] : [], chance(0.2) ? [one(HOPS)] : [], chance(0.1) ? [one(OF_PROXIES)] : []];
  const tokens = chance(0.5) ? [authorization(dice)] : [];
  if (chance(0.05)) tokens.push(authorization(dice));
  const lines = [...lists.flat(2), ...tokens.map(({ value }) => `authorization: ${value}`)];
  return { lines, believed: tokens.length === 1 && tokens[0].believed };
}
