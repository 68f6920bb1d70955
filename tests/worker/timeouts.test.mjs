// How long an answer may take: until its head, and until the end of its body. What is cut off must never look complete.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, connect, head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin, writeUntilCut } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertCareful, assertProblem } from './lib/problems.mjs';

/** The deadline of the body, and what a busy machine may add to it. */
const WHOLE_MS = 200;
const LATE_MS = 1500;
const HEAD_MS = 100;

const CONFIGURATION = `
[gateway]
name = "timeouts"
timeout = "150ms"

[upstreams.unhurried]
targets = ["\${ORIGIN_URL}"]

[upstreams.bounded]
targets = ["\${ORIGIN_URL}"]
timeout = { first_byte = "10s", whole = "${WHOLE_MS}ms" }

[policies.open]
auth = "none"

[routes."ANY /head/{rest...}"]
upstream = "unhurried"
use = "open"
timeout = { first_byte = "${HEAD_MS}ms" }

[routes."ANY /default/{rest...}"]
upstream = "unhurried"
use = "open"

[routes."ANY /whole/{rest...}"]
upstream = "bounded"
use = "open"

[routes."ANY /try/{rest...}"]
upstream = "unhurried"
use = "open"
timeout = { first_byte = "10s", try = "${WHOLE_MS}ms", whole = "1m" }

[routes."ANY /watched/{rest...}"]
upstream = "bounded"
use = "open"
observe = "body"

[routes."ANY /raw/{rest...}"]
upstream = "bounded"
use = "open"
pass_through = true

[routes."ANY /patient/{rest...}"]
upstream = "bounded"
use = "open"
timeout = { first_byte = "10s", whole = "10s" }
`;

const BOUNDED = ['whole', 'try', 'watched', 'raw'];

let origin;
let gateway;

before(async () => {
  origin = await startOrigin();
  gateway = await startGateway({ origin, build: 'faults', bin: compiled(CONFIGURATION) });
});

after(async () => {
  const output = gateway?.output;
  await gateway?.stop();
  await origin?.stop();
  assert.doesNotMatch(output, /in promise|unhandled|entry failed|wasm trapped/i);
});

const idLine = (id) => [`x-request-id: ${id}`];

/** The outcome of something, and how many milliseconds it took. */
async function timed(promise) {
  const started = performance.now();
  const result = await promise;
  return { result, took: performance.now() - started };
}

function assertTook(took, deadline) {
  assert.ok(took >= deadline - 20 && took < deadline + LATE_MS, `${took} ms`);
}

for (const [kind, deadline] of [['head', HEAD_MS], ['default', 150], ['whole', WHOLE_MS], ['try', WHOLE_MS], ['watched', WHOLE_MS], ['raw', WHOLE_MS]]) {
  test(`on /${kind} an answer without a head gets 504 after ${deadline} ms, and the origin's connection is closed`, async () => {
    const target = `/${kind}/hang`;
    const { result, took } = await timed(gateway.ask(target, { headers: { 'x-request-id': `slow-${kind}` } }));
    const document = assertProblem(result, 504, 'upstream_timeout', `slow-${kind}`);
    assert.match(document.detail, new RegExp(`\\b${deadline} ms`));
    assertTook(took, deadline);
    const call = await origin.arrival(target);
    await eventually(() => call.cut, () => 'the origin still has the connection');
    assert.equal((await gateway.line(`slow-${kind}`)).code, 'upstream_timeout');
    await gateway.idle(1000);
  });
}

for (const kind of BOUNDED) {
  describe(`on /${kind}`, () => {
    // Silent behind its first piece, or writing on and on: the deadline is the same.
    for (const how of ['silent', 'endless']) {
      test(`a body that is ${how} is cut off at the deadline and never complete`, async () => {
        const [target, id] = [`/${kind}/drip/${how}`, `${how}-${kind}`];
        const asked = timed(speak(gateway.port, head('GET', target, idLine(id))));
        const call = await origin.arrival(target);
        if (how === 'endless') await writeUntilCut(call);
        const { result: answer, took } = await asked;
        assert.deepEqual([answer.status, answer.complete], [200, false]);
        assert.ok(answer.body.toString().startsWith('first'));
        assertTook(took, WHOLE_MS);
        await eventually(() => call.cut, () => 'the origin still has the connection');
        const { status, body, duration_ms: duration } = await gateway.line(id);
        assert.deepEqual([status, body], [200, 'broken']);
        assertTook(duration, WHOLE_MS);
        await gateway.idle(1000);
      });
    }

    test('an answer with a length that is cut off is not complete either', async () => {
      const target = `/${kind}/part`;
      const answer = await speak(gateway.port, head('GET', target));
      assert.deepEqual([answer.status, answer.complete], [200, false]);
    });

    for (const [what, path, status, body] of [
      ['a body', 'echo', 200, undefined],
      ['a large body', 'big/300000', 200, undefined],
      ['204', 'status/204', 204, ''],
      ['304', 'status/304', 304, ''],
      ['a redirect', 'redirect', 302, 'moved'],
    ]) {
      test(`${what} in time is complete, and the line says so`, async () => {
        const id = `in-time-${kind}-${path}`;
        const answer = await speak(gateway.port, head('GET', `/${kind}/${path}`, idLine(id)));
        assert.deepEqual([answer.status, answer.complete], [status, true]);
        if (body !== undefined) assert.equal(answer.body.toString(), body);
        if (path.startsWith('big')) assert.equal(answer.body.length, 300_000);
        assert.equal((await gateway.line(id)).body, 'complete');
        await gateway.idle(1000);
      });
    }

    test('the answer to HEAD is complete at once', async () => {
      const answer = await speak(gateway.port, head('HEAD', `/${kind}/big/1000`, idLine(`bare-${kind}`)));
      assert.deepEqual([answer.status, answer.body.length], [200, 0]);
      assert.equal((await gateway.line(`bare-${kind}`)).body, 'complete');
    });

    test('a body in pieces that ends in time is complete', async () => {
      const target = `/${kind}/drip/ends`;
      const asked = ask(gateway.port, target);
      (await origin.arrival(target)).response.end(' last');
      assert.equal((await asked).body, 'first last');
    });

    test('two cookies stay two headers', async () => {
      const { headers } = await gateway.ask(`/${kind}/cookies`);
      assert.deepEqual(headers['set-cookie'].length, 2);
      if (kind !== 'raw') assertCareful({ headers });
    });
  });
}

test('a WebSocket has no body that could be late', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/patient/socket`);
  const message = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('ping');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('the WebSocket failed'));
  });
  socket.close();
  assert.equal(message, 'ping');
});

test('a client that leaves long before the deadline frees the slot', async () => {
  const target = '/patient/drip/left';
  const socket = await connect(gateway.port);
  const came = new Promise((resolve) => socket.once('data', resolve));
  socket.write(head('GET', target, idLine('left')));
  await came;
  socket.resetAndDestroy();
  await writeUntilCut(await origin.arrival(target));
  assert.equal((await gateway.line('left')).body, 'broken');
  await gateway.idle(1000);
});

test('many bodies in time leave nothing in flight', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.ask('/patient/echo')));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  await gateway.idle(1000);
});
