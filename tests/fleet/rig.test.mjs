// The rig itself: that each thing it can do to a fleet does what it says. What the gateway makes of such things is for
// other files. The object that is asked is Signals, by the numbers that it gives out.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { connect } from '../worker/lib/client.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { eventually, within } from '../worker/lib/poll.mjs';
import { rounds, shareOf } from './lib/budget.mjs';
import { SEQUENCE, mark, varints } from '../worker/lib/signals.mjs';
import { startRig } from './lib/rig.mjs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
let marked = 0;
/** Brings the log one number further. */
const advancing = () => hex(mark((marked += 1)));

/** The name of this file's object; another for each test. */
let name;
let tests = 0;
let origin;
let rig;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ origin });
});

beforeEach(async () => {
  name = `of-test-${tests++}`;
  await Promise.all(rig.isolates.map((isolate) => isolate.faults()));
});

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

/** How far the log has come after a message, or the error. */
async function ask(isolate, message, object = name) {
  const { answer, error } = await isolate.object(message, object);
  return answer === undefined ? error : numberIn(answer);
}

const advance = (isolate, object) => ask(isolate, advancing(), object);
const sequence = (isolate = rig.iso(0), object = name) => ask(isolate, hex(SEQUENCE), object);

/** The number of an answer: a sequence, or everything, which names its log first. */
function numberIn(answer) {
  const [format, kind, ...bytes] = Buffer.from(answer, 'hex');
  assert.ok(format === 3 && [0, 2].includes(kind), answer);
  const numbers = varints(bytes);
  return kind === 0 ? numbers[0] : numbers[1];
}

/** Waits until an isolate has called an object since its calls were counted last. */
const called = (isolate) => eventually(async () => (await isolate.counts()).recent.SIGNALS?.calls > 0);

