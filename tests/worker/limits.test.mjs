// How large a body may be: what is refused by its announced length never leaves the gateway, what is counted while it
// streams is broken off, and no upstream ever takes a part for the whole.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, connect, head, readAnswer, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertProblem } from './lib/problems.mjs';

const LIB = path.join(import.meta.dirname, 'lib');
const LIMIT = 1000;
const DEFAULT_LIMIT = 1024 * 1024;
/** The entry begins to watch a client when an answer takes longer than 25 ms (src/entry/call.mjs). */
const WATCHED_AFTER_MS = 100;
const PAGE = 'https://app.test';
/** Routes with the small limit, one for each way on which a request is sent on. */
const KINDS = ['open', 'watched', 'raw', 'keyed'];

const CONFIGURATION = `
[gateway]
name = "limits"
cors = { origins = ["${PAGE}"], methods = ["POST"] }

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
timeout = "5s"

[upstreams.keyed]
targets = ["\${ORIGIN_URL}"]
timeout = "5s"
credentials = { header = "x-key", value = "\${KEY}" }

[upstreams.service]
targets = ["service:OTHER"]
timeout = "5s"

[policies.tight]
auth = "none"
body_limit = "${LIMIT}B"

[routes."ANY /open/{rest...}"]
upstream = "origin"
use = "tight"

[routes."ANY /watched/{rest...}"]
upstream = "origin"
use = "tight"
observe = "body"

[routes."ANY /raw/{rest...}"]
upstream = "origin"
use = "tight"
pass_through = true

[routes."ANY /keyed/{rest...}"]
upstream = "keyed"
use = "tight"
pass_through = true

[routes."POST /service/{rest...}"]
upstream = "service"
use = "tight"

[routes."POST /fixed"]
use = "tight"
respond = "fixed"

[routes."POST /usual/{rest...}"]
upstream = "origin"
auth = "none"

[routes."POST /boundless/{rest...}"]
upstream = "origin"
auth = "none"
body_limit = false
`;

let origin;
let gateway;

before(async () => {
  origin = await startOrigin();
  const read = (name) => fs.readFileSync(path.join(LIB, name), 'utf8');
  const variables = { KEY: 'the-key' };
  gateway = await startGateway({ origin, build: 'faults', bin: compiled(CONFIGURATION), variables, caller: read('caller.js'), services: { OTHER: read('service.js') } });
});

after(async () => {
  const output = gateway?.output;
  await gateway?.stop();
  await origin?.stop();
  // The runtime itself notes that an answer broke off ("Uncaught exception"); a promise that nobody minds is ours.
  assert.doesNotMatch(output, /in promise|unhandled|entry failed|wasm trapped/i);
});

const CHUNKED = ['transfer-encoding: chunked'];
const chunk = (length) => `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`;
const LAST = '0\r\n\r\n';

/** A connection on which a test writes a request piece by piece. `answer` is what has come so far. */
async function open(target, lines, method = 'POST') {
  const socket = await connect(gateway.port);
  const chunks = [];
  socket.on('data', (bytes) => chunks.push(bytes));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(head(method, target, lines));
  const one = {
    socket,
    write: (text) => socket.write(text),
    get answer() {
      return readAnswer(Buffer.concat(chunks));
    },
    answered: () => eventually(() => one.answer.complete && one.answer.framed && one.answer, () => `came: ${Buffer.concat(chunks)}`),
    closed,
  };
  return one;
}

/** An answer of `speak` in the form of one of `ask`. */
const asAsked = ({ status, fields, body }) => ({ status, headers: Object.fromEntries(fields), body: body.toString(), json: () => JSON.parse(body.toString()) });

const assertTooLarge = (answer) => assertProblem(answer, 413, 'body_too_large');

let number = 0;
/** A path of its own for each test, so that what reached the origin can be told apart. */
const fresh = (kind, behaviour = 'sink') => `/${kind}/${behaviour}/${(number += 1)}`;

