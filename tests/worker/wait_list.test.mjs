// Requests that wait for another one (src/entry/wait_list.mjs), in workerd: what the platform does to a request whose
// client leaves, and what must hold all the same. Clients leave by a reset. The rules themselves, without the platform,
// are in wait_list_rules.test.mjs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { connect, head } from './lib/client.mjs';
import { eventually } from './lib/poll.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CROWD = 100;
const FEW = 4;
/** No test comes near to it. */
const PATIENT_MS = 8000;

let origin;
let gateway;
let lists = 0;

withGateway(() => ({ build: 'faults', v8Flags: ['--expose-gc'] }), (both) => ({ origin, gateway } = both));

/** A list of a test's own. What it asks the origin for hangs until the test answers. */
class Shared {
  constructor({ deadline = PATIENT_MS, ...options } = {}) {
    this.query = { list: `list-${++lists}`, deadline, options: JSON.stringify({ followersMs: PATIENT_MS, few: FEW, ...options }) };
    this.path = `/open/hang/${this.query.list}`;
  }

  target(key) {
    return `/__ferrogate/shared?${new URLSearchParams({ ...this.query, key, path: `${this.path}-${key}` })}`;
  }

  /** Asks as an ordinary client: what it got, as { how, bytes }. */
  async ask(key) {
    const { headers, bytes } = await gateway.ask(this.target(key));
    return { how: headers['x-shared'], bytes };
  }

  /** Asks on many connections that can be reset, once the runtime has all of these requests. */
  async crowd(key, count) {
    const sockets = await Promise.all(Array.from({ length: count }, () => connect(gateway.port)));
    for (const socket of sockets) socket.write(head('GET', this.target(key)));
    return sockets;
  }

  /** What has reached the origin under a key. */
  calls(key) {
    return origin.of(`${this.path}-${key}`);
  }

  arrival(key, number = 1) {
    return origin.arrival(`${this.path}-${key}`, number);
  }

  async stats(more = {}) {
    return (await gateway.ask(`/__ferrogate/sharing?${new URLSearchParams({ ...this.query, ...more })}`)).json();
  }

  /** Waits until the list says this of itself. */
  async told(wanted, withinMs) {
    let last;
    const as = async () => {
      last = await this.stats();
      return Object.entries(wanted).every(([name, value]) => last[name] === value);
    };
    await eventually(as, () => `wanted ${JSON.stringify(wanted)}, last ${JSON.stringify(last)}`, withinMs);
  }

  /** One caller that leads and others that wait for it: their outcomes, and the call that reached the origin. */
  async collapsed(key, followers) {
    const leader = this.ask(key);
    const call = await this.arrival(key);
    const waiting = Array.from({ length: followers }, () => this.ask(key));
    await this.told({ waiting: followers });
    return { leader, call, waiting };
  }
}

/** What was shared, as text, and how. */
const outcomes = async (asked) => (await Promise.all(asked)).map(({ how, bytes }) => `${how} ${bytes}`);
const times = (count, what) => Array(count).fill(what);

/** How many KiB the runtime holds, by what the system says, without what could be collected. */
async function heldKiB(shared) {
  await shared.stats({ collect: 1 });
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(gateway.pid)], { encoding: 'utf8' }));
}

test(`${CROWD} requests for the same thing make one call and get ${CROWD} right answers`, async () => {
  const shared = new Shared();
  const asked = Array.from({ length: CROWD }, () => shared.ask('one'));
  const call = await shared.arrival('one');
  await shared.told({ waiting: CROWD - 1 });
  call.response.end('the value');
  assert.deepEqual(await outcomes(asked), times(CROWD, 'value the value'));
  assert.equal(shared.calls('one').length, 1);
  assert.deepEqual(await shared.stats(), { keys: 0, waiting: 0, led: 1, followed: CROWD - 1, reelected: 0, expired: 0, overflowed: 0, left: 0 });
});

test('a value is gone once those who waited have it', async () => {
  const shared = new Shared();
  const { leader, call, waiting } = await shared.collapsed('gone', 3);
  call.response.end('old');
  assert.deepEqual(await outcomes([leader, ...waiting]), times(4, 'value old'));
  const later = shared.ask('gone');
  (await shared.arrival('gone', 2)).response.end('new');
  assert.deepEqual(await outcomes([later]), ['value new']);
});