async function timed(work) {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

describe('what isolates share and what they do not', () => {
  test('all isolates are ready and ask one object', async () => {
    for (const isolate of rig.isolates) assert.equal((await isolate.ask('/health/ready')).status, 200, isolate.name);
    const numbers = [];
    for (const isolate of rig.isolates) numbers.push(await advance(isolate));
    assert.deepEqual(numbers, [1, 2, 3, 4]);
    const together = await Promise.all(Array.from({ length: 40 }, (_, at) => advance(rig.iso(at % 4))));
    assert.deepEqual(together.sort((a, b) => a - b), Array.from({ length: 40 }, (_, at) => at + 5));
    assert.deepEqual(await rig.sql('Signals', name, "SELECT count(*) AS changes FROM entries WHERE key >= x'77' AND key < x'78'"), [{ changes: 44 }]);
    assert.equal(await sequence(rig.iso(2), `${name}-another`), 0);
  });

  test('D1 and KV are one for all', async () => {
    await rig.iso(0).call('DB', ['exec', 'CREATE TABLE IF NOT EXISTS shared (value TEXT)']);
    await rig.iso(1).call('DB', ['prepare', 'INSERT INTO shared VALUES (?)'], ['bind', name], ['run']);
    assert.deepEqual(await rig.iso(3).call('DB', ['prepare', 'SELECT value FROM shared'], ['first']), { value: name });
    const database = await rig.database();
    assert.deepEqual((await database.prepare('SELECT value FROM shared').all()).results, [{ value: name }]);
    await rig.iso(2).call('CACHE', ['put', 'shared', name]);
    assert.equal(await rig.iso(0).call('CACHE', ['get', 'shared']), name);
    assert.equal(await (await rig.keyValue()).get('shared'), name);
  });

  test('wasm memory, counts and clock are each one\'s own', async () => {
    const before = await Promise.all(rig.isolates.map((isolate) => isolate.memory()));
    await rig.iso(1).ask('/__ferrogate/grow');
    const after = await Promise.all(rig.isolates.map((isolate) => isolate.memory()));
    assert.deepEqual(after.map(({ bytes }, at) => bytes > before[at].bytes), [false, true, false, false]);
    await Promise.all(rig.isolates.map((isolate) => isolate.counts()));
    await advance(rig.iso(2));
    const recent = await Promise.all(rig.isolates.map(async (isolate) => (await isolate.counts()).recent));
    assert.deepEqual(recent, [{}, {}, { SIGNALS: { calls: 1 } }, {}]);
  });

  test('each has a log', async () => {
    await rig.iso(1).ask('/health/live', { headers: { 'x-request-id': name } });
    assert.equal((await rig.iso(1).line(name)).status, 200);
    assert.deepEqual([0, 2, 3].flatMap((at) => rig.iso(at).lines.filter((line) => line.request_id === name)), []);
  });

  test('calls are counted by binding, in all and since they were counted last', async () => {
    const isolate = rig.iso(3);
    // What this one knows of the log is young then, so that the next answer asks no more than it must.
    await isolate.ask('/health/ready');
    await isolate.counts();
    const { total: { SIGNALS: earlier = { calls: 0 } } } = await isolate.counts();
    assert.equal((await isolate.ask('/health/ready')).status, 200);
    const { total, recent } = await isolate.counts();
    assert.deepEqual(recent, { DB: { calls: 1 }, CACHE: { calls: 1 }, SIGNALS: { calls: 1 } });
    assert.equal(total.SIGNALS.calls, earlier.calls + 1);
    assert.deepEqual((await isolate.counts()).recent, {});
  });
});

describe('an isolate', () => {
  test('that is wiped loses all wasm memory, and the gateway goes on at once, however often', async () => {
    const { resets } = await rig.iso(1).memory();
    await rig.iso(1).ask('/__ferrogate/grow');
    const large = await rig.iso(1).memory();
    for (let times = 0; times < 5; times++) await rig.iso(1).wipe();
    assert.equal((await rig.iso(1).ask('/open/echo')).status, 200);
    const { resets: later, bytes } = await rig.iso(1).memory();
    assert.equal(later, resets + 5);
    assert.ok(bytes < large.bytes, `${bytes} of ${large.bytes} bytes are left`);
    assert.equal((await rig.iso(2).memory()).resets, 0);
  });

  test('that is wiped answers its parked requests', async () => {
    await rig.iso(2).faults({ DB: { delay: 5000 } });
    const parked = rig.iso(2).ask('/health/ready');
    await eventually(async () => (await rig.iso(2).memory()).slots > 0);
    await rig.iso(2).wipe();
    assert.equal((await within(1000, parked, 'the answer')).status, 500);
  });

  test('with the objects that is wiped keeps what they have stored', async () => {
    await advance(rig.iso(1));
    await rig.owner.wipe();
    assert.equal(await advance(rig.iso(1)), 2);
  });

  test('whose clock is off is alone with that', async () => {
    const hour = 3_600_000;
    await rig.iso(1).skew(-hour);
    const clocks = await Promise.all(rig.isolates.map((isolate) => isolate.clock()));
    assert.deepEqual(clocks.map((clock) => Date.now() - clock > hour / 2), [false, true, false, false]);
    // The first is dated by the number that Rust is given, the second by JavaScript.
    for (const path of ['/health/live', `/${'x'.repeat(20_000)}`]) {
      const id = `${name}-${path.length}`;
      await rig.iso(1).ask(path, { headers: { 'x-request-id': id } });
      const { timestamp } = await rig.iso(1).line(id);
      assert.ok(Date.now() - Date.parse(timestamp) > hour / 2, timestamp);
    }
    await rig.iso(1).skew(0);
    assert.ok(Math.abs((await rig.iso(1).clock()) - Date.now()) < 1000);
  });

  test('is on a port of its own, where a connection that is reset is seen to be', async () => {
    const socket = await connect(rig.iso(3).port);
    socket.write('GET /open/hang HTTP/1.1\r\nhost: gateway.test\r\n\r\n');
    const call = await origin.arrival('/open/hang', origin.of('/open/hang').length + 1);
    socket.resetAndDestroy();
    await eventually(() => call.cut, () => 'the upstream is still asked');
  });
});

describe('an object', () => {
  test('that is killed throws at those who wait for it, and keeps what it has stored', async () => {
    await advance(rig.iso(0));
    await rig.hold('Signals', name, 20_000);
    await Promise.all([1, 2].map((at) => rig.iso(at).counts()));
    const inFlight = [advance(rig.iso(1)), advance(rig.iso(2))];
    await Promise.all([1, 2].map((at) => called(rig.iso(at))));
    await rig.kill('Signals', name);
    assert.match((await within(1000, Promise.all(inFlight), 'the errors')).join(), /killed.*killed/);
    // Whoever is new is not held.
    assert.equal(await within(1000, advance(rig.iso(1)), 'the next answer'), 2);
  });

  test('that is evicted answers those who wait for it before it goes', async () => {
    await advance(rig.iso(0));
    await rig.hold('SIGNALS', name, 300);
    await rig.iso(1).counts();
    const inFlight = advance(rig.iso(1));
    await called(rig.iso(1));
    await rig.evict('SIGNALS', name);
    assert.equal(await inFlight, 2);
    const [number, ms] = await timed(() => advance(rig.iso(2)));
    assert.equal(number, 3);
    assert.ok(ms < 250, `the object is still held: ${ms} ms`);
  });

  test('that is held is not ready', async () => {
    await rig.hold('Signals', 'root', 10_000);
    const answer = await rig.iso(1).ask('/health/ready');
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.json().errors.map(({ field }) => field), ['objects']);
    await rig.hold('Signals', 'root', 0);
    assert.equal((await rig.iso(1).ask('/health/ready')).status, 200);
  });

  test('throws as long as it is told to, and has done half of what it was asked for', async () => {
    await rig.throwing('Signals', name, true);
    for (const isolate of [rig.iso(0), rig.iso(1), rig.iso(2)]) assert.match(await advance(isolate), /has this object throw/);
    await rig.throwing('Signals', name, false);
    assert.equal(await sequence(), 1);
    assert.ok((await rig.iso(1).named('SIGNALS')).includes(name));
    assert.ok(!(await rig.iso(3).named('SIGNALS')).includes(name));
  });

  test('wakes when its alarm goes off, and when it is told to', async () => {
    const rung = () => rig.iso(2).call('PROBES', ['getByName', name], ['rung']);
    await rig.iso(1).call('PROBES', ['getByName', name], ['set', 50]);
    await eventually(async () => (await rung()).times === 1);
    await rig.iso(1).call('PROBES', ['getByName', name], ['set', 3_600_000]);
    await rig.owner.skew(3_600_000);
    await rig.alarm('Probe', name);
    await rig.owner.skew(0);
    const { times, at } = await rung();
    assert.equal(times, 2);
    assert.ok(at > Date.now() + 3_500_000, 'its clock was not the isolate\'s');
  });
});

