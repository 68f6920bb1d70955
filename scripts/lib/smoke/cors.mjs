// What pages of other origins may do.

import { expect, expectHeader, expectNone, expectProblem, expectStatus } from './expect.mjs';

const FOREIGN = 'https://smoke.invalid';

/** A preflight for a path. */
function preflight(target, origin, method, headers) {
  const asked = headers === undefined ? {} : { 'access-control-request-headers': headers };
  return target.ask('/v1/orders', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, ...asked } });
}

export const CORS = [
  ['a preflight of an allowed page is answered without a token', async (target) => {
    const answer = await preflight(target, target.origin, 'POST', 'authorization,content-type');
    expectStatus(answer, 204, 200);
    expect(answer.headers['access-control-allow-origin'] === target.origin, `found ${answer.headers['access-control-allow-origin']}`);
    expectHeader(answer, 'access-control-allow-methods', /\bPOST\b/);
    expectHeader(answer, 'access-control-max-age', /^[1-9]\d*$/);
  }],
  ['a preflight of a foreign page is refused', async (target) => {
    const answer = await preflight(target, FOREIGN, 'POST');
    expectProblem(answer, 403, 'cors_origin_refused');
    expectNone(answer, 'access-control-allow-origin');
  }],
  ['a preflight for a header too many is refused', async (target) => {
    expectProblem(await preflight(target, target.origin, 'POST', 'x-smoke-unknown'), 403, 'cors_preflight_refused');
  }],
  ['an allowed page may read answers and refusals', async (target) => {
    for (const path of ['/v1/products/1', '/v1/orders']) {
      const answer = await target.ask(path, { headers: { origin: target.origin } });
      expect(answer.headers['access-control-allow-origin'] === target.origin, `on ${path} found ${answer.headers['access-control-allow-origin']}`);
    }
  }],
  ['a foreign page may read nothing', async (target) => {
    for (const origin of [FOREIGN, 'null', `${target.origin}.smoke.invalid`]) {
      expectNone(await target.ask('/v1/products/1', { headers: { origin } }), 'access-control-allow-origin');
    }
  }],
  ['caches keep the answers of pages apart', async (target) => {
    for (const headers of [{}, { origin: target.origin }]) expectHeader(await target.ask('/v1/products/1', { headers }), 'vary', /\borigin\b/i);
  }],
];