test(`${CROWD} followers get the value although the client of their leader has left`, async () => {
  const shared = new Shared();
  const before = await gateway.memory();
  const [leader] = await shared.crowd('left', 1);
  const call = await shared.arrival('left');
  const followers = Array.from({ length: CROWD }, () => shared.ask('left'));
  await shared.told({ waiting: CROWD });
  leader.resetAndDestroy();
  await shared.told({ left: 1 });
  call.response.end('survived');
  assert.deepEqual(await outcomes(followers), times(CROWD, 'value survived'));
  assert.deepEqual([shared.calls('left').length, call.cut], [1, false]);
  assert.deepEqual(await shared.stats(), { keys: 0, waiting: 0, led: 1, followed: CROWD, reelected: 0, expired: 0, overflowed: 0, left: 1 });
  assert.deepEqual(await gateway.memory(), before);
});

test('when a leader fails a few followers ask again, and when those fail too the others end without', async () => {
  const shared = new Shared();
  const { leader, call, waiting } = await shared.collapsed('failing', CROWD);
  call.response.writeHead(500).end();
  assert.deepEqual(await outcomes([leader]), ['failed ']);
  await shared.arrival('failing', 1 + FEW);
  await shared.told({ waiting: CROWD - FEW });
  for (const again of shared.calls('failing').slice(1)) again.response.writeHead(500).end();
  const ends = await outcomes(waiting);
  assert.deepEqual(ends.sort(), [...times(FEW, 'failed '), ...times(CROWD - FEW, 'nothing ')]);
  assert.equal(shared.calls('failing').length, 1 + FEW);
  await shared.told({ keys: 0, waiting: 0, reelected: FEW });
});

test('when a leader fails the others get what one of the next brings', async () => {
  const shared = new Shared();
  const { call, waiting } = await shared.collapsed('mended', CROWD);
  call.response.writeHead(500).end();
  const second = await shared.arrival('mended', 1 + FEW);
  second.response.end('mended');
  await shared.told({ waiting: 0 });
  for (const other of shared.calls('mended').slice(1)) other.response.end('mended');
  assert.deepEqual(await outcomes(waiting), times(CROWD, 'value mended'));
  assert.equal(shared.calls('mended').length, 1 + FEW);
});

test('a value that cannot be shared is fetched by each for itself, a few at a time', async () => {
  const shared = new Shared();
  const { leader, waiting } = await shared.collapsed('private', 3 * FEW);
  for (let answered = 0, due = 1; answered < 1 + 3 * FEW; answered += due, due = FEW) {
    await shared.arrival('private', answered + due);
    await shared.told({ led: answered + due, waiting: 1 + 3 * FEW - answered - due });
    const calls = shared.calls('private').slice(answered);
    assert.equal(calls.length, due);
    calls.forEach(({ response }, at) => response.writeHead(200, { 'x-private': '1' }).end(`number ${answered + at}`));
  }
  const all = await outcomes([leader, ...waiting]);
  assert.deepEqual(new Set(all), new Set(Array.from({ length: 1 + 3 * FEW }, (_, at) => `own number ${at}`)));
  await shared.told({ keys: 0, waiting: 0 });
});

test('followers do not wait longer than they may, and a leader that hangs frees the key at its deadline', async () => {
  const shared = new Shared({ deadline: 1500, followersMs: 300 });
  const { leader, waiting } = await shared.collapsed('hanging', 10);
  assert.deepEqual(await outcomes(waiting), times(10, 'nothing '));
  // The leader still leads.
  assert.deepEqual(await shared.stats(), { keys: 1, waiting: 0, led: 1, followed: 10, reelected: 0, expired: 0, overflowed: 0, left: 0 });
  assert.deepEqual(await outcomes([leader]), ['nothing ']);
  const next = shared.ask('hanging');
  (await shared.arrival('hanging', 2)).response.end('next');
  assert.deepEqual(await outcomes([next]), ['value next']);
  assert.deepEqual([shared.calls('hanging').length, (await shared.stats()).expired], [2, 1]);
});

test('followers that may wait longer than their leader get what the next one brings, and one asks at a time', async () => {
  const shared = new Shared({ deadline: 700 });
  const { leader, waiting } = await shared.collapsed('stuck', 10);
  (await shared.arrival('stuck', 2)).response.end('second');
  assert.deepEqual(await outcomes([leader, ...waiting]), ['nothing ', ...times(10, 'value second')]);
  assert.equal(shared.calls('stuck').length, 2);
});

