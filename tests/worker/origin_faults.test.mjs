// Origins that refuse, hang, or break off. The rule: what is known before the head becomes a problem document; what
// breaks later must reach the client as broken, never as a complete answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { BREAKAGES, NO_HEADS } from './lib/broken.mjs';
import { connect, head, speak } from './lib/client.mjs';
import { writeUntilCut } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertProblem } from './lib/problems.mjs';
import { withGateway } from './lib/with-gateway.mjs';

/** The timeout of the upstream behind /slow, and what a busy machine may add to it. */
const DEADLINE_MS = 300;
const LATE_MS = 1500;

let origin;
let gateway;

withGateway(() => ({}), (both) => ({ origin, gateway } = both));

async function lineOf(id) {
  const { level, status, code, body } = await gateway.line(id);
  return { level, status, code, body };
}

test('an origin that is not there means 502', async () => {
  const answer = await gateway.ask('/refused/echo', { headers: { 'x-request-id': 'refused' } });
  assertProblem(answer, 502, 'upstream_unreachable', 'refused');
  assert.deepEqual(await lineOf('refused'), { level: 'error', status: 502, code: 'upstream_unreachable', body: undefined });
});

for (const kind of ['open', 'watched', 'raw']) {
  for (const how of ['reset-before-head', 'end-before-head']) {
    test(`on /${kind} ${how} means 502, and the request is not sent again`, async () => {
      const path = `/${kind}/${how}`;
      const answer = await gateway.ask(path, { method: 'POST', body: 'once' });
      assertProblem(answer, 502, 'upstream_unreachable');
      assert.equal(origin.of(path).length, 1);
    });
  }
}

for (const how of Object.keys(NO_HEADS)) {
  for (const kind of ['open', 'watched', 'raw']) {
    test(`on /${kind} an answer with ${how} means 502`, async () => {
      const answer = await gateway.ask(`/${kind}/${how}`);
      assertProblem(answer, 502, 'upstream_unreachable');
    });
  }
}

for (const kind of ['open', 'watched', 'raw']) {
  test(`on /${kind} an origin that leaves in the middle of the request's body means 502`, async () => {
    const path = `/${kind}/reset-in-upload`;
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const asked = gateway.ask(path, { method: 'POST', headers, body: Buffer.alloc(500_000, 'x') });
      assertProblem(await asked, 502, 'upstream_unreachable');
    }
    assert.equal(origin.of(path).length, 2, 'it is not sent again');
  });

  test(`on /${kind} heads that come before the answer are not taken for it`, async () => {
    const answer = await gateway.ask(`/${kind}/early-hints`);
    assert.deepEqual([answer.status, answer.body], [200, 'hello']);
  });
}

test('an origin that hangs means 504 at the deadline, and its connection is closed', async () => {
  const started = performance.now();
  const answer = await gateway.ask('/slow/hang', { headers: { 'x-request-id': 'slow' } });
  const took = performance.now() - started;
  assertProblem(answer, 504, 'upstream_timeout', 'slow');
  assert.ok(took >= DEADLINE_MS - 20 && took < LATE_MS, `${took} ms`);
  const call = await origin.arrival('/slow/hang');
  await eventually(() => call.cut, () => 'the origin still has the connection');
  assert.deepEqual(await lineOf('slow'), { level: 'error', status: 504, code: 'upstream_timeout', body: undefined });
});

test('a deadline does not cut an answer whose head came in time', async () => {
  const asked = gateway.ask('/slow/drip');
  const call = await origin.arrival('/slow/drip');
  await pause(DEADLINE_MS * 1.5); // the deadline is the condition, and time alone fulfils it
  call.response.end(' last');
  assert.equal((await asked).body, 'first last');
});

for (const breakage of BREAKAGES) {
  for (const kind of ['open', 'raw']) {
    test(`on /${kind} an answer with ${breakage} is never complete at the client`, async () => {
      const answer = await speak(gateway.port, head('GET', `/${kind}/${breakage}`));
      assert.equal(answer.status, 200);
      assert.ok(answer.body.toString().startsWith('first'));
      assert.equal(answer.complete, false);
    });
  }

  test(`on /watched an answer with ${breakage} is never complete at the client, and the log says that it broke`, async () => {
    const answer = await speak(gateway.port, head('GET', `/watched/${breakage}`, [`x-request-id: ${breakage}`]));
    assert.deepEqual([answer.status, answer.complete], [200, false]);
    assert.deepEqual(await lineOf(breakage), { level: 'info', status: 200, code: undefined, body: 'broken' });
  });
}

test('on /watched the log says that a whole body was complete, and not before its end', async () => {
  const asked = gateway.ask('/watched/drip', { headers: { 'x-request-id': 'whole' } });
  const call = await origin.arrival('/watched/drip');
  await gateway.ask('/health/live', { headers: { 'x-request-id': 'meanwhile' } });
  await gateway.line('meanwhile');
  assert.deepEqual(gateway.lines.filter(({ request_id: id }) => id === 'whole'), []);
  call.response.end(' last');
  assert.equal((await asked).body, 'first last');
  assert.deepEqual(await lineOf('whole'), { level: 'info', status: 200, code: undefined, body: 'complete' });
});

test('on /watched the log says that a body broke when its client went away', async () => {
  const socket = await connect(gateway.port);
  const came = new Promise((resolve) => socket.once('data', resolve));
  socket.write(head('GET', '/watched/drip/left', ['x-request-id: left']));
  const call = await origin.arrival('/watched/drip/left');
  await came;
  socket.resetAndDestroy();
  await writeUntilCut(call);
  assert.equal((await lineOf('left')).body, 'broken');
});
