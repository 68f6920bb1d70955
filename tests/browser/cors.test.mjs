// CORS as a real browser judges it: what a script gets to see, and what it makes the browser send. What the gateway
// says byte for byte is tested natively and in tests/worker.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { startGateway } from '../worker/lib/gateway.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { token } from '../worker/lib/tokens.mjs';
import { startBrowser } from './lib/browser.mjs';

const CONFIGURATION = fs.readFileSync(path.join(import.meta.dirname, 'gateway.toml'), 'utf8');
const [APP, ADMIN, FOREIGN] = ['app.acme.test', 'admin.acme.test', 'evil.test'];
/** All that a script learns of what it may not read. */
const REFUSED = { refused: 'TypeError' };

let browser;
let origin;
let gateway;
let session;
let number = 0;

before(async () => {
  browser = await startBrowser();
  origin = await startOrigin();
  gateway = await startGateway({ origin, bin: compiled(CONFIGURATION), variables: { PAGES_PORT: String(browser.port) } });
});

after(async () => {
  await browser?.stop();
  await gateway?.stop();
  await origin?.stop();
});

beforeEach(async () => {
  session = await browser.fresh();
});

afterEach(() => session?.close());

/** A path of its own for each test; its address at the gateway, on a host that shares a site with the pages of acme. */
const fresh = (start) => `${start}/${(number += 1)}`;
const at = (target) => `http://api.acme.test:${gateway.port}${target}`;
/** The methods of all requests to a path that came to the gateway, in order. */
const came = async (target) => {
  const later = fresh('/later');
  await gateway.ask(later, { headers: { 'x-request-id': later } });
  await gateway.line(later);
  return gateway.lines.filter((line) => line.path === target).map(({ method }) => method);
};

test('a page that is allowed reads an answer', async () => {
  const page = await session.page(APP);
  const answer = await page.fetch(at(fresh('/open/echo')));
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.body).method, 'GET');
});

for (const host of [FOREIGN, 'acme.test', 'notapp.acme.test', 'preview.test', 'evilpreview.test', `${APP}.evil.test`]) {
  test(`a page on ${host} does not, though its request is served`, async () => {
    const target = fresh('/open/echo');
    const page = await session.page(host);
    assert.deepEqual(await page.fetch(at(target)), REFUSED);
    assert.equal(origin.of(target).length, 1);
  });
}

for (const host of ['a.preview.test', 'b.a.preview.test']) {
  test(`a page on ${host} is one of those below preview.test, and reads an answer`, async () => {
    const page = await session.page(host);
    assert.equal((await page.fetch(at(fresh('/open/echo')))).status, 200);
  });
}

test('a frame without an origin does not', async () => {
  const page = await session.page(APP);
  assert.deepEqual(await page.fetchFromSandbox(at(fresh('/open/echo'))), REFUSED);
});

test('no page reads what an origin gives to everybody on a route without CORS', async () => {
  const page = await session.page(FOREIGN);
  assert.deepEqual(await page.fetch(at('/open/cors')), REFUSED);
  const [target, allowed] = [fresh('/closed/echo'), await session.page(APP)];
  assert.deepEqual(await allowed.fetch(at(target)), REFUSED);
  assert.deepEqual(await allowed.fetch(at(target), { method: 'PUT' }), REFUSED);
  assert.deepEqual(origin.of(target).map(({ method }) => method), ['GET']);
});

test('a preflight is sent once, and remembered for the next request', async () => {
  const target = fresh('/open/echo');
  const page = await session.page(APP);
  const options = { method: 'PUT', headers: { 'content-type': 'application/json', 'x-mine': '1' }, body: '{}' };
  for (let time = 0; time < 3; time++) assert.equal((await page.fetch(at(target), options)).status, 200);
  assert.deepEqual(await came(target), ['OPTIONS', 'PUT', 'PUT', 'PUT']);
  assert.deepEqual(origin.of(target).map(({ method }) => method), ['PUT', 'PUT', 'PUT']);
});

