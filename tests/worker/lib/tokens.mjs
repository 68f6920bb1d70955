// Tokens of the issuer in ../gateway.toml.

import { createHmac } from 'node:crypto';

export const SECRET = 'a secret for the tests, of more than thirty-two bytes';

/** A bearer token with the scope that `/mine` wants, unless the claims say otherwise. */
export function token(claims = {}, secret = SECRET) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: 'https://issuer.test/', aud: 'api', sub: 'u-1', scope: 'things:read', exp, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
