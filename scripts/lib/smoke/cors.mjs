// What pages of other origins may do.

import { expectField, expectHeader, expectNone, expectProblem, expectServed, expectStatus, needs, skip } from './expect.mjs';

const FOREIGN = 'https://smoke.invalid';
const ALLOWED = 'access-control-allow-origin';

/** The granted preflight, with some headers changed. */
function preflight(target, headers = {}) {
  const place = needs(target.places.preflight);
  return target.visit({ ...place, headers: { ...place.headers, ...headers } });
}

/** Makes sure that the page that is allowed gets what others are to be refused. */
async function expectAllowed(target) {
  expectField(await preflight(target), ALLOWED, target.places.preflight.origin);
}

export const CORS = [
  ['a preflight of an allowed page is answered without a token', async (target) => {
    const { origin, route, says } = needs(target.places.preflight);
    const answer = await preflight(target);
    expectStatus(answer, 204, 200);
    expectField(answer, ALLOWED, origin);
    expectHeader(answer, 'access-control-allow-methods', new RegExp(`\\b${route.method}\\b`), `to name ${route.method}`);
    if (says.head['access-control-max-age']) expectField(answer, 'access-control-max-age', says.head['access-control-max-age']);
  }],
  ['a preflight of a foreign page is refused', async (target) => {
    await expectAllowed(target);
    const answer = await preflight(target, { origin: FOREIGN });
    expectProblem(answer, 403, 'cors_origin_refused');
    expectNone(answer, ALLOWED);
  }],
  ['a preflight for a header too many is refused', async (target) => {
    await expectAllowed(target);
    expectProblem(await preflight(target, { 'access-control-request-headers': 'x-smoke-unknown' }), 403, 'cors_preflight_refused');
  }],
  ['an allowed page may read answers', async (target) => {
    const shared = needs(target.places.shared);
    const answer = await target.visit(shared);
    expectServed(answer, shared);
    expectField(answer, ALLOWED, shared.origin);
  }],
  ['an allowed page may read refusals', async (target) => {
    const refusal = needs(target.places.sharedRefusal);
    const answer = await target.visit(refusal);
    expectStatus(answer, 401);
    expectField(answer, ALLOWED, refusal.origin);
  }],
  ['a foreign page may read nothing', async (target) => {
    const place = target.places.shared.missing === undefined ? target.places.shared : needs(target.places.sharedRefusal);
    // What nobody may read would prove nothing.
    expectField(await target.visit(place), ALLOWED, place.origin);
    for (const origin of [FOREIGN, 'null', `${place.origin}.smoke.invalid`]) {
      expectNone(await target.visit({ ...place, headers: { origin } }), ALLOWED);
    }
  }],
  ['caches keep the answers of pages apart', async (target) => {
    const shared = needs(target.places.shared);
    if (shared.route.pass_through) skip('the route passes everything through');
    for (const headers of [{}, { origin: shared.origin }]) expectHeader(await target.visit({ ...shared, headers }), 'vary', /\borigin\b/i, 'to name origin');
  }],
];
