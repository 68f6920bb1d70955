// Bodies pass without being held: measured in wasm memory, and by whether the first bytes arrive before the last ones
// are sent. Bodies that break are in origin_faults.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { writeUntilCut } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const LARGE = 20 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'u');
const KINDS = ['open', 'watched', 'raw'];

let origin;
let gateway;

withGateway(() => ({ build: 'faults' }), (both) => ({ origin, gateway } = both));

/** Starts a request; `body` is written by the test. `received` counts what came back. */
function open(method, path, headers = {}) {
  const request = http.request({ host: '127.0.0.1', port: gateway.port, method, path, headers, agent: false });
  const exchange = { request, received: 0, text: '', ended: false };
  request.on('error', (error) => { exchange.error = error; });
  request.once('response', (response) => {
    exchange.status = response.statusCode;
    response.on('data', (chunk) => {
      exchange.received += chunk.length;
      if (exchange.text.length < 1000) exchange.text += chunk;
    });
    response.once('end', () => { exchange.ended = true; });
  });
  return exchange;
}

async function send(request, length) {
  for (let sent = 0; sent < length; sent += PIECE.length) {
    if (!request.write(PIECE)) await new Promise((resolve) => request.once('drain', resolve));
  }
}

for (const kind of KINDS) {
  test(`on /${kind} 20 MB come down and wasm memory does not grow`, async () => {
    await gateway.ask(`/${kind}/big/10`);
    const before = await gateway.memory();
    const exchange = open('GET', `/${kind}/big/${LARGE}`);
    exchange.request.end();
    await eventually(() => exchange.ended, () => `${exchange.received} bytes came`, 10_000);
    assert.deepEqual([exchange.status, exchange.received], [200, LARGE]);
    assert.equal((await gateway.memory()).bytes, before.bytes);
  });

  for (const [how, headers] of [['with a content-length', { 'content-length': LARGE }], ['in chunks', { 'transfer-encoding': 'chunked' }]]) {
    test(`on /${kind} 20 MB go up ${how} and wasm memory does not grow`, async () => {
      await gateway.ask(`/${kind}/sink`, { method: 'POST', body: 'small' });
      const before = await gateway.memory();
      const exchange = open('POST', `/${kind}/sink`, headers);
      await send(exchange.request, LARGE);
      exchange.request.end();
      await eventually(() => exchange.ended, () => `status ${exchange.status}, ${exchange.error}`, 10_000);
      assert.deepEqual([exchange.status, exchange.text], [200, String(LARGE)]);
      assert.equal((await gateway.memory()).bytes, before.bytes);
    });
  }

  test(`on /${kind} the first bytes of an answer arrive while the origin holds back the rest`, async () => {
    const path = `/${kind}/drip`;
    const exchange = open('GET', path);
    exchange.request.end();
    const call = await origin.arrival(path);
    await eventually(() => exchange.text === 'first', () => `came: ${exchange.text}`);
    assert.equal(exchange.ended, false);
    call.response.end(' last');
    await eventually(() => exchange.ended);
    assert.equal(exchange.text, 'first last');
  });

  test(`on /${kind} the first bytes of a request reach the origin while the client holds back the rest`, async () => {
    const path = `/${kind}/sink/held`;
    const exchange = open('POST', path, { 'transfer-encoding': 'chunked' });
    exchange.request.write('first');
    const call = await origin.arrival(path);
    await eventually(() => call.bytes === 5, () => `${call.bytes} bytes came`);
    exchange.request.end(' last');
    await eventually(() => exchange.ended);
    assert.equal(exchange.text, '10');
  });
}

test('a client that goes away in the middle of an answer ends the request to the origin', async () => {
  for (const kind of KINDS) {
    const path = `/${kind}/drip/left`;
    const exchange = open('GET', path);
    exchange.request.end();
    const call = await origin.arrival(path);
    await eventually(() => exchange.text === 'first');
    exchange.request.socket.resetAndDestroy();
    await writeUntilCut(call);
  }
});
