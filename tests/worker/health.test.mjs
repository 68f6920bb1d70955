// The health paths on the platform: real D1, KV, cache and objects; upstreams that answer, hang, refuse and are not
// there; and a gateway that cannot start. What is decided of it is tested natively (tests/native/health.rs).

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestHarness } from 'wrangler';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertCareful, assertProblem } from './lib/problems.mjs';
import { SECRET, token } from './lib/tokens.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 400;
const OPERATOR = { scope: 'gateway:operate' };
const CREDENTIAL = 'kR7vQ2xP9zT4mW8sB3nL';

const upstream = (name, health, rest = '') => `
[upstreams.${name}]
targets = ["\${${rest || 'ORIGIN_URL'}}"]
health = "${health}"
credentials = { bearer = "\${ORIGIN_TOKEN}" }

[routes."GET /${name}"]
upstream = "${name}"
auth = "none"
`;

const configuration = (required) => `
[gateway]
name = "test"
drain = "\${DRAIN:-off}"

[health]
required = ${JSON.stringify(required)}
timeout = "${TIMEOUT_MS}ms"
operator = { auth = "main", scopes = ["gateway:operate"] }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
${upstream('good', '/health/echo')}${upstream('moved', '/health/redirect')}${upstream('hanging', '/health/hang')}
${upstream('broken', '/health/status/500')}${upstream('dead', '/health/echo', 'REFUSING_URL')}${upstream('dripping', '/health/drip')}
[upstreams.bound]
targets = ["service:OTHER"]
health = "/up"

[routes."GET /bound"]
upstream = "bound"
auth = "none"
`;

const OTHER = `export default { fetch: (request) => new Response(null, { status: new URL(request.url).pathname === '/up' ? 204 : 404 }) };`;

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

async function start(t, { required = ['objects', 'upstream:good'], variables = {}, ...rest } = {}) {
  const all = { ORIGIN_TOKEN: CREDENTIAL, ...variables };
  const gateway = await startGateway({ origin, bin: compiled(configuration(required)), services: { OTHER }, variables: all, ...rest });
  t.after(() => gateway.stop());
  return gateway;
}

const statuses = ({ components }) => Object.fromEntries(components.map(({ name, status }) => [name, status]));

describe('with every binding of wrangler.toml', () => {
  let harness;
  let worker;
  before(async () => {
    const config = { configPath: path.join(ROOT, 'wrangler.toml'), vars: { SHOP_URL: origin.url }, secrets: { JWT_SECRET: SECRET } };
    harness = createTestHarness({ root: ROOT, workers: [config] });
    await harness.listen();
    worker = harness.getWorker();
  });
  after(() => harness?.close());

  test('database, key-value store, cache and objects pass, each with its time', async () => {
    const before = Date.now();
    const answer = await worker.fetch('/health');
    const document = await answer.json();
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/health+json');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(document.status, 'pass');
    assert.deepEqual(statuses(document), { database: 'pass', key_value: 'pass', cache: 'pass', objects: 'pass' });
    const [check] = document.checks['database:responseTime'];
    assert.equal(check.observedUnit, 'ms');
    assert.ok(Number.isInteger(check.observedValue) && check.observedValue >= 0);
    assert.ok(Math.abs(Date.parse(document.timestamp) - before) < 60_000, document.timestamp);
    assert.ok(document.uptime_seconds >= 0 && document.uptime_seconds < 600);
  });

  test('startup and readiness are short', async () => {
    for (const probe of ['/health/startup', '/health/ready']) {
      const answer = await worker.fetch(probe);
      assert.deepEqual([answer.status, await answer.json()], [200, { status: 'pass' }], probe);
    }
  });
});

test('upstreams are asked all at once, none for longer than the timeout, and each has its own answer', async (t) => {
  const gateway = await start(t);
  await gateway.ask('/health/live');
  const started = performance.now();
  const answer = await gateway.ask('/health');
  const took = performance.now() - started;
  assert.ok(took >= TIMEOUT_MS - 50 && took < 2 * TIMEOUT_MS + 400, `it took ${took} ms`);
  const document = answer.json();
  assert.deepEqual([answer.status, document.status], [200, 'warn']);
  const { cache: _, ...others } = statuses(document);
  assert.deepEqual(others, {
    objects: 'pass',
    'upstream:good': 'pass',
    'upstream:moved': 'pass',
    'upstream:hanging': 'fail',
    'upstream:broken': 'fail',
    'upstream:dead': 'fail',
    'upstream:dripping': 'pass',
    'upstream:bound': 'pass',
  });
  assert.ok(!answer.body.includes(origin.url) && !answer.body.includes(CREDENTIAL) && !answer.body.includes('error'));
  assertCareful(answer);
  const asked = await origin.arrival('/health/echo');
  assert.deepEqual([asked.method, asked.headers.authorization], ['GET', `Bearer ${CREDENTIAL}`]);
});

