// Fresh tokens for each run: the good one, and those that must be refused.
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { AUDIENCE, ISSUER } from '../work.mjs';

export const SECRET = 'bench-secret-bench-secret-bench-secret-0123456789';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (input) => createHmac('sha256', SECRET).update(input).digest('base64url');

function hs256(claims) {
  const input = `${part({ alg: 'HS256', typ: 'JWT', kid: 'k1' })}.${part(claims)}`;
  return `${input}.${hmac(input)}`;
}

function rs256(claims) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const input = `${part({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${part(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
}

function goodClaims() {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'user-1234567890',
    iat: now,
    exp: now + 86_400,
    scope: 'items:read items:write',
    roles: ['user', 'beta'],
  };
}

/** Good tokens that no two requests share: nothing learnt from one helps with the next. */
export const freshTokens = (count) => Array.from({ length: count }, () => hs256({ ...goodClaims(), jti: randomUUID() }));

export function makeTokens() {
  const claims = goodClaims();
  const now = claims.iat;
  const good = hs256(claims);
  const [head, body, signature] = good.split('.');
  return {
    subject: claims.sub,
    good,
    badSignature: `${head}.${body}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`,
    tampered: `${head}.${part({ ...claims, sub: 'someone-else' })}.${signature}`,
    algNone: `${part({ alg: 'none', typ: 'JWT' })}.${body}.`,
    rs256: rs256(claims),
    wrongIssuer: hs256({ ...claims, iss: 'https://other.example.com/' }),
    wrongAudience: hs256({ ...claims, aud: 'other' }),
    expired: hs256({ ...claims, iat: now - 7200, exp: now - 3600 }),
    wrongScope: hs256({ ...claims, scope: 'orders:read' }),
  };
}
