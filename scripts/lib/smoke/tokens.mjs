// Who is let in. What needs a good token is skipped without one.

import { expect, expectHeader, expectProblem, expectStatus, skip } from './expect.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const CLAIMS = encode({ iss: 'https://issuer.shop.example/', aud: 'shop-api', sub: 'smoke', scope: 'orders:read admin', exp: 4_000_000_000 });
const FORGED = [
  `${encode({ alg: 'none' })}.${CLAIMS}.`,
  `${encode({ alg: 'None', typ: 'JWT' })}.${CLAIMS}.`,
  `${encode({ alg: 'HS256', typ: 'JWT' })}.${CLAIMS}.`,
  `${encode({ alg: 'HS256', typ: 'JWT' })}.${CLAIMS}.${'A'.repeat(43)}`,
  'x.y.z', '...', 'x'.repeat(9000),
];
/** Headers that some server somewhere believes. */
const SPOOFS = { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-user-id': 'customer-1', 'x-original-url': '/health/live', 'x-http-method-override': 'GET' };

function withToken(check) {
  return (target) => (target.token === undefined ? skip('needs --token') : check(target, target.token));
}

export const TOKENS = [
  ['a request without a token gets 401 with a challenge', async (target) => {
    const answer = await target.ask('/v1/orders');
    expectProblem(answer, 401, 'token_missing');
    expectHeader(answer, 'www-authenticate', /^Bearer realm=/);
  }],
  ['forged tokens get 401, `alg` none among them', async (target) => {
    for (const token of FORGED) expectProblem(await target.ask('/v1/orders', { token }), 401, 'token_invalid');
  }],
  ['headers about the caller let nobody in', async (target) => {
    for (const path of ['/v1/orders', '/v1/customers']) expectStatus(await target.ask(path, { headers: SPOOFS }), 401);
  }],
  ['a good token is let in', withToken(async (target, token) => expectStatus(await target.ask('/v1/orders', { token }), 200))],
  ['a good token with another signature is not', withToken(async (target, token) => {
    const [head, claims, signature] = token.split('.');
    const other = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expectProblem(await target.ask('/v1/orders', { token: other }), 401, 'token_invalid');
  })],
  ['a token without the scope gets 403', withToken(async (target, token) => {
    const answer = await target.ask('/v1/customers', { token });
    if (answer.status === 200) skip('this token has the scope admin');
    expectProblem(answer, 403, 'scope_missing');
  })],
  ['the caller is who the token says, not who a header says', withToken(async (target, token) => {
    const ids = async (headers) => (await target.ask('/v1/orders?_limit=5', { token, headers })).json().map(({ customerId }) => customerId);
    const [own, spoofed] = [await ids({}), await ids(SPOOFS)];
    expect(JSON.stringify(own) === JSON.stringify(spoofed), `expected the orders of ${own[0]}, found those of ${spoofed[0]}`);
  })],
];
