// Who is let in. What needs a good token is skipped without one.

import { expect, expectHeader, expectProblem, expectServed, expectStatus, needs, skip } from './expect.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Headers that some server somewhere believes. */
const SPOOFS = { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-user-id': 'customer-1', 'x-original-url': '/health/live', 'x-http-method-override': 'GET' };
/** What upstreams are told of every request, and the field with the token itself. */
const NOT_OF_CALLERS = /^(?:x-request-id|traceparent|tracestate|baggage|x-forwarded-.*|x-real-ip|forwarded|via|authorization|cookie)$/;
const SOMEBODY_ELSE = 'smoke-somebody-else';

/** Tokens that say all that the route wants to hear, and that nobody has signed. */
function forged({ claims }, { route }) {
  const [believed] = route.issuers;
  const said = claims ?? { iss: believed?.issuer, aud: believed?.audiences[0], sub: 'smoke', scope: route.scopes.join(' '), roles: route.roles, exp: 4_000_000_000 };
  const unsigned = (alg) => `${encode({ alg, typ: 'JWT' })}.${encode(said)}.`;
  const algorithm = believed?.algorithm ?? 'HS256';
  return [unsigned('none'), unsigned('None'), unsigned(algorithm), `${unsigned('HS256')}${'A'.repeat(43)}`, `${unsigned(algorithm)}${'A'.repeat(86)}`, 'x.y.z', '...', 'x'.repeat(9000)];
}

export const TOKENS = [
  ['a request without a token gets 401 with a challenge', async (target) => {
    const answer = await target.visit(needs(target.places.guarded));
    expectProblem(answer, 401, 'token_missing');
    expectHeader(answer, 'www-authenticate', /^Bearer realm=/, 'to begin with Bearer realm=');
  }],
  ['forged tokens get 401, `alg` none among them', async (target) => {
    const guarded = needs(target.places.guarded);
    for (const token of forged(target, guarded)) expectProblem(await target.visit(guarded, { token }), 401, 'token_invalid');
  }],
  ['headers about the caller let nobody in', async (target) => expectStatus(await target.visit(needs(target.places.guarded), { headers: SPOOFS }), 401)],
  ['a good token is let in', async (target) => {
    const admitted = needs(target.places.admitted);
    expectServed(await target.visit(admitted, { token: target.token }), admitted);
  }],
  ['a good token with another signature is not', async (target) => {
    const admitted = needs(target.places.admitted);
    expectServed(await target.visit(admitted, { token: target.token }), admitted);
    const [head, claims, signature] = target.token.split('.');
    const token = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expectProblem(await target.visit(admitted, { token }), 401, 'token_invalid');
  }],
  ['a good token that is not enough gets 403', async (target) => {
    const denied = needs(target.places.denied);
    expectProblem(await target.visit(denied, { token: target.token }), 403, denied.says.code);
  }],
  ['the caller is who the token says, not who a header says', async (target) => {
    const admitted = needs(target.places.admitted);
    const names = admitted.says.told.filter((name) => !NOT_OF_CALLERS.test(name));
    if (names.length === 0) skip('the configuration tells the upstream of that route nothing about callers');
    const get = async (headers) => {
      const answer = await target.visit(admitted, { token: target.token, headers });
      expectServed(answer, admitted);
      return `${answer.status} ${answer.body}`;
    };
    const [own, again] = [await get({}), await get({})];
    if (own !== again) skip('the upstream answers the same request in two ways');
    const spoofed = await get({ ...SPOOFS, ...Object.fromEntries(names.map((name) => [name, SOMEBODY_ELSE])) });
    expect(own === spoofed, `GET ${admitted.path}: expected the same answer whatever the client sends as ${names.join(', ')}, found another`);
  }],
];
