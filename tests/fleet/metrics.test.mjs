// Metrics of a whole fleet: what several isolates count comes together, whoever reads it, and what becomes of it when
// messages or objects are lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { startRig } from './lib/rig.mjs';

const TOKEN = '3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=';
const SHARDS = 2;
const CONFIGURATION = `
[gateway]
name = "fleet"

[metrics]
token = "\${METRICS_TOKEN}"
shards = ${SHARDS}

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"
`;

let origin;
let rig;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ origin, bin: compiled(CONFIGURATION), variables: { METRICS_TOKEN: TOKEN } });
});

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

/** The sum of the samples of a name, as an isolate tells it. `label` is a part of their labels. */
async function read(isolate, name, label = '') {
  const { status, body } = await isolate.ask('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(status, 200, body);
  const samples = body.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line) && line.includes(label));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const FORWARDED = ['ferrogate_requests_total', 'outcome="forwarded"'];
const forwarded = (isolate = rig.iso(0)) => read(isolate, ...FORWARDED);

async function until(expected, isolate, what = FORWARDED) {
  let last;
  await eventually(async () => (last = await read(isolate, ...what)) >= expected, () => `${what[0]}: ${last} of ${expected}`);
  assert.equal(last, expected);
}

async function send(isolate, count) {
  for (let left = count; left > 0; left--) assert.equal((await isolate.ask('/open/echo')).status, 200);
}

test('what four isolates count comes together, and each of them tells it', async () => {
  await Promise.all(rig.isolates.map((isolate, index) => send(isolate, index + 1)));
  for (const isolate of rig.isolates) await until(10, isolate);
  assert.equal(await read(rig.iso(0), 'ferrogate_isolates'), 4);
  assert.equal(await read(rig.iso(0), 'ferrogate_outbox_dropped_total'), 0);
});

test('messages that come twice count once', async () => {
  const before = await forwarded();
  await rig.iso(1).faults({ METRICS: { duplicate: 1, seed: 1 } });
  await send(rig.iso(1), 5);
  await eventually(async () => ((await rig.iso(1).counts()).total.METRICS?.duplicate ?? 0) > 0);
  await until(before + 5, rig.iso(0));
  await rig.iso(1).faults();
});

test('what was read survives objects that end at once, and no counter falls', async () => {
  const before = await forwarded();
  await send(rig.iso(2), 3);
  await until(before + 3, rig.iso(0));
  for (let shard = 0; shard < SHARDS; shard++) await rig.kill('Metrics', `shard:${shard}`);
  assert.equal(await forwarded(), before + 3);
  for (let shard = 0; shard < SHARDS; shard++) await rig.evict('Metrics', `shard:${shard}`);
  assert.equal(await forwarded(rig.iso(3)), before + 3);
});

test('what nobody has read is stored when the object wakes', async () => {
  const before = await forwarded();
  const stored = async (shard) => (await rig.sql('Metrics', `shard:${shard}`, "SELECT hex(value) AS value FROM entries WHERE key = x'6600'"))[0]?.value;
  const kept = await Promise.all([0, 1].map(stored));
  await rig.iso(3).counts();
  await send(rig.iso(3), 4);
  await eventually(() => handedOver(rig.iso(3)));
  assert.deepEqual(await Promise.all([0, 1].map(stored)), kept, 'not yet');
  await rig.owner.skew(60_000);
  for (let shard = 0; shard < SHARDS; shard++) await rig.alarm('Metrics', `shard:${shard}`);
  await rig.owner.skew(0);
  assert.notDeepEqual(await Promise.all([0, 1].map(stored)), kept);
  for (let shard = 0; shard < SHARDS; shard++) await rig.kill('Metrics', `shard:${shard}`);
  assert.equal(await forwarded(), before + 4);
});

/** Whether an isolate has called an object since this was asked last. */
async function handedOver(isolate) {
  return ((await isolate.counts()).recent.METRICS?.calls ?? 0) > 0;
}

test('a message that fails twice is not sent again, and counts as dropped', async () => {
  const before = await forwarded();
  const dropped = () => read(rig.iso(0), 'ferrogate_outbox_dropped_total', 'kind="metrics"');
  const lost = await dropped();
  await rig.iso(1).faults({ METRICS: { fail: 1, calls: 2 } });
  await send(rig.iso(1), 6);
  await eventually(async () => ((await rig.iso(1).counts()).total.METRICS?.fail ?? 0) === 2);
  await send(rig.iso(1), 1);
  await eventually(async () => (await dropped()) === lost + 6, () => 'nothing was dropped');
  await until(before + 1, rig.iso(0));
});

test('an object that hangs takes only its own series from a reader, and not for long', async () => {
  const before = await forwarded();
  await rig.hold('Metrics', 'shard:0', 5_000);
  const started = performance.now();
  const missing = await read(rig.iso(0), 'ferrogate_metrics_shards_missing');
  assert.ok(performance.now() - started < 2_500, `${performance.now() - started} ms`);
  assert.equal(missing, 1);
  await rig.kill('Metrics', 'shard:0');
  assert.equal(await read(rig.iso(0), 'ferrogate_metrics_shards_missing'), 0);
  assert.equal(await forwarded(), before);
});

test('an isolate that begins anew counts under another number', async () => {
  const before = await forwarded();
  await rig.iso(0).wipe();
  await send(rig.iso(0), 2);
  await until(before + 2, rig.iso(1));
});
