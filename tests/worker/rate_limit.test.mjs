// Rate limits on the built Worker: what callers are told, what is counted together, and that objects count.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { compiled } from './lib/compile.mjs';
import { eventually } from './lib/poll.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "limited"
address_from = { header = "x-from" }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
roles = "roles"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[metrics]
operator = { auth = "main", scopes = ["operate"] }
shards = 1

[admin]
on = true
auth = "main"
operator = "operator"

[policies.shared]
auth = "none"
rate_limit = "3/hour"

[routes."GET /login/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = "5/min"

[routes."GET /one/{rest...}"]
upstream = "origin"
use = "shared"

[routes."GET /two/{rest...}"]
upstream = "origin"
use = "shared"

[routes."GET /short"]
respond = "here"
auth = "none"
rate_limit = "2/s per global"

[routes."GET /mine/{rest...}"]
upstream = "origin"
auth = "main"
rate_limit = ["3/hour per principal", { limit = "4/hour", name = "all" }]

[routes."GET /hidden"]
respond = "here"
auth = "none"
rate_limit = { limit = "1/hour", hidden = true }

[routes."GET /shadow"]
respond = "here"
auth = "none"
rate_limit = { limit = "1/hour", mode = "shadow" }

[routes."GET /bucket"]
respond = "here"
auth = "none"
rate_limit = { limit = "1/hour per header:x-shop", algorithm = "token_bucket", burst = 3 }

[routes."GET /raw/{rest...}"]
upstream = "origin"
auth = "none"
pass_through = true
rate_limit = "1/hour"
`;

let gateway;
withGateway(
  () => ({ bin: compiled(CONFIGURATION) }),
  (both) => ({ gateway } = both),
);

let last = 0;
/** An address that nobody has used. */
const address = () => `2001:db8:0:${(last += 1).toString(16)}::1`;

async function statuses(count, path, options) {
  const seen = [];
  for (let left = count; left > 0; left--) seen.push((await gateway.ask(path, options)).status);
  return seen;
}

test('the sixth of five a minute is refused, says which limit that is and when to come back', async () => {
  const from = { headers: { 'x-from': address() } };
  const first = await gateway.ask('/login/echo', from);
  assert.equal(first.headers['ratelimit-policy'], '"5/min per address";q=5;w=60');
  assert.match(first.headers.ratelimit, /^"5\/min per address";r=4;t=6\d$/);
  assert.deepEqual(await statuses(4, '/login/echo', from), [200, 200, 200, 200]);
  const refused = await gateway.ask('/login/echo', from);
  assert.equal(refused.status, 429);
  const { code, detail } = refused.json();
  assert.deepEqual([code, detail], ['rate_limited', 'There were more requests than the limit allows: 5/min per address.']);
  assert.equal(refused.headers['ratelimit-policy'], '"5/min per address";q=5;w=60');
  assert.match(refused.headers.ratelimit, /^"5\/min per address";r=0;t=\d+$/);
  const after = Number(refused.headers['retry-after']);
  assert.ok(after >= 55 && after <= 67, `${after}`);
  assert.deepEqual(await statuses(1, '/login/echo', { headers: { 'x-from': address() } }), [200]);
});

test('who comes again when Retry-After has passed is let in', async () => {
  assert.deepEqual(await statuses(2, '/short'), [200, 200]);
  const refused = await gateway.ask('/short');
  assert.equal(refused.status, 429);
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds <= 2, `${seconds}`);
  await pause(1000 * seconds);
  assert.deepEqual(await statuses(1, '/short'), [200]);
});

test('the routes of a policy share its limit, and one network of IPv6 is one address', async () => {
  const network = `2001:db8:1:${(last += 1).toString(16)}`;
  const from = (host) => ({ headers: { 'x-from': `${network}::${host}` } });
  assert.deepEqual(await statuses(2, '/one/echo', from(1)), [200, 200]);
  assert.deepEqual(await statuses(2, '/two/echo', from(2)), [200, 429]);
  assert.deepEqual(await statuses(1, '/login/echo', from(3)), [200]);
});

test('a request that one limit refuses takes nothing from the others', async () => {
  const from = { 'x-from': address() };
  const as = (sub) => ({ headers: { ...from, authorization: `Bearer ${token({ sub })}` } });
  const [ada, bob] = [as('ada'), as('bob')];
  assert.deepEqual(await statuses(5, '/mine/echo', ada), [200, 200, 200, 429, 429]);
  // Four of all: three were Ada's, none were her refusals.
  assert.deepEqual(await statuses(2, '/mine/echo', bob), [200, 429]);
  const answer = await gateway.ask('/mine/echo', bob);
  assert.match(answer.json().detail, /all/);
});

test('a request without a token is refused before it counts by its caller', async () => {
  assert.deepEqual(await statuses(2, '/mine/echo', { headers: { 'x-from': address() } }), [401, 401]);
});

test('a hidden limit tells no numbers, a shadow refuses nobody', async () => {
  const from = { headers: { 'x-from': address() } };
  const first = await gateway.ask('/hidden', from);
  const second = await gateway.ask('/hidden', from);
  assert.deepEqual([first.status, second.status], [200, 429]);
  assert.equal(first.headers.ratelimit ?? second.headers.ratelimit, undefined);
  assert.equal(second.json().detail, 'There were too many requests.');
  assert.deepEqual(await statuses(3, '/shadow', from), [200, 200, 200]);
});

test('a bucket gives as many at once as it holds', async () => {
  const shop = { headers: { 'x-shop': 'lamps' } };
  assert.deepEqual(await statuses(4, '/bucket', shop), [200, 200, 200, 429]);
  assert.deepEqual(await statuses(1, '/bucket', { headers: { 'x-shop': 'chairs' } }), [200]);
});

test('a route that passes everything through is limited and says nothing of it', async () => {
  const from = { headers: { 'x-from': address() } };
  const first = await gateway.ask('/raw/echo', from);
  assert.deepEqual([first.status, first.headers.ratelimit], [200, undefined]);
  assert.deepEqual(await statuses(1, '/raw/echo', from), [429]);
});

test('what a limit has refused is in the log line, in the metrics and with the operator', async () => {
  const network = address();
  const from = { headers: { 'x-from': network } };
  const as = (claims) => ({ headers: { authorization: `Bearer ${token(claims)}` } });
  const operator = as({ sub: 'ada', roles: ['operator'] });
  const key = `/admin/v1/limits/key?limit=5/min+per+address&address=${network}`;
  assert.deepEqual(await statuses(6, '/login/echo', from), [200, 200, 200, 200, 200, 429]);
  const refused = await gateway.ask('/login/echo', from);
  const line = await gateway.line(refused.headers['x-request-id']);
  assert.deepEqual(line.rate_limit, { limit: '5/min per address', outcome: 'refused' });
  const shown = `address=${network.replace(/::1$/, '')}::/64`;
  const looked = (await gateway.ask(key, operator)).json();
  assert.deepEqual([looked.key, looked.left, looked.limit, looked.window], [shown, 0, 5, '1m']);
  const open = await gateway.ask('/login/echo', { headers: { 'x-from': address() } });
  assert.equal((await gateway.line(open.headers['x-request-id'])).rate_limit, undefined);
  await eventually(async () => {
    const { body } = await gateway.ask('/metrics', as({ scope: 'operate' }));
    return body.includes(`{limit="5/min per address",key="${shown}"} 2\n`) && /outcome="refused",shard="0"} \d/.test(body);
  }, undefined, 10_000);
});