for (const [what, options] of [
  ['a header that is not allowed', { headers: { 'x-other': '1' } }],
  ['a method that is not allowed', { method: 'DELETE' }],
  ['a token where none may be sent', { headers: { authorization: 'Bearer x' } }],
]) {
  test(`${what} is refused by the preflight, and the request never sent`, async () => {
    const target = fresh('/open/echo');
    const page = await session.page(APP);
    assert.deepEqual(await page.fetch(at(target), options), REFUSED);
    assert.deepEqual([await came(target), origin.of(target)], [['OPTIONS'], []]);
  });
}

test('the preflight of a foreign page is refused, and the request never sent', async () => {
  const target = fresh('/open/echo');
  const page = await session.page(FOREIGN);
  assert.deepEqual(await page.fetch(at(target), { method: 'PUT' }), REFUSED);
  assert.deepEqual([await came(target), origin.of(target)], [['OPTIONS'], []]);
});

test('a cookie is sent along and its answer read where credentials are allowed', async () => {
  const page = await session.page(APP);
  const include = { credentials: 'include' };
  assert.equal((await page.fetch(at('/personal/cookies'), include)).status, 200);
  const answer = await page.fetch(at(fresh('/personal/echo')), include);
  assert.ok(JSON.parse(answer.body).fields.some(([name, value]) => name === 'cookie' && value.includes('a=1')), answer.body);
  const preflighted = await page.fetch(at(fresh('/personal/echo')), { ...include, method: 'PUT' });
  assert.equal(preflighted.status, 200);
});

test('an answer to a request with cookies is not read where credentials are not allowed', async () => {
  const page = await session.page(APP);
  assert.deepEqual(await page.fetch(at(fresh('/open/echo')), { credentials: 'include' }), REFUSED);
  const other = await session.page(ADMIN);
  assert.deepEqual(await other.fetch(at(fresh('/personal/echo')), { credentials: 'include' }), REFUSED);
});

test('a token is sent behind a preflight that needs none', async () => {
  const target = fresh('/mine/echo');
  const page = await session.page(APP);
  const answer = await page.fetch(at(target), { headers: { authorization: `Bearer ${token({ sub: 'u-42' })}` } });
  assert.ok(JSON.parse(answer.body).fields.some(([name, value]) => name === 'x-user-id' && value === 'u-42'), answer.body);
  assert.deepEqual(await came(target), ['OPTIONS', 'GET']);
});

test('a header that is exposed can be read, and no other', async () => {
  const page = await session.page(APP);
  const { headers } = await page.fetch(at(fresh('/kept/echo')));
  assert.match(headers['x-request-id'], /^[0-9a-f-]{36}$/);
  assert.deepEqual([headers['x-hidden'], headers['x-frame-options']], [undefined, undefined]);
  assert.equal(headers['cache-control'], 'max-age=60');
});

for (const [what, target, status, code] of [
  ['a missing token', '/mine/echo', 401, 'token_missing'],
  ['an unknown path', '/nowhere', 404, 'route_not_found'],
  ['an upstream that is not there', '/refused/echo', 502, 'upstream_unreachable'],
]) {
  test(`a page that is allowed can read what is wrong with ${what}, a foreign page cannot`, async () => {
    const page = await session.page(APP);
    const answer = await page.fetch(at(target));
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [status, code]);
    assert.ok(answer.headers['x-request-id'].length > 0);
    const foreign = await session.page(FOREIGN);
    assert.deepEqual(await foreign.fetch(at(target)), REFUSED);
  });
}

test('a kept answer is not given to a page of another origin, which would not be allowed to read it', async () => {
  const target = fresh('/kept/echo');
  const [app, admin, foreign] = [await session.page(APP), await session.page(ADMIN), await session.page('www.acme.test')];
  assert.equal((await app.fetch(at(target))).status, 200);
  assert.equal((await app.fetch(at(target))).status, 200);
  assert.equal(origin.of(target).length, 1, 'the browser has kept it');
  assert.equal((await admin.fetch(at(target))).status, 200);
  assert.equal(origin.of(target).length, 2);
  assert.deepEqual(await foreign.fetch(at(target)), REFUSED);
  assert.equal((await app.fetch(at(target))).status, 200);
});