describe('a call to a binding', () => {
  test('that fails has not been made', async () => {
    await rig.iso(1).faults({ SIGNALS: { fail: 1 } });
    assert.match(await advance(rig.iso(1)), /a fault of SIGNALS was asked for/);
    assert.equal(await sequence(), 0);
    const answer = await rig.iso(1).ask('/health/ready');
    assert.deepEqual([answer.status, answer.json().errors.map(({ field }) => field)], [503, ['objects']]);
    assert.equal((await rig.iso(2).ask('/health/ready')).status, 200);
  });

  test('that is lost has not been made, and nobody hears so', async () => {
    await rig.iso(1).faults({ SIGNALS: { lose: 1, hang: 150 } });
    const [error, ms] = await timed(() => advance(rig.iso(1)));
    assert.match(error, /connection lost/);
    assert.ok(ms >= 150, `${ms} ms`);
    assert.equal(await sequence(), 0);
  });

  test('whose answer is dropped has been made, and nobody hears so', async () => {
    await rig.iso(1).faults({ SIGNALS: { drop: 1, hang: 150 } });
    const [error, ms] = await timed(() => advance(rig.iso(1)));
    assert.match(error, /connection lost/);
    assert.ok(ms >= 150, `${ms} ms`);
    assert.equal(await sequence(), 1);
  });

  test('that never comes back is given up by the gateway', async () => {
    await rig.iso(1).faults({ SIGNALS: { drop: 1 } });
    const [answer, ms] = await timed(() => rig.iso(1).ask('/health/ready'));
    assert.equal(answer.status, 503);
    assert.ok(ms < 2000, `${ms} ms`);
  });

  test('that is duplicated is made twice, and its first answer counts', async () => {
    await rig.iso(1).faults({ SIGNALS: { duplicate: 1 } });
    await rig.iso(1).counts();
    assert.equal(await advance(rig.iso(1)), 1);
    assert.equal(await sequence(), 2);
    assert.deepEqual((await rig.iso(1).counts()).recent.SIGNALS, { calls: 1, duplicate: 1 });
  });

  test('that is delayed takes its time, before or behind the object', async () => {
    await rig.iso(1).faults({ SIGNALS: { delay: 400 } });
    await rig.iso(2).faults({ SIGNALS: { after: [400, 500] } });
    const slow = [1, 2].map((at) => timed(() => advance(rig.iso(at))));
    await eventually(async () => (await sequence(rig.iso(3))) === 1);
    // The one that waits before the object comes second.
    const [[second, before], [first, behind]] = await Promise.all(slow);
    assert.deepEqual([first, second], [1, 2]);
    assert.ok(before >= 400 && behind >= 400, `${before}, ${behind} ms`);
  });

  test('has a fault for as many calls as the plan says', async () => {
    await rig.iso(1).faults({ SIGNALS: { fail: 1, calls: 2 } });
    const results = [];
    for (let times = 0; times < 3; times++) results.push(typeof await advance(rig.iso(1)));
    assert.deepEqual(results, ['string', 'string', 'number']);
  });

  test('has the same faults again with the same seed', async () => {
    const series = async (seed) => {
      await rig.iso(1).faults({ SIGNALS: { fail: 0.5, seed } });
      const results = [];
      for (let times = 0; times < 24; times++) results.push(typeof await advance(rig.iso(1)));
      return results.join();
    };
    const [one, again, other] = [await series(7), await series(7), await series(8)];
    assert.equal(one, again);
    assert.notEqual(one, other);
    assert.match(one, /string/);
    assert.match(one, /number/);
  });

  test('may be one to D1, with its statements and batches', async () => {
    const write = () => rig.iso(1).call('DB', ['prepare', 'INSERT INTO written VALUES (?)'], ['bind', 1], ['run']);
    const written = () => rig.iso(2).call('DB', ['prepare', 'SELECT count(*) AS n FROM written'], ['first', 'n']);
    await rig.iso(1).call('DB', ['exec', 'CREATE TABLE IF NOT EXISTS written (value)']);
    await write();
    await rig.iso(1).faults({ DB: { fail: 1 } });
    await assert.rejects(write(), /a fault of DB/);
    assert.equal((await rig.iso(1).ask('/health/ready')).json().errors[0].field, 'database');
    await rig.iso(1).faults({ DB: { delay: 2000 } });
    assert.equal((await rig.iso(1).ask('/health/ready')).json().errors[0].field, 'database');
    await rig.iso(1).faults({ DB: { drop: 1, hang: 1 } });
    await assert.rejects(write(), /connection lost/);
    assert.equal(await written(), 2);
  });

  test('may be one of an object, which goes by the plan of the isolate that has it', async () => {
    const write = () => rig.iso(1).call('PROBES', ['getByName', name], ['write', 'batches', ['one', 'two']]);
    await rig.iso(1).call('DB', ['exec', 'CREATE TABLE batches (value TEXT)']);
    await rig.iso(1).faults({ DB: { fail: 1 } });
    await rig.owner.counts();
    assert.equal(await write(), 2);
    assert.deepEqual((await rig.owner.counts()).recent, { DB: { calls: 1 } });
    await rig.owner.faults({ DB: { drop: 1, hang: 1 } });
    await assert.rejects(write(), /connection lost/);
    await rig.owner.faults({ DB: { fail: 1 } });
    await assert.rejects(write(), /a fault of DB/);
    assert.equal(await rig.iso(2).call('DB', ['prepare', 'SELECT count(*) AS n FROM batches'], ['first', 'n']), 4);
  });

  test('may be one to KV or to a queue', async () => {
    await rig.iso(1).faults({ CACHE: { fail: 1 }, EVENTS: { fail: 1, calls: 1 } });
    await assert.rejects(rig.iso(1).call('CACHE', ['get', 'anything']), /a fault of CACHE/);
    await assert.rejects(rig.iso(1).call('EVENTS', ['send', 'lost']), /a fault of EVENTS/);
    await rig.iso(1).call('EVENTS', ['sendBatch', [{ body: 'sent' }]]);
    assert.deepEqual((await rig.iso(1).counts()).total.EVENTS, { calls: 2, fail: 1 });
  });

  test('cannot have a fault that nobody knows', async () => {
    assert.throws(() => rig.iso(1).faults({ SIGNALS: { dorp: 1 } }), /dorp/);
    assert.throws(() => rig.iso(1).faults({ SIGNALS: { drop: 2 } }), /drop/);
  });
});

