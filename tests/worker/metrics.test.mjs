// Metrics on the built Worker: what it counts comes to its objects behind responses, and any isolate tells it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, head } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { token } from './lib/tokens.mjs';

const TOKEN = '3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=';
const CONFIGURATION = `
[gateway]
name = "test"

[metrics]
token = "\${METRICS_TOKEN}"
operator = { auth = "main", scopes = ["gateway:operate"] }
shards = 2

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET /mine/{rest...}"]
upstream = "origin"
auth = "main"
`;

/** Longer than answers are prompt (PROMPT_MS in src/entry/call.mjs). */
const WATCHED_AFTER_MS = 100;

const SCRAPER = { headers: { authorization: `Bearer ${TOKEN}` } };
/** The question for everything: format 1, the second of the questions (gateway/src/fleet/metrics/mod.rs). */
const READ = '0101';
const ROUTE = 'GET /open/{rest...}';

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

const start = (build) => startGateway({ origin, build, bin: compiled(CONFIGURATION), variables: { METRICS_TOKEN: TOKEN } });

/** The sum over all objects of the samples of a name that have these labels. */
async function read(gateway, name, labels = {}) {
  const { status, body } = await gateway.ask('/metrics', SCRAPER);
  assert.equal(status, 200, body);
  const meant = (line) => line.startsWith(`${name}{`) && Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`));
  return body.split('\n').filter(meant).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Waits until that sum is so many, and no more. */
async function counts(gateway, expected, name, labels) {
  let last;
  await eventually(async () => (last = await read(gateway, name, labels)) >= expected, () => `${name} ${JSON.stringify(labels)}: ${last}`);
  assert.equal(last, expected);
}

describe('a gateway that counts', () => {
  let gateway;
  before(async () => {
    gateway = await start('faults');
  });
  after(() => gateway?.stop());

  test('tells what became of its requests, by route, status and outcome', async () => {
    for (let left = 5; left > 0; left--) assert.equal((await gateway.ask('/open/echo')).status, 200);
    assert.equal((await gateway.ask('/mine/echo')).status, 401);
    assert.equal((await gateway.ask('/nowhere')).status, 404);
    await counts(gateway, 5, 'ferrogate_requests_total', { route: ROUTE, status: '2xx', outcome: 'forwarded' });
    await counts(gateway, 1, 'ferrogate_requests_total', { route: 'GET /mine/{rest...}', status: '4xx', outcome: 'authn' });
    await counts(gateway, 1, 'ferrogate_requests_total', { route: '-', status: '4xx', outcome: 'routing' });
    await counts(gateway, 5, 'ferrogate_request_duration_seconds_count', { route: ROUTE });
    await counts(gateway, 5, 'ferrogate_upstream_duration_seconds_count', { upstream: 'origin' });
    await counts(gateway, 1, 'ferrogate_problems_total', { code: 'token_missing' });
    assert.equal(await read(gateway, 'ferrogate_outbox_dropped_total'), 0);
    assert.equal(await read(gateway, 'ferrogate_isolates'), 1);
  });

  test('tells it to an operator as a document, and to nobody else', async () => {
    const path = '/api/v1/monitoring/metrics';
    assert.equal((await gateway.ask(path)).status, 401);
    const operator = { headers: { authorization: `Bearer ${token({ scope: 'gateway:operate' })}` } };
    const { status, headers, json } = await gateway.ask(path, operator);
    assert.deepEqual([status, headers['content-type'], headers['cache-control']], [200, 'application/json', 'no-store']);
    const { shards, routes } = json();
    assert.deepEqual(shards, { asked: 2, missing: 0 });
    assert.equal(routes.find(({ route }) => route === ROUTE).requests.status['2xx'], 5);
    const head = await gateway.ask('/metrics', { ...SCRAPER, method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });
});

test('what was counted is handed over when nobody asks any more', async (t) => {
  const gateway = await start('faults');
  t.after(() => gateway.stop());
  await gateway.ask('/open/echo');
  // Asked past the wasm: no other response brings anything along.
  const told = async (shard) => (await gateway.object(READ, `shard:${shard}`, 'METRICS')).answer;
  const all = async () => Buffer.from((await told(0)) + (await told(1)), 'hex').toString('latin1');
  await eventually(async () => (await all()).includes(ROUTE), () => 'nothing came');
});

test('a gateway whose wasm dies counts what was answered without it, and goes on', async (t) => {
  const gateway = await start('faults');
  t.after(() => gateway.stop());
  assert.equal((await gateway.ask('/open/echo?fault=trap-begin')).status, 500);
  assert.equal((await gateway.ask('/open/echo')).status, 200);
  await counts(gateway, 1, 'ferrogate_requests_total', { route: '-', status: '5xx', outcome: 'entry' });
  await counts(gateway, 1, 'ferrogate_problems_total', { code: 'internal' });
  await counts(gateway, 1, 'ferrogate_requests_total', { route: ROUTE, outcome: 'forwarded' });
});

test('a client that leaves is counted', async (t) => {
  const gateway = await start('faults');
  t.after(() => gateway.stop());
  const socket = await connect(gateway.port);
  socket.write(head('GET', '/open/hang'));
  await origin.arrival('/open/hang');
  await pause(WATCHED_AFTER_MS); // time alone makes an answer slow
  socket.resetAndDestroy();
  await counts(gateway, 1, 'ferrogate_problems_total', { code: 'client_gone' });
});

test('the gateway as it ships hands over after two seconds', async (t) => {
  const gateway = await start('test');
  t.after(() => gateway.stop());
  const began = performance.now();
  await gateway.ask('/open/echo');
  await counts(gateway, 1, 'ferrogate_requests_total', { route: ROUTE });
  assert.ok(performance.now() - began > 1900, 'not with every response');
});
