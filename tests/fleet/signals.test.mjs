// What a fleet knows of its switches: how soon a switch that was thrown through one isolate acts in all others, how often
// requests wait for that, and what it costs in calls of the object. Rates far apart are tried with clocks that are moved
// on between two requests, so that ten seconds pass at once.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startOrigin } from '../worker/lib/origin.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { token } from '../worker/lib/tokens.mjs';
import { startRig } from './lib/rig.mjs';

const KILL = '/admin/v1/switches/kill';
const OPERATOR = { authorization: `Bearer ${token({ roles: ['operator'], exp: Math.floor(Date.now() / 1000) + 86_400 })}` };

let origin;
let rig;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ origin });
});

/** How far all clocks have been moved on. */
let moved = 0;

/** Time passes in all isolates. What they knew is that much older then. */
async function later(ms) {
  moved += ms;
  for (const isolate of rig.isolates) await isolate.skew(moved);
}

/** More than what is known may be old where requests wait. */
const STALE = 1001;

afterEach(async () => {
  for (const isolate of rig.isolates) await isolate.faults();
  assert.equal((await release(rig.iso(0))).status, 204);
  await later(STALE);
  for (const isolate of rig.isolates) assert.equal((await isolate.ask('/sure/echo')).status, 200);
});

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

async function kill(isolate, query = '', length = '1m') {
  const thrown = await isolate.ask(KILL + query, { method: 'PUT', headers: OPERATOR, body: JSON.stringify({ reason: 'A leak.', for: length }) });
  assert.equal(thrown.status, 200, thrown.body);
}

const release = (isolate, query = '') => isolate.ask(KILL + query, { method: 'DELETE', headers: OPERATOR });

/** Requests in a steady row, until told to stop: { at, status } of each, by when it was sent. */
function traffic(isolate, path, everyMs) {
  const seen = [];
  let going = true;
  const run = (async () => {
    while (going) {
      const at = performance.now();
      seen.push({ at, status: (await isolate.ask(path)).status });
      await pause(Math.max(0, everyMs - (performance.now() - at)));
    }
  })();
  return { seen, async stop() { going = false; await run; return seen; } };
}

