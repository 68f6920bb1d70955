// Paths that could be read in two ways, and what is too large.

import { expect, expectHeader, expectStatus, isOurs, needs, shown } from './expect.mjs';

/** Whoever reads them in the other way comes to a path that needs a token, `guarded`; some begin with one that needs none. */
const TRICKS = [
  ['dot segments', ({ open, up, guarded, before, last }) => [`${open}${up('..')}${guarded}`, `${before}/./${last}`, `${open}/..;${guarded}`]],
  ['encoded dot segments', ({ open, up, guarded, before, last }) => [`${open}${up('%2e%2e')}${guarded}`, `${open}${up('.%2E')}${guarded}`, `${before}/%2e/${last}`]],
  ['doubled slashes', ({ guarded, before, last }) => [`/${guarded}`, `${before}//${last}`, `${guarded}//`]],
  ['encoded slashes', ({ open, before, last }) => [`${before || '/'}%2f${last}`, `${open}/..%2F${last}`, `${open}/%2e%2e%2f${last}`]],
  ['backslashes', ({ open, up, before, last }) => [...(before === '' ? [] : [`${before}\\${last}`]), `${open}${up('..')}${before}\\${last}`.replace('/..', '\\..'), `${open}/..%5c${last}`]],
  ['control characters', ({ open, guarded }) => [`${guarded}%00`, `${open}/%0d%0ax-a:%20b`, `${open}/%7f`]],
  ['broken encodings', ({ open, guarded }) => [`${guarded}%`, `${guarded}%zz`, `${open}/%u002e`]],
];
const TOO_LONG = 20_000;

/** The parts that tricks are put together from. */
function parts({ open, guarded }) {
  const plain = (path) => path.split('?')[0].replace(/\/+$/, '');
  const [from, to] = [open.missing === undefined ? plain(open.path) : '/smoke', plain(guarded.path)];
  const cut = to.lastIndexOf('/');
  const up = (dots) => `/${dots}`.repeat(from.split('/').length - 1);
  return { open: from, guarded: to, up, before: to.slice(0, cut), last: to.slice(cut + 1) };
}

/** What the edge reads as the plain path is refused there for want of a token; what stays is refused as malformed. */
async function expectRefused(target, path) {
  const answer = await target.ask(path);
  const { asked, status, body } = answer;
  // A 404 could be the upstream's, which then has seen the path.
  expect([400, 401, 403].includes(status) || (status === 404 && isOurs(answer)), `${asked}: expected the status 400, 401 or 403, or 404 of the gateway itself, found ${status} ${shown(body)}`);
}

export const LIMITS = [
  ...TRICKS.map(([what, paths]) => [`paths with ${what} are refused`, async (target) => {
    // Without the trick a token is wanted; if it were not, what follows would prove nothing.
    expectStatus(await target.visit(needs(target.places.guarded)), 401);
    for (const path of paths(parts(target.places))) await expectRefused(target, path);
  }]),
  ['a URL that is too long gets 414', async (target) => expectStatus(await target.ask(`/smoke-${'a'.repeat(TOO_LONG)}`), 414)],
  ['a body that is announced as too large gets 413 at once', async (target) => {
    const limited = needs(target.places.limited);
    const length = limited.route.body_limit + 1;
    const answer = await target.visit(limited, { headers: { 'content-type': 'application/json', 'content-length': String(length) }, body: Buffer.alloc(length, ' ') });
    expectStatus(answer, 413);
    expectHeader(answer, 'content-type', /problem\+json/, 'application/problem+json');
  }],
  ['a body that grows too large gets 413', async (target) => {
    const counted = needs(target.places.counted);
    const { token } = counted.claims === undefined ? {} : target;
    // Twice the limit, in pieces: whoever counts stops somewhere in the middle.
    const body = Array.from({ length: 20 }, () => Buffer.alloc(Math.ceil(counted.route.body_limit / 10) + 1, ' '));
    expectStatus(await target.visit(counted, { token, headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, body }), 413);
  }],
];
