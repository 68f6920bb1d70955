// Rate limits of four isolates under load while the object that counts hangs, throws or is killed, and comes back: what is
// admitted meanwhile, and how soon all is as before. In rounds; each draws when the fault begins and how long it lasts.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { compiled } from '../worker/lib/compile.mjs';
import { rounds } from './lib/budget.mjs';
import { startRig } from './lib/rig.mjs';
import { leastWithin, mostWithin } from './lib/windows.mjs';

const ISOLATES = 4;
const LIMIT = 100;
const WINDOW_MS = 3000;
/** What may be out unsettled, and what each isolate admits alone in a window. */
const OUTSTANDING = LIMIT / 4;
const SHARE = LIMIT / 10;

/** By how much a refusal may be too early: the life of a lease and the length of a span (docs/decisions/0017-limits.md), and
 * what a question takes. */
const EARLY_MS = 500 + WINDOW_MS / 60 + 250;
/** How long an isolate waits for the object, its first pause, and its longest. */
const ASK_MS = 1000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** What a busy machine may take for one thing more. */
const SLACK_MS = 1000;

/** What becomes of an object for a while; each gives what ends it. */
const FAULTS = {
  async hangs(object) {
    await rig.hold('Limits', object, 60_000);
    return () => rig.hold('Limits', object, 0);
  },
  async throws(object) {
    await rig.throwing('Limits', object, true);
    return () => rig.throwing('Limits', object, false);
  },
  async dies(object, random) {
    let going = true;
    const deaths = (async () => {
      for (let turn = 0; going; turn++) {
        await (turn % 2 === 0 ? rig.kill('Limits', object) : rig.evict('Limits', object));
        await pause(20 + random() * 300);
      }
    })();
    return () => {
      going = false;
      return deaths;
    };
  },
};

const CASES = Object.keys(FAULTS).flatMap((fault) => ['closed', 'local'].map((mode) => ({ fault, mode, path: `/${fault}/${mode}` })));
const WELL = '/well';

const route = (path, more) => `
[routes."GET ${path}"]
respond = "here"
auth = "none"
rate_limit = { limit = "${LIMIT}/${WINDOW_MS / 1000}s per global", ${more} }
`;

const CONFIGURATION = `
[gateway]
name = "fleet"
${route(WELL, 'on_error = "closed"')}
${CASES.map(({ path, mode }) => route(path, mode === 'local' ? `on_error = "local", local_share = ${(SHARE * 100) / LIMIT}` : 'on_error = "closed"')).join('')}`;

let rig;
const objects = {};

before(async () => {
  rig = await startRig({ isolates: ISOLATES, bin: compiled(CONFIGURATION) });
  const isolate = rig.iso(0);
  for (const path of [WELL, ...CASES.map((one) => one.path)]) {
    const known = await isolate.named('LIMITS');
    assert.equal((await isolate.ask(path)).status, 200);
    [objects[path]] = (await isolate.named('LIMITS')).filter((name) => !known.includes(name));
  }
  assert.equal(new Set(Object.values(objects)).size, CASES.length + 1);
});

after(() => rig?.stop());

const admitted = (requests) => requests.filter(({ status }) => status === 200);
const isAlone = ({ headers }) => /;local/.test(headers?.ratelimit ?? '');

/** Has the fault come and go while requests come, and go on until all must be well again. Gives the requests and the times. */
async function struck({ path, fault, mode }, random) {
  const load = rig.hammer({ each: 2, path });
  await pause(1000 + random() * 1000);
  const began = performance.now();
  const end = await FAULTS[fault](objects[path], random);
  // So long that whoever was refused just before asks again, and waits in vain.
  await pause(WINDOW_MS + EARLY_MS + ASK_MS + random() * 500);
  await end();
  const ended = performance.now();
  // Pauses double, so none is longer than the object was away, but for the first.
  const awayMs = Math.min(Math.max(ended - began, FIRST_PAUSE_MS), LONGEST_PAUSE_MS) + ASK_MS;
  const recovers = ended + awayMs + SLACK_MS;
  // What was granted and never arrived counts as used for as long as that.
  const well = recovers + WINDOW_MS + EARLY_MS;
  await pause(well + WINDOW_MS + EARLY_MS + SLACK_MS - performance.now());
  return { path, mode, requests: await load.stop(), began, ended, recovers, well };
}