for (const kind of KINDS) {
  describe(`on /${kind}`, () => {
    test('a body that is announced as too large gets 413 at once and nothing goes upstream', async () => {
      const target = fresh(kind);
      const exchange = await open(target, [`content-length: ${LIMIT + 1}`]);
      assertTooLarge(asAsked(await exchange.answered()));
      exchange.socket.destroy();
      assert.deepEqual(origin.of(target), []);
    });

    for (const [how, lines, body] of [
      ['of exactly the limit', [`content-length: ${LIMIT}`], 'x'.repeat(LIMIT)],
      ['of exactly the limit in one chunk', CHUNKED, chunk(LIMIT) + LAST],
      ['of exactly the limit in many chunks', CHUNKED, chunk(LIMIT / 10).repeat(10) + LAST],
    ]) {
      test(`a body ${how} arrives whole`, async () => {
        const target = fresh(kind);
        const answer = await speak(gateway.port, head('POST', target, lines) + body);
        assert.deepEqual([answer.status, answer.body.toString()], [200, String(LIMIT)]);
        assert.equal(origin.of(target)[0].whole, true);
      });
    }

    test('an empty body in chunks, and none at all, arrive', async () => {
      for (const [lines, body] of [[CHUNKED, LAST], [['content-length: 0'], ''], [[], '']]) {
        const answer = await speak(gateway.port, head('POST', fresh(kind), lines) + body);
        assert.deepEqual([answer.status, answer.body.toString()], [200, '0']);
      }
    });

    for (const [how, body] of [['one chunk', chunk(LIMIT + 1)], ['many chunks', chunk(300).repeat(4)], ['a large chunk', chunk(200_000)]]) {
      test(`a body beyond the limit in ${how} gets 413, and the origin never a whole one`, async () => {
        const target = fresh(kind);
        const exchange = await open(target, [...CHUNKED, 'x-request-id: counted']);
        exchange.write(body + LAST);
        assertTooLarge(asAsked(await exchange.answered()));
        exchange.socket.destroy();
        await assertNeverWhole(target);
      });
    }

    test('a body that grows beyond the limit while the origin reads it gets 413, and the origin a broken one', async () => {
      const target = fresh(kind);
      const exchange = await open(target, CHUNKED);
      exchange.write(chunk(600));
      const call = await origin.arrival(target);
      await eventually(() => call.bytes === 600, () => `${call.bytes} bytes`);
      exchange.write(chunk(600));
      assertTooLarge(asAsked(await exchange.answered()));
      await eventually(() => call.whole === false, () => `whole: ${call.whole}`);
      assert.ok(call.bytes <= LIMIT, `${call.bytes} bytes`);
      exchange.socket.destroy();
    });

    // The platform puts the end mark behind the part that went on, whatever breaks off a request that has its answer
    // already. What is left is to end the whole exchange: nobody takes the answer for one to the whole body.
    test('a body that grows beyond the limit behind the head of the answer ends the exchange', async () => {
      const target = fresh(kind, 'drip');
      const exchange = await open(target, CHUNKED);
      exchange.write(chunk(600));
      const call = await origin.arrival(target);
      await eventually(() => exchange.answer.body.toString() === 'first');
      exchange.write(chunk(600) + LAST);
      await exchange.closed;
      assert.deepEqual([exchange.answer.status, exchange.answer.complete], [200, false]);
      await eventually(() => call.cut, () => 'the origin still has the connection');
    });

    test('a body that breaks off behind the head of the answer ends the exchange', async () => {
      const target = fresh(kind, 'drip');
      const exchange = await open(target, CHUNKED);
      exchange.write(chunk(600));
      const call = await origin.arrival(target);
      await eventually(() => exchange.answer.body.toString() === 'first');
      exchange.write('no chunk');
      await eventually(() => call.cut, () => 'the origin still has the connection');
      await exchange.closed;
      assert.equal(exchange.answer.complete, false);
    });

    test('an answer that is complete before the body is stays complete', async () => {
      const target = fresh(kind, 'hasty');
      const exchange = await open(target, CHUNKED);
      exchange.write(chunk(600));
      assert.equal((await exchange.answered()).body.toString(), 'hasty');
      exchange.socket.destroy();
    });

    test('a client that leaves while its body is counted leaves a broken one, and nothing in flight', async () => {
      const target = fresh(kind);
      const id = `left-${kind}`;
      const exchange = await open(target, [...CHUNKED, `x-request-id: ${id}`]);
      exchange.write(chunk(600));
      const call = await origin.arrival(target);
      await eventually(() => call.bytes === 600, () => `${call.bytes} bytes`);
      await pause(WATCHED_AFTER_MS); // time alone makes an answer slow
      exchange.socket.resetAndDestroy();
      await eventually(() => call.whole === false, () => `whole: ${call.whole}`);
      await gateway.idle(1000);
      assert.deepEqual((await gateway.linesOf(id)).map(({ code }) => code), ['client_gone']);
    });

    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      test(`a ${method} with a body arrives with it`, async () => {
        for (const length of [0, 5, LIMIT]) {
          const target = fresh(kind, 'sink');
          const answer = await speak(gateway.port, head(method, target, [`content-length: ${length}`]) + 'x'.repeat(length));
          assert.equal(answer.status, 200);
          const [call] = origin.of(target);
          assert.deepEqual([call.method, call.bytes, call.whole], [method, length, true]);
        }
      });

      test(`a ${method} with a body that is too large gets 413`, async () => {
        for (const [lines, body] of [[[`content-length: ${LIMIT + 1}`], ''], [CHUNKED, chunk(LIMIT + 1)]]) {
          const target = fresh(kind, 'sink');
          const exchange = await open(target, lines, method);
          exchange.write(body);
          await eventually(() => exchange.answer.status !== 0);
          assert.equal(exchange.answer.status, 413);
          exchange.socket.destroy();
          await assertNeverWhole(target);
        }
      });
    }
  });
}

/** What reached the origin, if anything did, was broken off. */
async function assertNeverWhole(target) {
  await gateway.idle(1000);
  for (const call of origin.of(target)) await eventually(() => call.whole === false, () => `whole: ${call.whole}`);
}

