// Plans, quotas of upstreams, costs that the answer tells, and the headers for older clients, on the built Worker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { eventually } from './lib/poll.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "planned"
address_from = { header = "x-from" }
ipv6_prefix = 48

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
tenant = "org.id"
plan = "app.plan"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[upstreams.dear]
targets = ["\${ORIGIN_URL}"]
quota = "3/hour"

[plans.anonymous]
limits = { name = "anonymous", limit = "1/hour" }

[plans.authenticated]
limits = { name = "authenticated", limit = "2/hour per principal" }

[plans.premium]
limits = { name = "premium", limit = "4/hour per principal" }

[plans.partner]
limits = []

[routes."GET /planned/{rest...}"]
upstream = "origin"
auth = { issuers = ["main"], optional = true }
rate_limit = "plan"

[routes."GET /too/{rest...}"]
upstream = "origin"
auth = { issuers = ["main"], optional = true }
rate_limit = ["plan", { name = "more", limit = "30/hour per global" }]

[routes."GET /tenant/{rest...}"]
upstream = "origin"
auth = "main"
rate_limit = [{ limit = 2, window = "hour", per = "tenant" }, { limit = 9, window = "hour", per = "api_key and plan" }]

[routes."GET /dear/{rest...}"]
upstream = "dear"
auth = "none"

[routes."GET /cost/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = { name = "cost", limit = "100/hour", cost = { header = "X-Cost", most = 60, otherwise = 3 } }

[routes."GET /bytes/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = { name = "bytes", limit = "100/hour", cost = { bytes = "1KB", most = 60 } }

[routes."GET /older"]
respond = "here"
auth = "none"
rate_limit = ["50/hour", "3/hour per route and address"]
rate_limit_headers = "both"

[routes."GET /silent"]
respond = "here"
auth = "none"
rate_limit = "1/hour"
rate_limit_headers = "none"

[routes."GET /first/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = { limit = "2/hour", first = "local" }
`;

let gateway;
withGateway(
  () => ({ bin: compiled(CONFIGURATION) }),
  (both) => ({ gateway } = both),
);

let last = 0;
/** A network that nobody has used. */
const address = () => `2001:db8:${(last += 1).toString(16)}::1`;

async function statuses(count, path, headers) {
  const seen = [];
  for (let left = count; left > 0; left--) seen.push((await gateway.ask(path, { headers })).status);
  return seen;
}

const bearer = (claims) => ({ 'x-from': address(), authorization: `Bearer ${token(claims)}` });

test('callers have the limits of their plans, on all routes that ask for them together', async () => {
  const nobody = { 'x-from': address() };
  assert.deepEqual(await statuses(2, '/planned/echo', nobody), [200, 429]);
  const plain = bearer({ sub: 'plain' });
  assert.deepEqual(await statuses(2, '/planned/echo', plain), [200, 200]);
  assert.deepEqual(await statuses(1, '/too/echo', plain), [429]);
  const premium = bearer({ sub: 'premium', app: { plan: 'premium' } });
  assert.deepEqual(await statuses(5, '/planned/echo', premium), [200, 200, 200, 200, 429]);
  const unknown = bearer({ sub: 'unknown', app: { plan: 'gold' } });
  assert.deepEqual(await statuses(3, '/planned/echo', unknown), [200, 200, 429]);
  assert.deepEqual(await statuses(6, '/planned/echo', bearer({ sub: 'p', app: { plan: 'partner' } })), Array(6).fill(200));
});

test('what is told names the plan, and a limit of the route holds besides', async () => {
  const { headers } = await gateway.ask('/too/echo', { headers: bearer({ sub: 'teller', app: { plan: 'premium' } }) });
  assert.equal(headers['ratelimit-policy'], '"more";q=30;w=3600, "premium";q=4;w=3600');
});

test('a tenant has one count, and a token its own', async () => {
  const of = (sub, id, jti) => bearer({ sub, org: { id }, jti });
  assert.deepEqual(await statuses(1, '/tenant/echo', of('a', 7, 't1')), [200]);
  assert.deepEqual(await statuses(2, '/tenant/echo', of('b', 7, 't2')), [200, 429]);
  const { headers } = await gateway.ask('/tenant/echo', { headers: of('b', 8, 't3') });
  assert.match(headers.ratelimit, /"9\/hour per api_key and plan";r=8/);
});

test('an upstream is asked no more often than its quota says, and callers are told whose fault that is', async () => {
  const answers = [];
  for (let left = 4; left > 0; left--) answers.push(await gateway.ask('/dear/echo', { headers: { 'x-from': address() } }));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 503]);
  const refused = answers.at(-1);
  assert.equal(refused.json().code, 'upstream_quota_exceeded');
  assert.ok(Number(refused.headers['retry-after']) > 3000);
  assert.deepEqual(answers.map(({ headers }) => headers.ratelimit), Array(4).fill(undefined));
});

const left = (answer) => Number(/;r=(\d+)/.exec(answer.headers.ratelimit)[1]);

test('a request costs what the upstream says, no more than it may and not less than nothing', async () => {
  const headers = { 'x-from': address() };
  for (const [said, is] of [['7', 93], ['0', 93], ['x', 90], ['-5', 87]]) {
    assert.equal(left(await gateway.ask(`/cost/cost/${said}`, { headers })), is, said);
  }
  assert.equal(left(await gateway.ask('/cost/cost/1000', { headers })), 27);
  const refused = await gateway.ask('/cost/cost/1', { headers });
  assert.equal(refused.status, 429, 'there is no room for what it may cost');
});

test('a request costs by the length of its answer', async () => {
  const headers = { 'x-from': address() };
  assert.equal((await gateway.ask('/bytes/big/20500', { headers })).bytes.length, 20500);
  const rest = await eventually(async () => {
    const answer = await gateway.ask('/bytes/big/1000', { headers });
    return answer.status === 200 && left(answer);
  }, () => 'what was taken too much does not come back');
  // 21 for the first; of this one 60 are taken until it has ended.
  assert.equal(rest, 100 - 21 - 60);
});

test('older clients are told of the limit that is nearest, and whoever wants it so of none', async () => {
  const headers = { 'x-from': address() };
  const { headers: told } = await gateway.ask('/older', { headers });
  assert.deepEqual([told['x-ratelimit-limit'], told['x-ratelimit-remaining']], ['3', '2']);
  const reset = Number(told['x-ratelimit-reset']) - Date.now() / 1000;
  assert.ok(reset > 3500 && reset < 3700, `${reset}`);
  const [first, refused] = [await gateway.ask('/silent', { headers }), await gateway.ask('/silent', { headers })];
  assert.deepEqual([first.status, first.headers.ratelimit, refused.status], [200, undefined, 429]);
  assert.ok(refused.headers['retry-after']);
});

test('with first = "local" the first request waits for nobody, and is counted', async () => {
  const headers = { 'x-from': address() };
  const seen = await statuses(4, '/first/echo', headers);
  assert.deepEqual(seen, [200, 200, 429, 429]);
});
