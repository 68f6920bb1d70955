// The rules of src/entry/wait_list.mjs by a clock that is set by hand, without the platform: who leads when, what gets
// across, and that what callers leave behind goes away. A caller that is gone never comes back from a wait, as in
// workerd, where that is proven: wait_list.test.mjs.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { after, before, mock, test } from 'node:test';
import { UNSHAREABLE, WaitList } from '../../src/entry/wait_list.mjs';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const callers = new AsyncLocalStorage();
const CONTEXT = { waitUntil: (work) => work };

before(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  globalThis.scheduler = {
    wait(ms) {
      const caller = callers.getStore();
      return new Promise((resolve) => setTimeout(() => caller.gone || resolve(), ms));
    },
  };
});

after(() => {
  mock.timers.reset();
  delete globalThis.scheduler;
});

async function pass(ms) {
  for (let passed = 0; passed < ms; passed++) {
    mock.timers.tick(1);
    await settled();
  }
}

/** Work that goes on until the test ends it: `end(value)` or `fail()`. */
class Caller {
  gone = false;
  began = 0;
  outcome = 'waits';

  constructor(list, key = 'key', deadlineMs = 1000) {
    const work = () => {
      this.began += 1;
      return new Promise((resolve, reject) => Object.assign(this, { end: resolve, fail: () => reject(new Error('failed')) }));
    };
    const told = (outcome) => { this.outcome = outcome; };
    callers.run(this, () => list.share(key, CONTEXT, work, { deadlineMs })).then(told, () => told('failed'));
  }
}

const crowd = (list, count, ...rest) => Array.from({ length: count }, () => new Caller(list, ...rest));
const leading = (all) => all.filter(({ began, outcome }) => began === 1 && outcome === 'waits');
const waiting = (all) => all.filter(({ began, outcome }) => began === 0 && outcome === 'waits');
const outcomes = (all) => all.map(({ outcome }) => outcome);
const now = (list) => (({ keys, waiting: parked }) => [keys, parked])(list.stats());

test('a leader has its value at once, followers within a few milliseconds', async () => {
  const list = new WaitList();
  const [leader, ...followers] = crowd(list, 4);
  await pass(200);
  leader.end('value');
  await settled();
  assert.deepEqual(outcomes([leader, ...followers]), ['value', 'waits', 'waits', 'waits']);
  await pass(8);
  assert.deepEqual(outcomes(followers), ['value', 'value', 'value']);
});

test('a follower that has just begun to wait looks again after one or two milliseconds', async () => {
  const list = new WaitList();
  const [leader, follower] = crowd(list, 2);
  leader.end('value');
  await settled();
  await pass(2);
  assert.equal(follower.outcome, 'value');
});

test('a crowd looks less often', async (t) => {
  const looks = async (count) => {
    const wait = t.mock.method(globalThis.scheduler, 'wait');
    const list = new WaitList();
    crowd(list, count + 1);
    await pass(1000);
    wait.mock.restore();
    return wait.mock.callCount();
  };
  const [few, many] = [await looks(10), await looks(800)];
  assert.ok(few > 1000 && few < 2000, `${few} looks of ten`);
  assert.ok(many < 12_000, `${many} looks of eight hundred`);
});

test('after a failure a few lead at a time, and after two the others give up', async () => {
  const list = new WaitList({ few: 3 });
  const [first, ...followers] = crowd(list, 21);
  first.fail();
  await pass(10);
  const again = leading(followers);
  assert.deepEqual([again.length, waiting(followers).length], [3, 17]);
  again[0].fail();
  await pass(10);
  assert.deepEqual([leading(followers).length, waiting(followers).length], [2, 17], 'one that fails is not replaced while others try');
  again[1].fail();
  again[2].fail();
  await pass(10);
  assert.deepEqual([waiting(followers).length, outcomes(followers).filter((outcome) => outcome === undefined).length], [0, 17]);
  assert.deepEqual(now(list), [0, 0]);
});

