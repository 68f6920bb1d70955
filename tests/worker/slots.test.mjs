// Nothing is left of requests that nobody waits for: their slots are freed, their memory is used again, their end is
// logged. Clients leave by a reset, which is what the runtime tells a Worker; what it does on an ordinary close is its
// own affair (it takes it for the end of the request, and serves on).

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, head } from './lib/client.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin, writeUntilCut } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';

const CLIENTS = 300;
const ROUNDS = 4;
/** What wasm memory grows by. */
const PAGE_BYTES = 65_536;
/** The entry begins to watch a client when an answer takes longer than 25 ms (src/entry/call.mjs). */
const WATCHED_AFTER_MS = 100;
/** The driver gives the slot of an unwatched client up after a second. */
const SWEPT_WITHIN_MS = 5000;

let origin;
let gateway;

before(async () => {
  origin = await startOrigin();
});

beforeEach(async () => {
  gateway = await startGateway({ origin, build: 'faults' });
});

afterEach(() => gateway?.stop());

after(() => origin?.stop());

/** Sends requests that the origin leaves without an answer. Gives their connections once all have arrived there. */
async function hanging(count, path) {
  const before = origin.of(path).length;
  const sockets = await Promise.all(Array.from({ length: count }, () => connect(gateway.port)));
  sockets.forEach((socket, number) => socket.write(head('GET', `${path}?n=${number}`, [`x-request-id: gone-${before + number}`])));
  await eventually(() => origin.of(path).length === before + count, () => `${origin.of(path).length - before} of ${count} arrived`, 10_000);
  return sockets;
}

/** Sends as many, has their clients reset, and waits until nothing is in flight. Gives what memory is then. */
async function roundOfResets(path) {
  const sockets = await hanging(CLIENTS, path);
  assert.equal((await gateway.memory()).slots, CLIENTS);
  await pause(WATCHED_AFTER_MS); // time alone makes an answer slow
  for (const socket of sockets) socket.resetAndDestroy();
  return gateway.idle(SWEPT_WITHIN_MS);
}

for (const kind of ['open', 'watched', 'raw']) {
  test(`on /${kind} resets of ${CLIENTS} clients free all slots, and more rounds take no more memory`, async () => {
    const path = `/${kind}/hang/reset`;
    const rounds = [];
    while (rounds.length < ROUNDS) rounds.push(await roundOfResets(path));
    assert.deepEqual(rounds.map(({ slots, resets }) => ({ slots, resets })), rounds.map(() => ({ slots: 0, resets: 0 })));
    // Where the pieces of the first round lay decides whether a later one needs a page more: one, not one each round.
    assert.ok(rounds.at(-1).bytes - rounds[0].bytes <= PAGE_BYTES, JSON.stringify(rounds));
    await eventually(() => origin.of(path).every(({ cut }) => cut), () => 'the origin still has connections');
    const gone = () => gateway.lines.filter(({ code }) => code === 'client_gone');
    const all = ROUNDS * CLIENTS;
    await eventually(() => gone().length >= all, () => `${gone().length} lines`);
    const lines = gone();
    assert.deepEqual([lines.length, new Set(lines.map(({ request_id: id }) => id)).size], [all, all]);
    assert.deepEqual([lines[0].status, lines[0].level, lines[0].path], [499, 'warn', path]);
  });
}

test('the slots of clients that leave before they are watched are swept by later requests', async () => {
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connect(gateway.port)));
  for (const socket of sockets) socket.write(head('GET', '/open/hang/hasty'));
  await origin.arrival('/open/hang/hasty');
  for (const socket of sockets) socket.resetAndDestroy();
  const swept = async () => {
    await gateway.ask('/health/live');
    return (await gateway.memory()).slots === 0;
  };
  await eventually(swept, () => 'slots are still taken', SWEPT_WITHIN_MS);
});

test('a client that leaves in the middle of a watched body frees its slot', async () => {
  const socket = await connect(gateway.port);
  const came = new Promise((resolve) => socket.once('data', resolve));
  socket.write(head('GET', '/watched/drip/slot'));
  await came;
  assert.equal((await gateway.memory()).slots, 1);
  socket.resetAndDestroy();
  const call = await origin.arrival('/watched/drip/slot');
  await writeUntilCut(call);
  await gateway.idle(1000);
});

test('a reset while parked frees the slot', async () => {
  const socket = await connect(gateway.port);
  socket.write(head('GET', '/health/ready?fault=pause-park'));
  await eventually(async () => (await gateway.memory()).slots === 1);
  socket.resetAndDestroy();
  await gateway.idle(1000);
});

test('a deadline frees the slots', async () => {
  const asked = Array.from({ length: CLIENTS }, () => gateway.ask('/slow/hang/all'));
  const answers = await Promise.all(asked);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [504]);
  await gateway.idle(1000);
});

// One after another: how many are in flight together, and so how much memory they need at once, is then the same.
test('refused and broken requests leave no slots and no memory behind', async () => {
  const round = async () => {
    for (const path of ['/mine/echo', '/nowhere', '/refused/echo', '/open/reset-before-head']) for (let time = 0; time < 50; time++) await gateway.ask(path);
    return gateway.idle(1000);
  };
  assert.deepEqual([await round(), await round()].map(({ slots }) => slots), [0, 0]);
  const before = await gateway.memory();
  assert.deepEqual(await round(), before);
});
