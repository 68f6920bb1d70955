// Paths that could be read in two ways, and what is too large.

import { expect, expectHeader, expectStatus, skip } from './expect.mjs';

/** Whoever reads them in the other way comes to a path that needs a token: an upstream would answer it. */
const TRICKS = [
  ['dot segments', ['/v1/products/../orders', '/v1/./orders', '/v1/products/..;/orders']],
  ['encoded dot segments', ['/v1/products/%2e%2e/orders', '/v1/products/.%2E/orders', '/v1/%2e/orders']],
  ['doubled slashes', ['//v1/orders', '/v1//orders', '/v1/orders//']],
  ['encoded slashes', ['/v1%2forders', '/v1/products/..%2Forders', '/v1/products/%2e%2e%2forders']],
  ['backslashes', ['/v1\\orders', '/v1/products/..\\orders', '/v1/products/..%5corders']],
  ['control characters', ['/v1/orders%00', '/v1/products/%0d%0ax-a:%20b', '/v1/products/%7f']],
  ['broken encodings', ['/v1/orders%', '/v1/orders%zz', '/v1/products/%u002e']],
];

const MIB = 1024 * 1024;

export const LIMITS = [
  // What the edge reads as the plain path is refused there for want of a token; what stays is refused as malformed.
  ...TRICKS.map(([what, paths]) => [`paths with ${what} are refused`, async (target) => {
    for (const path of paths) {
      const { status, body } = await target.ask(path);
      expect([400, 401, 403, 404].includes(status), `${path} got ${status} ${body.slice(0, 80)}`);
    }
  }]),
  ['a URL that is too long gets 414', async (target) => expectStatus(await target.ask(`/v1/products/${'a'.repeat(20_000)}`), 414)],
  ['a body that is announced as too large gets 413 at once', async (target) => {
    const answer = await target.ask('/v1/orders', { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': String(2 * MIB) }, body: Buffer.alloc(2 * MIB, ' ') });
    expectStatus(answer, 413);
    expectHeader(answer, 'content-type', /problem\+json/);
  }],
  ['a body that grows too large gets 413', async (target) => {
    if (target.token === undefined) skip('needs --token');
    const body = Array.from({ length: 20 }, () => Buffer.alloc(MIB / 10, ' '));
    expectStatus(await target.ask('/v1/orders', { method: 'POST', token: target.token, headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, body }), 413);
  }],
];