test('what fails faster than followers look is not tried by one after the other', async () => {
  const list = new WaitList({ few: 3 });
  let began = 0;
  const ask = () => callers.run({ gone: false }, () => list.share('key', CONTEXT, () => (began++, Promise.reject(new Error('refused'))), { deadlineMs: 1000 })).catch(() => 'failed');
  const [first] = crowd(list, 1);
  const followers = Array.from({ length: 50 }, ask);
  await pass(3);
  first.fail();
  await pass(20);
  assert.ok(began >= 1 && began <= 3, `${began} calls`);
  assert.equal((await Promise.all(followers)).filter((outcome) => outcome === undefined).length, 50 - began);
});

test('a follower that looks late has the value of those who led meanwhile', async () => {
  const list = new WaitList({ few: 2 });
  const [first, ...followers] = crowd(list, 60);
  await pass(100);
  first.fail();
  for (let passed = 0; leading(followers).length === 0; passed++) await pass(1);
  leading(followers)[0].end('second');
  await pass(20);
  for (const one of leading(followers)) one.end('late');
  await pass(20);
  assert.equal(followers.filter(({ began }) => began > 0).length <= 2, true);
  assert.equal(outcomes(followers).filter((outcome) => outcome === 'second').length >= 58, true);
});

test('who cannot share keeps its own outcome, and the others lead a few at a time until each has one', async () => {
  const list = new WaitList({ few: 3 });
  const all = crowd(list, 11);
  for (const due of [1, 3, 3, 3, 1]) {
    const now = leading(all);
    assert.equal(now.length, due);
    for (const one of now) one.end(UNSHAREABLE);
    await pass(10);
  }
  assert.deepEqual(outcomes(all), Array(11).fill(UNSHAREABLE));
  assert.deepEqual([...now(list), list.stats().reelected], [0, 0, 10]);
});

test('a slot past its deadline is free, one leads in its place, and late values reach only their own request', async () => {
  const list = new WaitList({ followersMs: 250 });
  const [first, ...followers] = crowd(list, 5, 'key', 100);
  await pass(110);
  assert.deepEqual([first.outcome, leading(followers).length, waiting(followers).length], [undefined, 1, 3]);
  first.end('too late');
  await pass(10);
  assert.equal(waiting(followers).length, 3);
  leading(followers)[0].end('second');
  await pass(10);
  assert.deepEqual(outcomes(followers), Array(4).fill('second'));
  assert.deepEqual(list.stats(), { keys: 0, waiting: 0, led: 2, followed: 4, reelected: 1, expired: 1, overflowed: 0 });
});

test('a caller that comes after the deadline leads, although nobody has looked in between', async () => {
  const list = new WaitList();
  crowd(list, 1, 'key', 100);
  await pass(99);
  const early = new Caller(list);
  await settled();
  early.gone = true;
  await pass(1);
  assert.equal(new Caller(list).began, 1);
});

test('followers that are gone are counted until the deadline of their slot, and those who stay are not lost', async () => {
  const list = new WaitList({ followers: 10, followersMs: 300 });
  const [first, ...followers] = crowd(list, 11, 'key', 100);
  for (const one of [first, ...followers.slice(0, 7)]) one.gone = true;
  await pass(50);
  assert.deepEqual(now(list), [1, 10]);
  const beyond = new Caller(list);
  assert.deepEqual([beyond.began, list.stats().overflowed], [1, 1]);
  await pass(60);
  assert.deepEqual(now(list), [1, 2]);
  leading(followers)[0].end('value');
  await pass(10);
  assert.deepEqual(outcomes(followers.slice(7)), Array(3).fill('value'));
  assert.deepEqual(now(list), [0, 0]);
});

test('keys whose deadline has passed make room for others', async () => {
  const list = new WaitList({ most: 2 });
  for (const key of ['a', 'b']) new Caller(list, key, 100).gone = true;
  assert.deepEqual([new Caller(list, 'c').began, list.stats().overflowed], [1, 1]);
  await pass(100);
  crowd(list, 1, 'd');
  assert.deepEqual([list.stats().overflowed, ...now(list)], [1, 1, 0]);
});

const PLAIN = [['text', 'text'], ['a number', 7], ['no', false], ['null', null], ['bytes', new ArrayBuffer(3)], ['a record', Object.freeze({ head: Object.freeze([Object.freeze(['etag', '"7"'])]), body: new ArrayBuffer(3) })]];
const NOT_PLAIN = [
  ['nothing', undefined], ['a response', new Response('x')], ['a stream', new Response('x').body], ['a function', () => 1], ['a view', new Uint8Array(3)],
  ['a record that may change', { a: 1 }], ['a frozen record of what is not plain', Object.freeze({ a: new Map() })], ['a frozen object of a class', Object.freeze(new (class Made {})())],
  ['what holds itself', (() => { const one = {}; one.self = one; return Object.freeze(one); })()],
];