describe('the whole fleet', () => {
  test('that restarts loses what is in memory and keeps what is stored, and its ports', async () => {
    await advance(rig.iso(1));
    await rig.iso(1).wipe();
    await (await rig.keyValue()).put('kept', name);
    const database = await rig.database();
    await database.exec('CREATE TABLE kept (value TEXT)');
    const ports = rig.isolates.map(({ port }) => port);
    const hanging = rig.iso(2).ask('/open/hang').catch(() => 'cut');
    await origin.arrival('/open/hang', origin.of('/open/hang').length + 1);
    await rig.restartAll();
    assert.equal(await hanging, 'cut');
    assert.deepEqual(rig.isolates.map(({ port }) => port), ports);
    assert.equal((await rig.iso(1).memory()).resets, 0);
    assert.deepEqual((await rig.iso(1).counts()).total, {});
    assert.equal(await advance(rig.iso(1)), 2);
    assert.equal(await rig.iso(3).call('CACHE', ['get', 'kept']), name);
    assert.deepEqual(await rig.iso(3).call('DB', ['prepare', 'SELECT * FROM kept'], ['first']), null);
  });

  test('gets requests at the rate that was asked for, though none is answered soon', async () => {
    await Promise.all(rig.isolates.map((isolate) => isolate.faults({ SIGNALS: { delay: 200 } })));
    const outcome = await rig.load({ rate: 100, seconds: 0.5, path: '/health/ready' });
    assert.deepEqual(outcome.statuses, { 200: 50 });
    assert.ok(outcome.latency(0.01) >= 200, `${outcome.latency(0.01)} ms`);
    assert.deepEqual(outcome.requests.filter(({ sentMs, dueMs }) => sentMs < dueMs), []);
    const last = outcome.requests.at(-1);
    assert.ok(last.dueMs === 490 && last.sentMs < 1000, JSON.stringify(last));
    assert.equal(new Set(outcome.requests.map(({ port }) => port)).size, 4);
  });

  test('gets as many requests at once as were asked for', async () => {
    const outcome = await rig.burst({ iso: [0, 1], count: 50, path: (number) => `/__ferrogate/object?message=${advancing()}&name=${name}&of=${number}` });
    assert.deepEqual(outcome.statuses, { 200: 50 });
    const numbers = outcome.requests.map(({ body }) => numberIn(JSON.parse(body).answer));
    assert.equal(new Set(numbers).size, 50);
    assert.equal(await sequence(), 50);
    assert.ok(outcome.requests.every(({ port }) => [rig.iso(0).port, rig.iso(1).port].includes(port)));
  });

  test('gets requests as fast as they are answered, until it is told that it is enough', async () => {
    const load = rig.hammer({ iso: [0, 1], each: 2, path: '/health/live' });
    await eventually(() => load.requests.length >= 40);
    const requests = await load.stop();
    assert.ok(requests.every(({ status, sentMs, doneMs }) => status === 200 && sentMs < doneMs));
    const atOnce = requests.map(({ sentMs: at }) => requests.filter(({ sentMs, doneMs }) => sentMs <= at && doneMs > at).length);
    assert.ok(Math.max(...atOnce) <= 4, `${Math.max(...atOnce)} at once`);
    assert.equal(new Set(requests.map(({ port }) => port)).size, 2);
    const { length } = requests;
    await rig.iso(0).ask('/health/live');
    assert.equal(load.requests.length, length);
  });

  test('tells requests without an answer from others', async () => {
    const { statuses } = await rig.burst({ iso: 0, count: 2, path: (number) => ['/open/hang', '/health/live'][number], timeoutMs: 200 });
    assert.deepEqual(statuses, { 0: 1, 200: 1 });
  });

  test('may have its objects in an isolate of their own', async () => {
    const apart = await startRig({ isolates: 2, apart: true });
    try {
      assert.deepEqual([apart.owner.name, ...apart.isolates.map((isolate) => isolate.name)], ['objects', 'iso0', 'iso1']);
      assert.deepEqual([await advance(apart.iso(0)), await advance(apart.iso(1))], [1, 2]);
      await apart.owner.wipe();
      assert.deepEqual((await Promise.all(apart.isolates.map((isolate) => isolate.memory()))).map(({ resets }) => resets), [0, 0]);
      assert.equal(await advance(apart.iso(0)), 3);
    } finally {
      await apart.stop();
    }
  });

  test('ends though an object and an upstream hang', async () => {
    const hanging = await startRig({ isolates: 2, origin });
    await hanging.hold('Signals', name, 60_000);
    const asked = [hanging.iso(1).object(advancing(), name), hanging.iso(1).ask('/open/hang')].map((answer) => answer.then(() => 'answered', () => 'cut'));
    await origin.arrival('/open/hang', origin.of('/open/hang').length + 1);
    const { port } = hanging.iso(0);
    await within(2000, hanging.stop(), 'the end');
    assert.deepEqual(await within(1000, Promise.all(asked), 'the ends of the requests'), ['cut', 'cut']);
    await assert.rejects(new Promise((resolve, reject) => net.connect(port, '127.0.0.1', resolve).once('error', reject)), /ECONNREFUSED/);
  });
});

