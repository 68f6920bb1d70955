// Heads that do not fit into the buffer between JavaScript and wasm, and text that is no text. Sent as bytes, since no
// decent client sends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { assertMadeId, assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const LONGEST_URL = 16 * 1024;

let origin;
let gateway;

withGateway(() => ({}), (both) => ({ origin, gateway } = both));

/** An answer to bytes in the form of `ask`. */
async function answerTo(sent) {
  const { status, fields, body } = await speak(gateway.port, sent);
  return { status, headers: Object.fromEntries(fields), body: body.toString(), json: () => JSON.parse(body.toString()) };
}

/** A target that makes the whole URL, `http://gateway.test` in front, this long. */
function targetOf(length) {
  const start = '/open/echo?';
  return start + 'q'.repeat(length - `http://gateway.test${start}`.length);
}

test('a URL of 16 KiB goes through', async () => {
  const target = targetOf(LONGEST_URL);
  const answer = await answerTo(head('GET', target));
  assert.deepEqual([answer.status, answer.json().url], [200, target]);
});

test('a URL of one character more gets 414', async () => {
  const answer = await answerTo(head('GET', targetOf(LONGEST_URL + 1), ['x-request-id: long-1']));
  assertProblem(answer, 414, 'url_too_long', 'long-1');
  const lines = await gateway.linesOf('long-1');
  assert.equal(lines.length, 1);
  assert.equal(new Date(lines[0].timestamp).toISOString(), lines[0].timestamp);
});

test('an Authorization of 70 KB gets 431 and does not reach the origin', async () => {
  const before = origin.seen.length;
  const answer = await answerTo(head('GET', '/open/echo', [`authorization: Bearer ${'x'.repeat(70_000)}`, 'x-request-id: large-1']));
  assertProblem(answer, 431, 'headers_too_large', 'large-1');
  assert.equal(origin.seen.length, before);
  assert.equal((await gateway.linesOf('large-1')).length, 1);
});

test('a header that nothing decides on may be large', async () => {
  const large = 'x'.repeat(70_000);
  const answer = await answerTo(head('GET', '/open/sink', [`x-large: ${large}`]));
  assert.equal(answer.status, 200);
  assert.equal(origin.of('/open/sink')[0].headers['x-large'], large);
});

test('the refusal of an overflow names no origin, so that no page reads it', async () => {
  const answer = await answerTo(head('GET', '/pages/echo', ['origin: https://app.test', `authorization: ${'x'.repeat(70_000)}`]));
  assertProblem(answer, 431, 'headers_too_large');
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  assert.equal(answer.headers.vary, 'Origin');
});

for (const name of ['authorization', 'origin', 'x-request-id']) {
  test(`bytes in ${name} that are not UTF-8 get 400`, async () => {
    const answer = await answerTo(Buffer.from(head('GET', '/open/echo', [`${name}: a\u00ff\u00feb`]), 'latin1'));
    assertProblem(answer, 400, 'text_malformed');
  });
}

test('bytes that are not UTF-8 in a header that nothing decides on do not matter', async () => {
  assert.equal((await answerTo(Buffer.from(head('GET', '/open/echo', ['x-name: a\u00ffb']), 'latin1'))).status, 200);
});

// The id stands in front of the token in the buffer: measured in characters, its length would cut the token askew.
test('a header beyond ASCII does not move the ones behind it', async () => {
  const lines = ['x-request-id: na\u00efve-\u20ac-\u{1f600}', 'origin: https://app.test', `authorization: Bearer ${token({ sub: 'u-\u20ac' })}`];
  const answer = await answerTo(head('GET', '/mine/echo', lines));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.test');
  assertMadeId(answer.headers['x-request-id']);
  assert.equal((await gateway.line(answer.headers['x-request-id'])).principal, 'u-\u20ac');
});

test('fields beyond ASCII that do not fit as bytes get 431 although their characters would', async () => {
  const answer = await answerTo(head('GET', '/open/echo', [`authorization: Bearer ${'\u20ac'.repeat(30_000)}`]));
  assertProblem(answer, 431, 'headers_too_large');
});

test('requests behind an overflow are served', async () => {
  await answerTo(head('GET', '/open/echo', [`authorization: Bearer ${'x'.repeat(70_000)}`]));
  assert.equal((await gateway.ask('/open/echo')).status, 200);
});