describe('a switch that is thrown through one isolate', () => {
  test('acts in all others within a second where routes wait, and soon where they serve what they know', async () => {
    const others = rig.isolates.slice(1);
    const sure = others.map((isolate) => traffic(isolate, '/sure/echo', 20));
    const served = others.map((isolate) => traffic(isolate, '/open/echo', 20));
    await pause(300);
    const began = performance.now();
    await kill(rig.iso(0));
    const done = performance.now();
    assert.equal((await rig.iso(0).ask('/open/echo')).status, 503, 'the isolate that threw it knows at once');
    await eventually(() => [...sure, ...served].every(({ seen }) => seen.at(-1).status === 503), () => 'it does not act everywhere', 11_000);
    const acted = Math.max(...[...sure, ...served].map(({ seen }) => seen.find(({ status }) => status === 503).at)) - began;
    await pause(1000);
    for (const run of sure) {
      const late = (await run.stop()).filter(({ at, status }) => at > done + 1000 && status !== 503);
      assert.deepEqual(late, []);
    }
    for (const run of served) {
      const late = (await run.stop()).filter(({ at, status }) => at > done + 10_000 && status !== 503);
      assert.deepEqual(late, []);
    }
    console.log(`a switch acted in all isolates after ${Math.round(acted)} ms, with 100 requests a second in each`);
  });

  test('keeps health up and operators in, and everything is back when it is released', async () => {
    await kill(rig.iso(1));
    await later(STALE);
    for (const isolate of rig.isolates) {
      const stopped = await isolate.ask('/sure/echo');
      assert.deepEqual([stopped.status, stopped.json().code, stopped.json().detail], [503, 'kill_switch', 'A leak.']);
      assert.match(stopped.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/);
      assert.equal((await isolate.ask('/health/ready')).status, 200);
      assert.equal((await isolate.ask('/health/live')).status, 200);
      assert.equal((await isolate.ask('/admin/v1/switches', { headers: OPERATOR })).json().switches.length, 1);
    }
    await release(rig.iso(2));
    await later(STALE);
    for (const isolate of rig.isolates) assert.equal((await isolate.ask('/sure/echo')).status, 200);
  });

  test('stops a route and lets the others go on', async () => {
    await kill(rig.iso(0), '?route=GET%20/sure/%7Brest...%7D');
    await later(STALE);
    assert.equal((await rig.iso(3).ask('/sure/echo')).status, 503);
    assert.equal((await rig.iso(3).ask('/open/echo')).status, 200);
    assert.equal((await release(rig.iso(0), '?route=GET%20/sure/%7Brest...%7D')).status, 204);
  });

  test('ends by itself', async () => {
    await kill(rig.iso(0), '', '1m');
    await later(STALE);
    assert.equal((await rig.iso(1).ask('/sure/echo')).status, 503);
    await later(58_000);
    assert.equal((await rig.iso(1).ask('/sure/echo')).status, 503);
    await later(1000);
    assert.equal((await rig.iso(1).ask('/sure/echo')).status, 200);
    assert.equal((await rig.iso(1).ask('/admin/v1/switches', { headers: OPERATOR })).json().switches.length, 0);
  });

  test('is known again after isolates were wiped, the object killed and evicted, and everything restarted', async () => {
    await kill(rig.iso(0));
    await later(STALE);
    const stopped = async () => assert.deepEqual(await Promise.all(rig.isolates.map(async (isolate) => (await isolate.ask('/open/echo')).status)), [503, 503, 503, 503]);
    await Promise.all(rig.isolates.map((isolate) => isolate.ask('/sure/echo')));
    await stopped();
    for (const isolate of rig.isolates) await isolate.wipe();
    await stopped();
    await rig.kill('Signals', 'root');
    await stopped();
    await rig.evict('Signals', 'root');
    for (const isolate of rig.isolates) await isolate.wipe();
    await stopped();
    await rig.restartAll();
    moved = 0;
    await stopped();
  });
});

describe('isolates that know their continent', () => {
  before(async () => {
    for (const isolate of rig.isolates) await isolate.place({ continent: 'EU', colo: 'AMS' });
  });

  test('ask one relay, which asks the root for all of them', async () => {
    await Promise.all(rig.isolates.map((isolate) => isolate.counts()));
    const runs = rig.isolates.slice(1).map((isolate) => traffic(isolate, '/open/echo', 20));
    await pause(2500);
    for (const run of runs) assert.ok((await run.stop()).every(({ status }) => status === 200));
    const asked = await Promise.all(rig.isolates.map(async (isolate) => (await isolate.counts()).recent.SIGNALS?.calls ?? 0));
    const [root, ...relay] = asked;
    const sum = relay.reduce((total, calls) => total + calls, 0);
    assert.ok(sum >= 9 && root <= sum / 2, `the relay was asked ${sum} times, the root ${root} times`);
  });

  test('learn of a switch within a second all the same, where routes wait', async () => {
    const runs = rig.isolates.slice(1).map((isolate) => traffic(isolate, '/sure/echo', 20));
    await pause(300);
    await kill(rig.iso(0));
    const done = performance.now();
    await pause(1300);
    for (const run of runs) {
      const seen = await run.stop();
      assert.deepEqual(seen.filter(({ at, status }) => at > done + 1000 && status !== 503), []);
      assert.ok(seen.some(({ at }) => at > done + 1000));
    }
  });

  test('go on when their relay is killed', async () => {
    await later(STALE);
    assert.equal((await rig.iso(1).ask('/sure/echo')).status, 200);
    await rig.kill('Signals', 'relay:EU:0');
    await later(STALE);
    assert.equal((await rig.iso(1).ask('/sure/echo')).status, 200);
  });

  after(async () => {
    for (const isolate of rig.isolates) await isolate.place();
  });
});

