// The work that every full contender does, as data: whom to trust, which origin may call, which headers to set.
//
// Imported by the JavaScript contenders, by make-gateway-toml.mjs and by check.mjs; contenders/workers-rs repeats it in
// Rust. Says what has to be done, never how.

export const ISSUER = 'https://issuer.example.com/';
export const AUDIENCE = 'api';

export const ALLOWED_ORIGIN = 'https://app.example.com';
export const CORS_METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
export const CORS_HEADERS = ['authorization', 'content-type'];
export const CORS_EXPOSED = ['X-Request-ID'];
export const CORS_MAX_AGE_SECONDS = 3600;

/** How long the upstream may take until its headers are there. */
export const DEADLINE_MS = 30_000;

/** Set on every answer, the refusals included. */
export const SECURITY_HEADERS = [
  ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'interest-cohort=()'],
  ['x-permitted-cross-domain-policies', 'none'],
];

/** Fields of one connection (RFC 9110, 7.6.1); what Connection names comes on top. */
export const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** The fields of the one log line that each request leaves. */
export const LOG_FIELDS = [
  'level',
  'msg',
  'request_id',
  'method',
  'path',
  'route',
  'status',
  'duration_ms',
  'principal',
];