for (const [name, value] of PLAIN) {
  test(`${name} gets across`, async () => {
    const [leader, follower] = crowd(new WaitList(), 2);
    leader.end(value);
    await pass(5);
    assert.deepEqual([leader.outcome, follower.outcome], [value, value]);
  });
}

for (const [name, value] of NOT_PLAIN) {
  test(`${name} stays with its own request`, async () => {
    const [leader, follower] = crowd(new WaitList(), 2);
    leader.end(value);
    await pass(5);
    assert.deepEqual([leader.outcome, follower.outcome, follower.began], [value, 'waits', 1]);
  });
}

test('work that throws before it begins is a failure like others', async () => {
  const list = new WaitList();
  const thrown = () => { throw new Error('thrown'); };
  await assert.rejects(list.share('key', CONTEXT, thrown, { deadlineMs: 100 }), /thrown/);
  assert.deepEqual(now(list), [0, 0]);
});

const LIMITS = { most: 2, followers: 12, inAll: 18, few: 3, followersMs: 150 };
const DEADLINE_MS = 60;

/** Numbers below 1 that are the same for the same seed (mulberry32). */
function chanceOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A caller of one of three keys whose work takes what time it likes and ends in any way, and that may go at any time. */
class Chanced {
  gone = false;
  came = Date.now();

  constructor(list, chance, values) {
    const key = `key-${Math.floor(chance() * 3)}`;
    const [takes, how] = [Math.floor(chance() * 2 * DEADLINE_MS), chance()];
    const value = `${key} ${values.size}`;
    values.set(value, undefined);
    const end = (resolve, reject) => {
      values.set(value, Date.now());
      if (how < 0.3) return reject(new Error('failed'));
      if (how < 0.9) resolve(how < 0.5 ? UNSHAREABLE : value);
    };
    if (chance() < 0.5) setTimeout(() => { this.gone = true; }, chance() * LIMITS.followersMs);
    const work = () => new Promise((resolve, reject) => { setTimeout(() => end(resolve, reject), takes); });
    const told = (outcome) => Object.assign(this, { outcome, ended: Date.now() });
    callers.run(this, () => list.share(key, CONTEXT, work, { deadlineMs: DEADLINE_MS })).then(told, () => told('failed'));
    this.key = key;
  }

  assertRight(values) {
    const longest = LIMITS.followersMs + DEADLINE_MS;
    assert.ok(this.gone || this.ended - this.came <= longest, `ended after ${this.ended - this.came} ms`);
    if (!values.has(this.outcome)) return;
    assert.equal(this.outcome.split(' ')[0], this.key);
    assert.ok(values.get(this.outcome) >= this.came, 'a value from before this caller came');
  }
}

for (let seed = 1; seed <= 10; seed++) {
  test(`whatever callers do, bounds hold, everyone ends in time and nothing is left (seed ${seed})`, async () => {
    const chance = chanceOf(seed);
    const list = new WaitList(LIMITS);
    const [all, values] = [[], new Map()];
    for (let ms = 0; ms < 600; ms++) {
      for (let more = Math.floor(chance() ** 4 * 6); more > 0; more--) all.push(new Chanced(list, chance, values));
      await pass(1);
      const [keys, parked] = now(list);
      assert.ok(keys <= LIMITS.most && parked >= 0 && parked <= LIMITS.inAll, `${keys} keys, ${parked} waiting`);
    }
    await pass(LIMITS.followersMs + LIMITS.few * DEADLINE_MS);
    for (const one of all) one.assertRight(values);
    assert.deepEqual(now(list), [0, 0]);
    const { led, followed, reelected, expired, overflowed } = list.stats();
    assert.ok(Math.min(led, followed, reelected, expired, overflowed) > 0);
    assert.equal(led - reelected + followed + overflowed, all.length);
    assert.ok(all.some(({ outcome }) => values.has(outcome)));
  });
}