describe('rounds', () => {
  test('have the time that is left when everything has been looked at once', () => {
    assert.deepEqual([10, 60, 600].map((seconds) => shareOf('the sequence', seconds) / 1000), [2.5, 15, 285]);
    assert.throws(() => shareOf('the sequenze'), /the sequenze has no weight/);
  });

  test('go on until their time is over, and name the seed of the one that fails', async () => {
    const seeds = new Set();
    const turn = (random, seed) => new Promise((resolve) => setImmediate(resolve, seeds.add(seed)));
    assert.ok(await rounds('counting', turn, { ms: 20, seed: undefined }) > 1);
    assert.ok(seeds.size > 1);
    const failing = rounds('failing', (random) => { throw new Error(`drew ${random()}`); }, { ms: 20, seed: undefined });
    const [, seed, drew] = /round 1 of "failing" failed; again with FERROGATE_SEED=(\d+): drew (.*)/.exec(await failing.catch(({ message }) => message));
    const again = [];
    assert.equal(await rounds('failing', (random) => { again.push(random()); }, { ms: 20, seed }), 1);
    assert.deepEqual(again, [Number(drew)]);
  });
});

test('no number is given out twice, whatever becomes of calls, objects and instances', async () => {
  await rounds('the sequence', async (random, seed) => {
    const object = `round-${seed}`;
    for (const isolate of rig.isolates) await isolate.faults({ SIGNALS: { fail: 0.1, lose: 0.1, drop: 0.1, duplicate: 0.1, delay: [0, 20], hang: 30, seed: Math.floor(random() * 2 ** 31) } });
    const asked = Array.from({ length: 60 }, () => advance(rig.iso(Math.floor(random() * 4)), object));
    const done = Promise.all(asked);
    if (random() < 0.5) await rig.iso(Math.floor(random() * 4)).wipe();
    if (random() < 0.5) await rig.kill('Signals', object);
    if (random() < 0.5) await rig.evict('Signals', object);
    const numbers = (await done).filter((answer) => typeof answer === 'number');
    assert.equal(new Set(numbers).size, numbers.length, numbers.join());
    await rig.iso(0).faults();
    assert.ok(await sequence(rig.iso(0), object) >= Math.max(0, ...numbers));
    assert.ok(numbers.length > 0, 'none was given out');
  });
});
