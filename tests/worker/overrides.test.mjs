// Fields that ask an upstream for another method or path than the gateway has decided on, sent as bytes: they end here,
// but on routes that hand everything on and on those that set them by themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "overrides"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET,POST /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET,POST /raw/{rest...}"]
upstream = "origin"
auth = "none"
pass_through = true

[routes."GET,POST /wanted/{rest...}"]
upstream = "origin"
auth = "none"
request_headers = { set = { x-http-method-override = "{request.headers.X-HTTP-Method-Override}" } }
`;

const FIELDS = ['X-HTTP-Method-Override: DELETE', 'x-http-method: DELETE', 'X-METHOD-OVERRIDE: DELETE', 'X-Original-URL: /admin', 'X-Rewrite-Url: /admin'];
const NAMES = FIELDS.map((field) => field.split(':')[0].toLowerCase());

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

async function arrived(method, path, body) {
  const length = body === undefined ? [] : [`content-length: ${body.length}`];
  const answer = await speak(gateway.port, head(method, path, ['x-ordinary: kept', ...FIELDS, ...length]) + (body ?? ''));
  assert.equal(answer.status, 200);
  const { fields } = JSON.parse(answer.body.toString());
  assert.ok(fields.some(([name]) => name === 'x-ordinary'));
  return fields.filter(([name]) => NAMES.includes(name)).map(([name]) => name).sort();
}

for (const [method, body] of [['GET'], ['POST', 'hello'], ['GET', 'hello']]) {
  const how = body === undefined ? method : `${method} with a body`;

  test(`${how} brings none of them to the upstream`, async () => {
    assert.deepEqual(await arrived(method, '/open/echo', body), []);
  });

  test(`${how} brings all of them through where everything goes on`, async () => {
    assert.deepEqual(await arrived(method, '/raw/echo', body), NAMES.toSorted());
  });
}

test('a route can set one from what the client sent', async () => {
  assert.deepEqual(await arrived('POST', '/wanted/echo', 'hello'), ['x-http-method-override']);
});
