// Events of a server (text/event-stream): each reaches the client when the origin writes it, for as long as both stay.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, head, readAnswer } from './lib/client.mjs';
import { writeUntilCut } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const KINDS = ['open', 'pages', 'watched', 'raw', 'slow'];
/** Longer than the upstream of /slow has for the head of an answer. */
const LONGER_MS = 500;

let origin;
let gateway;
let number = 0;

withGateway(() => ({ build: 'faults' }), (both) => ({ origin, gateway } = both));

/** Begins to listen. `answer` is what has come; the call at the origin writes the events. */
async function listen(kind, lines = []) {
  const target = `/${kind}/events/${(number += 1)}`;
  const socket = await connect(gateway.port);
  const chunks = [];
  const one = { socket, ended: false, get answer() { return readAnswer(Buffer.concat(chunks)); } };
  socket.on('data', (chunk) => chunks.push(chunk)).once('close', () => { one.ended = true; });
  socket.write(head('GET', target, ['accept: text/event-stream', ...lines]));
  one.call = await origin.arrival(target);
  one.heard = (text) => eventually(() => one.answer.body.toString() === text, () => `heard ${JSON.stringify(one.answer.body.toString())}`);
  return one;
}

for (const kind of KINDS) {
  test(`on /${kind} each event is heard while the origin holds back the next`, async () => {
    const one = await listen(kind);
    await one.heard('data: 0\n\n');
    for (const [at, all] of [[1, 'data: 0\n\ndata: 1\n\n'], [2, 'data: 0\n\ndata: 1\n\ndata: 2\n\n']]) {
      one.call.response.write(`data: ${at}\n\n`);
      await one.heard(all);
    }
    one.socket.resetAndDestroy();
    await writeUntilCut(one.call);
  });

  test(`on /${kind} the head says what it is, and nothing of a length`, async () => {
    const one = await listen(kind);
    await one.heard('data: 0\n\n');
    const { answer } = one;
    assert.deepEqual([answer.status, answer.field('content-type'), answer.field('cache-control'), answer.field('content-length')], [200, 'text/event-stream', 'no-cache', undefined]);
    one.call.response.end('data: last\n\n');
    await eventually(() => one.ended);
    assert.deepEqual([one.answer.body.toString(), one.answer.complete], ['data: 0\n\ndata: last\n\n', true]);
  });

  test(`on /${kind} a client that leaves ends the stream at the origin, and nothing is left in flight`, async () => {
    const one = await listen(kind);
    await one.heard('data: 0\n\n');
    one.socket.resetAndDestroy();
    await writeUntilCut(one.call);
    await gateway.idle(5000);
  });

  test(`on /${kind} a stream that breaks off at the origin is not complete`, async () => {
    const one = await listen(kind);
    await one.heard('data: 0\n\n');
    one.call.response.socket.resetAndDestroy();
    await eventually(() => one.ended);
    assert.equal(one.answer.complete, false);
  });
}

test('a client that comes back tells the origin where it was', async () => {
  const one = await listen('open', ['last-event-id: 41']);
  assert.equal(one.call.headers['last-event-id'], '41');
  one.call.response.end();
  await eventually(() => one.ended);
});

test('a stream may last longer than its head may take to come', async () => {
  const one = await listen('slow');
  await one.heard('data: 0\n\n');
  await pause(LONGER_MS); // the deadline is the condition, and time alone fulfils it
  one.call.response.end('data: 1\n\n');
  await one.heard('data: 0\n\ndata: 1\n\n');
  await eventually(() => one.ended);
  assert.equal(one.answer.complete, true);
});