test('bytes cross unchanged, and keys do not mix', async () => {
  const shared = new Shared();
  const keys = Array.from({ length: 8 }, (_, at) => `key-${at}`);
  const bodies = new Map(keys.map((key) => [key, Buffer.concat([crypto.randomBytes(100_000), Buffer.from([0, 13, 10, 255])])]));
  const asked = keys.flatMap((key) => Array.from({ length: 10 }, async () => ({ key, ...(await shared.ask(key)) })));
  for (const key of keys) await shared.arrival(key);
  await shared.told({ keys: 8, waiting: 72 });
  for (const key of keys) shared.calls(key)[0].response.end(bodies.get(key));
  for (const { key, how, bytes } of await Promise.all(asked)) assert.ok(how === 'value' && bytes.equals(bodies.get(key)), key);
  assert.deepEqual(keys.map((key) => shared.calls(key).length), times(8, 1));
});

test('beyond the bounds a caller asks for itself', async () => {
  const shared = new Shared({ most: 2, followers: 3, inAll: 4 });
  const first = await shared.collapsed('first', 3);
  const beyondKey = shared.ask('first');
  await shared.arrival('first', 2);
  const second = shared.ask('second');
  await shared.arrival('second');
  const third = [shared.ask('third'), shared.ask('third')];
  await shared.arrival('third', 2);
  const fourth = shared.ask('second');
  await shared.told({ waiting: 4 });
  const beyondAll = shared.ask('second');
  await shared.arrival('second', 2);
  await shared.told({ keys: 2, waiting: 4, overflowed: 4 });
  for (const key of ['first', 'second', 'third']) for (const { response } of shared.calls(key)) response.end(key);
  assert.deepEqual(await outcomes([first.leader, ...first.waiting, beyondKey]), times(5, 'value first'));
  assert.deepEqual(await outcomes([second, fourth, beyondAll, ...third]), [...times(3, 'value second'), ...times(2, 'value third')]);
  await shared.told({ keys: 0, waiting: 0 });
});

const WAVE = 500;
const WAVES = 20;
/** The runtime has found its size by then. */
const WARM_UP = 8;
/** Each wave waits for one: if values stayed, they would be seen. */
const VALUE = Buffer.alloc(1024 * 1024, 'v');
/** The runtime grows by a step of some MiB now and then. Were requests or values kept, it would be twice as much. */
const STEADY_KIB = 8 * 1024;

test(`nothing is left of ${WAVE * WAVES} clients that leave while they wait`, async () => {
  const shared = new Shared();
  const before = await gateway.memory();
  let warm;
  for (let wave = 1; wave <= WAVES; wave++) {
    const sockets = await shared.crowd(`wave-${wave}`, WAVE);
    await shared.told({ waiting: WAVE - 1 });
    for (const socket of sockets) socket.resetAndDestroy();
    await shared.told({ left: wave * WAVE });
    shared.calls(`wave-${wave}`)[0].response.end(VALUE);
    await shared.told({ keys: 0, waiting: 0 });
    const held = await heldKiB(shared);
    if (wave === WARM_UP) warm = held;
  }
  assert.deepEqual(await shared.stats(), { keys: 0, waiting: 0, led: WAVES, followed: WAVES * (WAVE - 1), reelected: 0, expired: 0, overflowed: 0, left: WAVES * WAVE });
  assert.deepEqual(await gateway.memory(), before);
  const grown = (await heldKiB(shared)) - warm;
  assert.ok(grown < STEADY_KIB, `${warm} KiB after ${WARM_UP} waves, ${grown} more after ${WAVES}`);
});

test('followers that have left are counted until the deadline of their leader and no longer', async () => {
  const shared = new Shared({ deadline: 1500 });
  const sockets = await shared.crowd('silent', CROWD);
  await shared.told({ waiting: CROWD - 1 });
  for (const socket of sockets) socket.resetAndDestroy();
  await shared.told({ left: CROWD, keys: 1, waiting: CROWD - 1 });
  await shared.told({ keys: 0, waiting: 0, expired: 1 });
  const next = shared.ask('silent');
  (await shared.arrival('silent', 2)).response.end('next');
  assert.deepEqual(await outcomes([next]), ['value next']);
});