test('the body of an answer is not waited for: its connection is free at once', async (t) => {
  const gateway = await start(t);
  const before = origin.of('/health/drip').length;
  let answered = false;
  const answer = gateway.ask('/health').then(() => { answered = true; });
  const call = await origin.arrival('/health/drip', before + 1);
  // The upstream that hangs keeps the request open for some time more.
  await eventually(() => call.cut || answered);
  assert.deepEqual([call.cut, answered], [true, false]);
  await answer;
});

test('readiness waits for what is required and asks nobody else', async (t) => {
  const gateway = await start(t);
  const before = origin.of('/health/hang').length;
  assert.equal((await gateway.ask('/health/ready')).status, 200);
  assert.equal(origin.of('/health/hang').length, before);
});

test('a required component that fails is named by readiness and makes the summary fail', async (t) => {
  const gateway = await start(t, { required: ['database', 'upstream:dead', 'upstream:hanging', 'upstream:good'] });
  const ready = await gateway.ask('/health/ready');
  const { errors } = assertProblem(ready, 503, 'not_ready');
  assert.deepEqual(errors.map(({ field }) => field), ['database', 'upstream:hanging', 'upstream:dead']);
  assert.equal(ready.headers['retry-after'], '5');
  const answer = await gateway.ask('/health');
  assert.deepEqual([answer.status, answer.json().status], [503, 'fail']);
});

test('the details need the token of an operator and tell what is wrong in a word', async (t) => {
  const gateway = await start(t);
  const detailed = (bearer) => gateway.ask('/health/detailed', bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } });
  assertProblem(await detailed(), 401, 'token_missing');
  assertProblem(await detailed(token(OPERATOR, 'another-secret-of-more-than-thirty-two-bytes')), 401, 'token_invalid');
  assertProblem(await detailed(token()), 403, 'scope_missing');
  const answer = await detailed(token(OPERATOR));
  const document = answer.json();
  assert.equal(answer.status, 200);
  const errors = Object.fromEntries(document.components.map(({ name, error }) => [name, error]));
  assert.deepEqual([errors['upstream:hanging'], errors['upstream:broken'], errors['upstream:dead']], ['timeout', 'status 500', 'failed']);
  assert.equal(document.components.find(({ name }) => name === 'upstream:good').required, true);
  assert.match(document.releaseId, /^[0-9a-f]{16}$/);
  assert.ok(!answer.body.includes(origin.url) && !answer.body.includes(CREDENTIAL));
});

test('HEAD asks too, other methods are refused', async (t) => {
  const gateway = await start(t);
  const head = await gateway.ask('/health/ready', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body], [200, '']);
  const post = await gateway.ask('/health', { method: 'POST' });
  assertProblem(post, 405, 'method_not_allowed');
  assert.equal(post.headers.allow, 'GET, HEAD');
});

test('a gateway that drains answers its health paths and nothing else', async (t) => {
  const gateway = await start(t, { variables: { DRAIN: 'on' } });
  const refused = await gateway.ask('/good');
  assertProblem(refused, 503, 'draining');
  assert.equal(refused.headers['retry-after'], '30');
  assertProblem(await gateway.ask('/health/ready'), 503, 'draining');
  assert.equal((await gateway.ask('/health/live')).status, 200);
});

test('a gateway that cannot start lives, and has neither started nor is ready', async (t) => {
  const gateway = await start(t, { variables: { DRAIN: 'perhaps' } });
  const live = await gateway.ask('/health/live', { headers: { 'x-request-id': 'live' } });
  assert.deepEqual([live.status, live.json(), live.headers['x-request-id']], [200, { status: 'pass' }, 'live']);
  assert.deepEqual([live.headers['content-type'], live.headers['cache-control']], ['application/health+json', 'no-store']);
  assertCareful(live);
  assert.equal((await gateway.line('live')).status, 200);
  for (const probe of ['/health', '/health/ready', '/health/startup', '/health/detailed']) assertProblem(await gateway.ask(probe), 503, 'cannot_start');
  assertProblem(await gateway.ask('/health/live', { method: 'POST' }), 503, 'cannot_start');
  const [{ reasons }] = await gateway.reported('cannot start');
  assert.equal(reasons.length, 1);
  assert.match(reasons[0], /DRAIN/);
  assert.ok(!gateway.output.includes('perhaps'));
});