describe('when the object is away', () => {
  test('routes that serve go on and routes that insist are refused, in time, and both recover', async () => {
    const isolate = rig.iso(1);
    await isolate.faults({ SIGNALS: { fail: 1 } });
    await later(11_000);
    assert.equal((await isolate.ask('/open/echo')).status, 200);
    const refused = await isolate.ask('/sure/echo');
    assert.deepEqual([refused.status, refused.json().code], [503, 'state_unknown']);
    await isolate.faults();
    await later(11_000);
    assert.equal((await isolate.ask('/sure/echo')).status, 200);
  });

  test('a hanging object holds a request for two seconds at most, and then nobody', async () => {
    const isolate = rig.iso(2);
    await isolate.faults({ SIGNALS: { lose: 1, hang: 60_000 } });
    await later(11_000);
    const started = performance.now();
    assert.equal((await isolate.ask('/open/echo')).status, 200);
    const took = performance.now() - started;
    assert.ok(took < 4600, `${took} ms`);
    const next = performance.now();
    assert.equal((await isolate.ask('/open/echo')).status, 200);
    assert.ok(performance.now() - next < 500);
  });
});

/** How many requests were sent for each figure: a few at the slow end, where every second counts ten. */
const REQUESTS = 60;

test('the share of requests that wait, and what they cost, at 0.1 to 100 requests a second', async () => {
  const rows = [];
  for (const [path, name] of [['/open/echo', 'serve'], ['/sure/echo', 'wait']]) {
    for (const rate of [0.1, 1, 10, 100]) rows.push({ route: name, rate, ...(await measured(path, rate)) });
  }
  console.log('| route | requests a second | waited | object calls for 1,000 requests |\n| --- | ---: | ---: | ---: |');
  for (const { route, rate, waited, calls } of rows) console.log(`| ${route} | ${rate} | ${(waited * 100).toFixed(0)} % | ${Math.round(calls * 1000)} |`);
  const of = (route, rate) => rows.find((row) => row.route === route && row.rate === rate);
  // One question in half a second, as its own clock has it: on a machine that is busy more of that passes.
  for (const { route, rate, calls, elapsedMs } of rows) assert.ok(calls * REQUESTS <= Math.min(REQUESTS, elapsedMs / 500 + 1), `${route} at ${rate}`);
  for (const rate of [1, 10, 100]) assert.equal(of('serve', rate).waited, 0, `${rate} a second`);
  for (const rate of [10, 100]) assert.equal(of('wait', rate).waited, 0, `${rate} a second`);
});

/** Sends requests to one isolate, its clock moved on between two of them, and counts from its own log lines who waited. */
async function measured(path, rate) {
  const isolate = rig.iso(3);
  const tick = async () => isolate.skew((moved += 1000 / rate));
  const name = `rate-${path.slice(1, 5)}-${rate}`;
  // The first request, and the first that follows a wait, are of another kind.
  await isolate.ask('/sure/echo');
  await tick();
  await isolate.counts();
  const began = await isolate.clock();
  let waited = 0;
  for (let number = 0; number < REQUESTS; number++) {
    const id = `${name}-${number}`;
    assert.equal((await isolate.ask(path, { headers: { 'x-request-id': id } })).status, 200);
    if ((await isolate.line(id)).awaits > 0) waited += 1;
    // What went out behind the response is back before the clock moves on.
    await isolate.idle();
    await tick();
  }
  const { recent } = await isolate.counts();
  const elapsedMs = (await isolate.clock()) - began;
  return { waited: waited / REQUESTS, calls: (recent.SIGNALS?.calls ?? 0) / REQUESTS, elapsedMs };
}

test('a warm request waits for no platform call', async () => {
  const isolate = rig.iso(0);
  for (let number = 0; number < 20; number++) {
    const id = `warm-${number}`;
    await isolate.ask('/open/echo', { headers: { 'x-request-id': id } });
    assert.equal((await isolate.line(id)).awaits, undefined);
  }
});