function judged({ path, mode, requests, began, ended, recovers, well }) {
  const statuses = mode === 'closed' ? [200, 429, 503] : [200, 429];
  const odd = requests.find(({ status }) => !statuses.includes(status));
  assert.equal(odd, undefined, `${path}: ${JSON.stringify(odd)}`);
  const all = admitted(requests);
  const most = mostWithin(all, WINDOW_MS);
  assert.ok(most <= (mode === 'closed' ? LIMIT : LIMIT + ISOLATES * SHARE), `${path}: a window holds ${most}`);
  const counted = all.filter((request) => !isAlone(request));
  assert.ok(mostWithin(counted, WINDOW_MS) <= LIMIT, `${path}: a window holds too many that were counted`);
  const least = leastWithin(counted, WINDOW_MS + EARLY_MS, well, requests.at(-1).doneMs);
  assert.ok(least >= LIMIT - OUTSTANDING && least < Infinity, `${path}: when all is well again, a window holds ${least}`);
  const late = requests.find((request) => request.sentMs > recovers && (request.status === 503 || isAlone(request)));
  assert.equal(late, undefined, `${path}: ${JSON.stringify(late)} comes ${late?.sentMs - ended} ms after the end of the fault`);
  const during = requests.filter(({ sentMs, doneMs }) => sentMs > began && doneMs < recovers);
  const isStruck = mode === 'closed' ? ({ status }) => status === 503 : isAlone;
  const back = all.find((request) => request.sentMs >= ended && !isAlone(request));
  return { path, requests: requests.length, most, least, struck: during.filter(isStruck).length, backMs: Math.round(back.doneMs - ended) };
}

test('whatever becomes of the object, no window admits more than it may, and all is well by itself when it is back', async () => {
  const seen = [];
  const count = await rounds('limits under faults', async (random) => {
    const well = rig.hammer({ each: 2, path: WELL });
    const [runs, began] = [CASES.map((one) => struck(one, random)), performance.now()];
    const results = await Promise.all(runs);
    const [requests, ended] = [await well.stop(), performance.now()];
    assert.deepEqual([...new Set(requests.map(({ status }) => status))].sort(), [200, 429]);
    assert.ok(mostWithin(admitted(requests), WINDOW_MS) <= LIMIT);
    const least = leastWithin(admitted(requests), WINDOW_MS + EARLY_MS, began, ended);
    assert.ok(least >= LIMIT - OUTSTANDING && least <= LIMIT * 2, `where nothing is wrong, a window holds ${least}`);
    seen.push(...results.map(judged), { path: WELL, requests: requests.length, most: mostWithin(admitted(requests), WINDOW_MS), least });
  });
  for (const path of [WELL, ...CASES.map((one) => one.path)]) {
    const of = seen.filter((one) => one.path === path);
    const [most, least, struck, backMs] = [['most', Math.max], ['least', Math.min], ['struck', Math.min], ['backMs', Math.max]].map(([what, pick]) => pick(...of.map((one) => one[what])));
    // An object that dies between two questions is missed by nobody.
    if (/hangs|throws/.test(path)) assert.ok(struck > 0, `${path}: nobody noticed the fault`);
    const faults = path === WELL ? '' : `; the fault met ${struck} requests, and the first was counted again ${backMs} ms after its end`;
    console.log(`${path}: ${LIMIT} a window, ${most} at most in any, ${least} at least in any that is longer by ${Math.round(EARLY_MS)} ms${faults}`);
  }
  console.log(`${count} rounds, ${seen.reduce((sum, { requests }) => sum + requests, 0)} requests`);
});

test('a window that holds too many or too few is seen', () => {
  const requests = [0, 10, 20, 30].map((sentMs) => ({ sentMs, doneMs: sentMs + 5 }));
  assert.deepEqual([mostWithin(requests, 25), mostWithin(requests, 24), mostWithin([], 1)], [3, 2, 0]);
  assert.deepEqual([leastWithin(requests, 10, 0, 35), leastWithin(requests, 4, 0, 35), leastWithin(requests, 50, 0, 35)], [1, 0, Infinity]);
});
