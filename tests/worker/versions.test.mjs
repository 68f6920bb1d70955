// Versions, deprecation, OPTIONS and HEAD on the built Worker: which headers cross the boundary, what clients and the
// origin get, and what only development tells.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const SECTION = '[versions]\nheader = "api-version"\ndefault = "v1"\nlegacy_headers = true\n';
const config = (section) => `
[gateway]
name = "versions"
${section}
[env.production.gateway]
body_limit = "2MiB"
[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
[upstreams.one]
targets = ["\${ORIGIN_URL}"]
prefix = "/one"
[upstreams.two]
targets = ["\${ORIGIN_URL}"]
prefix = "/two"

[routes."GET /v1/echo"]
upstream = "origin"
auth = "none"
version = "v1"
deprecation = { since = "2020-01-01", sunset = "9999-12-31", guide = "https://acme.test/guide", successor = "/v2/echo" }
cors = { origins = ["https://app.test"] }

[routes."GET /v2/echo"]
upstream = "origin"
auth = "none"
version = "v2"

[[routes."GET /echo"]]
upstream = "one"
auth = "none"
version = "v1"

[[routes."GET /echo"]]
upstream = "two"
auth = "none"
version = "v2"

[routes."GET /gone"]
upstream = "origin"
auth = "none"
deprecation = { since = "2020-01-01", sunset = "2021-01-01T00:00:00Z", guide = "/guide" }

[routes."GET,POST /fixed"]
respond = "twelve bytes"
auth = "none"
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(config(SECTION)) }), (both) => ({ origin, gateway } = both));

test('a version is found in the path, in Accept or in the header that is named for it', async () => {
  const cases = [
    ['/v1/echo', {}, 'v1', '/v1/echo'],
    ['/v2/echo', { 'api-version': 'v1' }, 'v2', '/v2/echo'],
    ['/echo', {}, 'v1', '/one/echo'],
    ['/echo', { 'api-version': 'v2' }, 'v2', '/two/echo'],
    ['/echo', { 'x-api-version': 'v2' }, 'v1', '/one/echo'],
    ['/echo', { accept: 'application/json; version=2' }, 'v2', '/two/echo'],
    ['/echo', { accept: 'text/html, application/json;version="v2"', 'api-version': 'v1' }, 'v2', '/two/echo'],
  ];
  for (const [target, headers, version, arrived] of cases) {
    const answer = await gateway.ask(target, { headers });
    assert.equal(answer.status, 200, target);
    assert.equal(answer.json().url, arrived);
    assert.equal(answer.headers['api-version'], version, JSON.stringify([target, headers]));
    assert.equal(answer.headers['x-supported-versions'], 'v1, v2');
    assert.equal(answer.headers['x-latest-version'], 'v2');
    assert.equal(answer.headers.vary?.includes('Accept, api-version') ?? false, target === '/echo', target);
  }
});

test('a version that is not there is 404 with those that are, and two at once are 400', async () => {
  for (const [target, headers] of [['/echo', { 'api-version': 'v9' }], ['/v9/echo', {}]]) {
    const answer = await gateway.ask(target, { headers });
    assert.equal(answer.status, 404, target);
    assert.deepEqual(answer.json().errors, [{ field: 'version', expected: 'v1, v2' }]);
  }
  const answer = await gateway.ask('/echo', { headers: { accept: 'a/b;version=1, a/b;version=2' } });
  assert.deepEqual([answer.status, answer.json().code], [400, 'version_ambiguous']);
});

test('X-API-Version is read where no other header is named', async (t) => {
  const usual = await startGateway({ origin, bin: compiled(config('[versions]\ndefault = "v1"\n')) });
  t.after(() => usual.stop());
  const answer = await usual.ask('/echo', { headers: { 'x-api-version': 'v2' } });
  assert.equal(answer.json().url, '/two/echo');
  assert.equal(answer.headers['x-api-version'], 'v2');
  assert.equal('x-latest-version' in answer.headers, false);
});

test('a deprecated route says so, and is 410 once it is gone', async () => {
  const answer = await gateway.ask('/v1/echo');
  const { deprecation, sunset, link } = answer.headers;
  assert.deepEqual([deprecation, sunset], ['@1577836800', 'Fri, 31 Dec 9999 00:00:00 GMT']);
  assert.match(link, /^<https:\/\/acme\.test\/guide>; rel="deprecation"; type="text\/html", .*<\/v2\/echo>; rel="successor-version"$/);
  assert.equal(answer.headers['x-api-deprecated'], 'true');
  const gone = await gateway.ask('/gone');
  assert.deepEqual([gone.status, gone.json().code, gone.headers.sunset], [410, 'version_sunset', 'Fri, 01 Jan 2021 00:00:00 GMT']);
  assert.match(gone.headers.link, /rel="sunset"/);
  assert.equal(origin.of('/gone').length, 0);
});

test('OPTIONS is answered with what a path can be asked for', async () => {
  const answer = await gateway.ask('/v1/echo', { method: 'OPTIONS', headers: { origin: 'https://app.test' } });
  assert.deepEqual([answer.status, answer.body, answer.headers.allow], [204, '', 'GET, HEAD, OPTIONS']);
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.test');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal((await gateway.ask('/fixed', { method: 'DELETE' })).headers.allow, 'GET, HEAD, POST, OPTIONS');
});

test('OPTIONS * has no path, so no route', async () => {
  const { status, body } = await speak(gateway.port, head('OPTIONS', '*'));
  assert.deepEqual([status, JSON.parse(body).code], [400, 'path_malformed']);
});

test('HEAD of answers that are made here has their headers and no body', async () => {
  for (const target of ['/fixed', '/nothing', '/gone', '/health/live']) {
    const [whole, bare] = await Promise.all(['GET', 'HEAD'].map((method) => speak(gateway.port, head(method, target))));
    assert.equal(bare.status, whole.status, target);
    assert.equal(bare.body.length, 0, target);
    const names = ({ fields }) => fields.map(([name]) => name).filter((name) => name !== 'content-length' && name !== 'transfer-encoding').sort();
    assert.deepEqual(names(bare), names(whole), target);
    if (target !== '/health/live') assert.equal(bare.field('content-type'), whole.field('content-type'));
  }
});

test('the nearest route is named outside of environments alone', async (t) => {
  const near = 'No route of this gateway has this path: did you mean GET /v1/echo?';
  assert.equal((await gateway.ask('/v1/ecoh')).json().detail, near);
  const production = await startGateway({ origin, bin: compiled(config(SECTION)), variables: { FERROGATE_ENV: 'production' } });
  t.after(() => production.stop());
  assert.equal((await production.ask('/v1/ecoh')).json().detail, 'No route of this gateway has this path.');
});
