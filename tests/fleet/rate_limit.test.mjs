// Rate limits of several isolates: together they admit what the limit says, hardly ever wait for the object, and do as
// they are told while it is away.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { SECONDS } from './lib/budget.mjs';
import { burst } from './lib/load.mjs';
import { startRig } from './lib/rig.mjs';
import { leastWithin, mostWithin } from './lib/windows.mjs';

const LIMIT = 1000;
const WINDOW_MS = 60_000;
/** What may be out unsettled, how long a lease lives, and the longest span of uses. */
const OUTSTANDING = LIMIT / 4;
const LIFE_MS = 6000;
const SPAN_MS = WINDOW_MS / 60;
/** How long the load goes on at least: over several windows where there is time for that. */
const LOAD_MS = SECONDS >= 300 ? 3.5 * WINDOW_MS : 0;

const CONFIGURATION = `
[gateway]
name = "fleet"
address_from = { header = "x-from" }

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /busy"]
respond = "here"
auth = "none"
rate_limit = "${LIMIT}/min per global"

[routes."GET /closed"]
respond = "here"
auth = "none"
rate_limit = { limit = "100/min", on_error = "closed" }

[routes."GET /local"]
respond = "here"
auth = "none"
rate_limit = { limit = "100/min", on_error = "local", local_share = 10 }

[routes."GET /opened"]
respond = "here"
auth = "none"
rate_limit = { limit = "2/min", on_error = "open" }

[routes."GET /few"]
respond = "here"
auth = "none"
rate_limit = "5/min"
`;

let rig;
let origin;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ origin, bin: compiled(CONFIGURATION) });
});

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

const ports = () => rig.isolates.map((isolate) => isolate.port);
const calls = async () => {
  const counts = await Promise.all(rig.isolates.map((isolate) => isolate.counts()));
  return counts.reduce((sum, { recent }) => sum + (recent.LIMITS?.calls ?? 0), 0);
};

test('four isolates at full speed admit what one limit says, and hardly ever ask', async () => {
  await calls();
  const began = performance.now();
  const since = () => performance.now() - began;
  const admitted = [];
  let [sent, refusedAt] = [0, Infinity];
  while (since() < LOAD_MS || (since() < 50_000 && (sent < 20_000 || since() - refusedAt < 2 * LIFE_MS))) {
    const started = since();
    const { requests } = await burst({ ports: ports(), count: 400, path: '/busy' });
    sent += requests.length;
    if (requests.some(({ status }) => status === 429)) refusedAt = Math.min(refusedAt, since());
    const odd = requests.find(({ status }) => ![200, 429].includes(status));
    assert.equal(odd, undefined, JSON.stringify(odd));
    for (const { status, sentMs, dueMs, ms } of requests) if (status === 200) admitted.push({ sentMs: started + sentMs, doneMs: started + dueMs + ms });
  }
  const [ended, hops] = [since(), (await calls()) / sent];
  const most = mostWithin(admitted, WINDOW_MS);
  console.log(`${sent} requests in ${(ended / 1000).toFixed(1)} s, ${admitted.length} admitted, at most ${most} in a minute of ${LIMIT}, ${hops.toFixed(4)} calls of the object for each`);
  assert.ok(most <= LIMIT && most >= LIMIT - OUTSTANDING, `${most}`);
  if (ended - refusedAt >= 2 * LIFE_MS) assert.equal(most, LIMIT);
  // Behind the first window what was used is free again when its lease or its span is over.
  const least = leastWithin(admitted, WINDOW_MS + LIFE_MS + SPAN_MS, 0, ended);
  assert.ok(least >= LIMIT - OUTSTANDING, `${least}`);
  assert.ok(LOAD_MS === 0 || least < Infinity);
  assert.ok(hops <= 0.02, `${hops}`);
});

const statuses = async (isolate, count, path, from) => {
  const seen = [];
  for (let left = count; left > 0; left--) seen.push((await isolate.ask(path, { headers: { 'x-from': from } })).status);
  return seen;
};
const count = (seen, status) => seen.filter((one) => one === status).length;

test('while the object is away, each route does as it says, and all is well again by itself', async () => {
  const isolate = rig.iso(0);
  await isolate.faults({ LIMITS: { fail: 1, seed: 1 } });
  assert.deepEqual(await statuses(isolate, 5, '/closed', '192.0.2.1'), [503, 503, 503, 503, 503]);
  assert.deepEqual(await statuses(isolate, 5, '/opened', '192.0.2.1'), [200, 200, 200, 200, 200]);
  const local = await statuses(isolate, 15, '/local', '192.0.2.1');
  assert.deepEqual([count(local, 200), count(local, 429)], [10, 5]);
  await isolate.faults();
  await isolate.skew(11_000);
  assert.deepEqual(await statuses(isolate, 3, '/closed', '192.0.2.1'), [200, 200, 200]);
  const answer = await isolate.ask('/closed', { headers: { 'x-from': '192.0.2.1' } });
  assert.match(answer.headers.ratelimit, /r=9\d/);
  await isolate.skew(0);
});

test('what was counted outlives isolates and objects', async () => {
  const from = '192.0.2.2';
  const [one, other] = [rig.iso(1), rig.iso(2)];
  assert.deepEqual(await statuses(one, 3, '/few', from), [200, 200, 200]);
  await one.wipe();
  assert.deepEqual(await statuses(other, 3, '/few', from), [200, 200, 429]);
  await rig.restartAll();
  assert.deepEqual(await statuses(rig.iso(1), 1, '/few', from), [429]);
});