test('a length beside the coding is not believed: what comes is counted', async () => {
  const target = fresh('open');
  const exchange = await open(target, [...CHUNKED, 'content-length: 5']);
  exchange.write(chunk(LIMIT + 1) + LAST);
  await exchange.closed;
  assertTooLarge(asAsked(exchange.answer));
  await assertNeverWhole(target);
});

// The runtime reads the length before any Worker does.
for (const length of ['abc', '-1', '+5', '0x5', '5e0', '5, 5', '5 5', '', '99999999999999999999999999', '1.0']) {
  test(`a Content-Length of ${JSON.stringify(length)} is refused by the runtime`, async () => {
    const target = fresh('open');
    const answer = await speak(gateway.port, `${head('POST', target, [`content-length: ${length}`])}hello`);
    assert.equal(answer.status, 400);
    assert.deepEqual(origin.of(target), []);
  });
}

describe('through a service binding, where no connection checks a length', () => {
  const send = (query) => ask(gateway.callerPort, `/send?${query}`);

  for (const length of ['abc', '-1', '1, 1', '1e3']) {
    test(`a Content-Length of ${length} gets 400`, async () => {
      const target = fresh('open');
      assertProblem(await send(`path=${target}&length=5&announced=${encodeURIComponent(length)}`), 400, 'length_malformed');
      assert.deepEqual(origin.of(target), []);
    });
  }

  for (const how of ['', '&streamed']) {
    test(`a body${how} beyond the limit gets 413`, async () => {
      assertTooLarge(await send(`path=${fresh('open')}&length=${LIMIT + 1}${how}`));
    });
  }

  // A Worker of the same account that lies about its length is believed: counting every body would cost all others.
  test('a length that is announced is not counted', async () => {
    const target = fresh('open');
    assert.equal((await send(`path=${target}&length=${LIMIT * 3}&announced=5&streamed`)).status, 200);
    assert.deepEqual(origin.of(target).map(({ bytes, whole }) => [bytes, whole]), [[LIMIT * 3, true]]);
  });
});

describe('to a service binding', () => {
  test('a body of exactly the limit arrives whole', async () => {
    for (const [lines, body] of [[[`content-length: ${LIMIT}`], 'x'.repeat(LIMIT)], [CHUNKED, chunk(LIMIT) + LAST]]) {
      const answer = await speak(gateway.port, head('POST', '/service/echo', lines) + body);
      assert.deepEqual([answer.status, JSON.parse(answer.body.toString()).body.length], [200, LIMIT]);
    }
  });

  test('a body beyond the limit gets 413, and the service never a whole one', async () => {
    const exchange = await open('/service/echo', CHUNKED);
    exchange.write(chunk(LIMIT + 1) + LAST);
    assertTooLarge(asAsked(await exchange.answered()));
    exchange.socket.destroy();
    assert.equal((await speak(gateway.port, head('POST', '/service/later', ['content-length: 0']))).status, 200);
    assert.ok(gateway.output.includes(`the service has read ${LIMIT} bytes`));
    assert.ok(!gateway.output.includes(`the service has read ${LIMIT + 1} bytes`));
  });
});

test('the refusal of a counted body carries what every answer carries, and is one log line', async () => {
  const exchange = await open(fresh('open'), [...CHUNKED, `origin: ${PAGE}`, 'x-request-id: large-1']);
  exchange.write(chunk(LIMIT + 1));
  const answer = asAsked(await exchange.answered());
  assertTooLarge(answer);
  assert.deepEqual([answer.headers['access-control-allow-origin'], answer.headers['x-request-id']], [PAGE, 'large-1']);
  assert.match(answer.json().detail, /1KB/);
  await gateway.line('large-1');
  const lines = await gateway.linesOf('large-1');
  assert.deepEqual(lines.map(({ level, status, code }) => [level, status, code]), [['warn', 413, 'body_too_large']]);
  exchange.socket.destroy();
});

test('a route that answers by itself has a limit too, and reads no body', async () => {
  assertTooLarge(await gateway.ask('/fixed', { method: 'POST', body: 'x'.repeat(LIMIT + 1) }));
  const answer = await gateway.ask('/fixed', { method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body: 'x'.repeat(LIMIT + 1) });
  assert.deepEqual([answer.status, answer.body], [200, 'fixed']);
});

for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
  test(`without a setting the limit is 1 MiB ${JSON.stringify(headers)}`, async () => {
    const upload = (kind, length) => gateway.ask(fresh(kind), { method: 'POST', headers, body: Buffer.alloc(length, 'x') });
    const answer = await upload('usual', DEFAULT_LIMIT);
    assert.deepEqual([answer.status, answer.body], [200, String(DEFAULT_LIMIT)]);
    assertTooLarge(await upload('usual', DEFAULT_LIMIT + 1));
    assert.equal((await upload('boundless', DEFAULT_LIMIT + 1)).body, String(DEFAULT_LIMIT + 1));
  });
}
