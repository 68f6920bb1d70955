// What the gateway changes of requests and answers on their way: paths, queries, heads and status codes, as an origin
// and a client see them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "transform"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[upstreams.origin]
targets = ["\${ORIGIN_URL}/base"]
prefix = "/v9"

[policies.open]
auth = "none"

[routes."ANY /old/{kind}/{rest...}"]
upstream = "origin"
use = "open"
rewrite = "/{rest}/of/{kind}"

[routes."GET /me/{what}"]
upstream = "origin"
auth = "main"
rewrite = "/users/{claims.sub}/{what}"
request_query = { set = { user = "{claims.sub}" }, remove = ["debug"], add = { via = ["a b", "{request.query.page}"] } }

[routes."GET /kept"]
upstream = "origin"
use = "open"
request_query = { keep = ["page", "limit"] }

[routes."GET /told/{id}"]
upstream = "origin"
use = "open"
request_headers = { set = { x-facts = "{request.method} {request.host} {request.path} {request.query.page} {id}", x-agent = "{request.headers.User-Agent}" }, add = { via = "1.1 acme" } }

[upstreams.plain]
targets = ["\${ORIGIN_URL}"]

[policies.mapped]
use = "open"
status_map = { 200 = 203, 204 = 410, 304 = 299, 404 = 410, 500 = 502 }
response_headers = { add = { set-cookie = ["c=3", "d=4"], x-mapped = "yes" } }

[routes."GET,POST /mapped/{rest...}"]
upstream = "plain"
use = "mapped"

[routes."GET /watched/{rest...}"]
upstream = "plain"
use = "mapped"
observe = "body"
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

const bearer = (claims) => ({ authorization: `Bearer ${token(claims)}` });
const asked = async (target, options) => (await gateway.ask(target, options)).json();
const field = (fields, name) => fields.filter(([known]) => known === name).map(([, value]) => value);

test('a rewritten path reaches the origin as it was made, with the body and the query of the request', async () => {
  const seen = await asked('/old/a%20b/x/caf%C3%A9?q=%zz&', { method: 'POST', body: 'hello' });
  assert.deepEqual([seen.method, seen.url, seen.body], ['POST', '/base/v9/x/caf%C3%A9/of/a%20b?q=%zz&', 'hello']);
});

test('a claim is one segment of a path and one value of a query, whatever the client says', async () => {
  const seen = await asked('/me/orders?us%65r=root&page=2&debug=1&user=admin', { headers: bearer({ sub: 'u 1?x=#&y' }) });
  assert.equal(seen.url, '/base/v9/users/u%201%3Fx%3D%23%26y/orders?user=u%201%3Fx%3D%23%26y&page=2&via=a%20b&via=2');
});

for (const sub of ['..', '.', '', '../admin', 'a/b', 'a\\b']) {
  test(`the subject ${JSON.stringify(sub)} names no other path: 404`, async () => {
    const answer = await gateway.ask('/me/unreached', { headers: bearer({ sub }) });
    assertProblem(answer, 404, 'rewrite_impossible');
    assert.ok(origin.seen.every(({ url }) => !url.includes('unreached')));
  });
}

test('of a query only what is kept reaches the origin, byte for byte', async () => {
  assert.equal((await asked('/kept?x=1&p%61ge=%2F+&&limit&debug')).url, '/base/v9/kept?p%61ge=%2F+&limit');
  assert.equal((await asked('/kept?x=1')).url, '/base/v9/kept');
});

test('headers are filled with what the request says, and added to what it sends', async () => {
  const headers = { host: 'Api.test:80', 'user-agent': 'test/1', via: '1.0 fred', 'x-agent': 'forged' };
  const { fields } = await asked('/told/7?page=3', { headers });
  assert.deepEqual(field(fields, 'x-facts'), ['GET Api.test /told/7 3 7']);
  assert.deepEqual([field(fields, 'x-agent'), field(fields, 'via')], [['test/1'], ['1.0 fred, 1.1 acme']]);
});

test('a header that nothing fills is taken from the client too', async () => {
  const { fields } = await asked('/told/7?page=3', { headers: { 'x-agent': 'forged' } });
  assert.deepEqual(field(fields, 'x-agent'), []);
});

for (const kind of ['mapped', 'watched']) {
  for (const [upstream, client] of [[204, 410], [304, 299], [404, 410], [500, 502], [418, 418]]) {
    test(`on /${kind} the origin's ${upstream} is ${client} for the client, with its head, and the log tells both`, async () => {
      const id = `${kind}-${upstream}`;
      const answer = await gateway.ask(`/${kind}/status/${upstream}`, { headers: { 'x-request-id': id } });
      assert.deepEqual([answer.status, answer.headers.etag, answer.headers['x-mapped']], [client, '"7"', 'yes']);
      const { status, upstream_status: told } = await gateway.line(id);
      assert.deepEqual([status, told], [client, upstream === client ? undefined : upstream]);
    });
  }

  test(`on /${kind} an answer of another status keeps its body and its encoding`, async () => {
    const plain = await gateway.ask(`/${kind}/echo`);
    assert.deepEqual([plain.status, plain.json().method, plain.headers['content-type']], [203, 'GET', 'application/json']);
    const packed = await gateway.ask(`/${kind}/gzip`, { headers: { 'accept-encoding': 'gzip' } });
    assert.deepEqual([packed.status, packed.headers['content-encoding'], packed.bytes.subarray(0, 2).toString('hex')], [203, 'gzip', '1f8b']);
  });

  test(`on /${kind} cookies that are added stand beside those of the origin, each in a field of its own`, async () => {
    const { headers, status } = await gateway.ask(`/${kind}/cookies`);
    assert.equal(status, 203);
    assert.deepEqual(headers['set-cookie'], ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'c=3', 'd=4']);
  });

  test(`on /${kind} HEAD gets the mapped status and no body`, async () => {
    const answer = await speak(gateway.port, head('HEAD', `/${kind}/status/404`));
    assert.deepEqual([answer.status, answer.body.length], [410, 0]);
  });
}

test('a refusal of the gateway keeps its status', async () => {
  const down = await startGateway({ bin: compiled(CONFIGURATION) });
  try {
    assertProblem(await down.ask('/mapped/echo'), 502, 'upstream_unreachable');
  } finally {
    await down.stop();
  }
});
