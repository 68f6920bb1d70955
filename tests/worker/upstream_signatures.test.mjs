// Requests that are signed for their upstream, on the built Worker: the origin checks them as examples/verify-signature.mjs
// shows, on the request as it arrived. What is signed must be what arrives, whatever the platform does to a URL.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { whatIsWrong } from '../../examples/verify-signature.mjs';
import { connect, head, readAnswer, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { assertProblem } from './lib/problems.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const KEY = 'the key of the signatures, long enough';
const LIMIT = 64 * 1024;

const CONFIGURATION = `
[gateway]
name = "signing"

[upstreams.heads]
targets = ["\${ORIGIN_URL}"]
credentials = { hmac = "\${KEY}", key_id = "gateway-1" }

[upstreams.bodies]
targets = ["\${ORIGIN_URL}"]
prefix = "/below"
timeout = "500ms"
credentials = { hmac = "\${KEY}", key_id = "gateway-1", body = true }

[routes."ANY /heads/{rest...}"]
upstream = "heads"
auth = "none"
body_limit = false

[routes."ANY /raw/{rest...}"]
upstream = "heads"
auth = "none"
pass_through = true

[routes."ANY /bodies/{rest...}"]
upstream = "bodies"
auth = "none"
body_limit = "64KiB"

[routes."ANY /raw-bodies/{rest...}"]
upstream = "bodies"
auth = "none"
body_limit = "64KiB"
pass_through = true
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION), variables: { KEY } }), (both) => ({ origin, gateway } = both));

/** What arrived at the origin for an answer of its echo. */
function arrived(answer) {
  const { method, url, fields, body } = JSON.parse(answer.body.toString());
  return { method, url, headers: Object.fromEntries(fields), body, fields };
}

const check = (request, options = {}) => whatIsWrong(request, { key: KEY, keyId: 'gateway-1', scheme: 'http', signsBody: request.headers['content-digest'] !== undefined, ...options });

/** Some of it the platform encodes by itself, as the quotes in a query. What it refuses by itself is not among them. */
const TARGETS = ['/echo', '/echo?', '/echo?a=1&b=%20&b', "/echo?q='x'", '/echo?`{}|^[]\\%', "/echo/it's", '/echo/a%20b%C3%A9', '/echo/@:!$&()*+,;=~', '/echo?a=b?c/d//e', '/echo?\u00e9=\u20ac', '/echo#a?b'];

describe('a signature', () => {
  for (const path of ['/heads', '/raw', '/bodies', '/raw-bodies']) {
    test(`on ${path} is right for the request that arrives, whatever its target looks like`, async () => {
      for (const target of TARGETS) {
        const answer = await speak(gateway.port, Buffer.from(head('GET', path + target)));
        assert.equal(answer.status, 200, `${path}${target} ${answer.body}`);
        const request = arrived(answer);
        assert.equal(check(request), undefined, `${path}${target} as ${request.url}`);
        assert.equal(request.headers['content-digest'] !== undefined, path.endsWith('bodies'));
      }
    });

    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      test(`on ${path} is right for ${method} with a body, announced or not, and without one`, async () => {
        for (const text of ['', 'hello', 'x'.repeat(LIMIT)]) {
          const announced = await gateway.ask(`${path}/echo`, { method, body: text, headers: { 'content-length': text.length } });
          const chunked = await speak(gateway.port, `${head(method, `${path}/echo`, ['transfer-encoding: chunked'])}${text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`}0\r\n\r\n`);
          for (const answer of [announced, chunked]) {
            assert.equal(answer.status, 200, answer.body.toString());
            const request = arrived(answer);
            assert.equal(request.body, text);
            assert.equal(check(request), undefined);
          }
        }
      });
    }

    test(`on ${path} takes the place of what a client sends`, async () => {
      const forged = [
        'signature-input: ferrogate=("@method");created=1;keyid="gateway-1"', 'signature-input: mine=("@method")',
        'signature: ferrogate=:AAAA:', 'signature: mine=:AAAA:', 'content-digest: sha-256=:AAAA:', 'connection: signature, signature-input, close',
      ];
      const answer = await speak(gateway.port, `GET ${path}/echo HTTP/1.1\r\nhost: a\r\n${forged.join('\r\n')}\r\n\r\n`);
      const request = arrived(answer);
      assert.equal(check(request, { signsBody: path.endsWith('bodies') }), undefined);
      for (const name of ['signature', 'signature-input']) assert.equal(request.fields.filter(([known]) => known === name).length, 1);
    });
  }

  test('is wrong for every other request', async () => {
    const request = arrived(await gateway.ask('/bodies/echo?a=1', { method: 'POST', body: 'hello' }));
    assert.equal(check(request), undefined);
    const { headers } = request;
    const others = [
      { ...request, method: 'PUT' }, { ...request, url: '/below/bodies/echo?a=2' }, { ...request, url: '/below/bodies/other?a=1' },
      { ...request, body: 'hellO' }, { ...request, headers: { ...headers, host: 'other.test' } },
      { ...request, headers: { ...headers, signature: `ferrogate=:${'A'.repeat(43)}=:` } }, { ...request, headers: { ...headers, signature: undefined } },
    ];
    for (const other of others) assert.notEqual(check(other, { signsBody: true }), undefined, JSON.stringify(other));
    for (const options of [{ key: `${KEY}!` }, { keyId: 'gateway-2' }, { now: Date.now() / 1000 + 120 }, { now: Date.now() / 1000 - 120 }, { signsBody: false }]) {
      assert.notEqual(check(request, options), undefined, JSON.stringify(options));
    }
  });

  test('and its key stand in no answer, no problem and no log line', async () => {
    for (const path of ['/heads/echo', '/bodies/hang', '/raw/reset-before-head']) {
      const answer = await gateway.ask(path);
      assert.deepEqual([answer.headers.signature, answer.headers['signature-input']], [undefined, undefined]);
    }
    await gateway.linesOf('none');
    assert.ok(!gateway.output.includes(KEY) && !gateway.output.includes('ferrogate=:'));
  });
});

describe('a signed body', () => {
  // The platform lets nobody read the body of such a request and send it on: see docs/streaming.md.
  test('of GET is refused, announced or not, and an announced one that is not signed goes on', async () => {
    const announced = (path) => `${head('GET', path, ['content-length: 5'])}hello`;
    const chunked = (path) => `${head('GET', path, ['transfer-encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`;
    for (const sent of [announced, chunked]) {
      for (const path of ['/bodies', '/raw-bodies']) assert.equal((await speak(gateway.port, sent(`${path}/unusual`))).status, 413);
    }
    const request = arrived(await speak(gateway.port, announced('/heads/echo')));
    assert.deepEqual([request.body, check(request)], ['hello', undefined]);
    assert.deepEqual(origin.of('/below/bodies/unusual'), []);
  });

  for (const [how, sent] of [
    ['announced', `${head('POST', '/bodies/large', [`content-length: ${LIMIT + 1}`])}${'x'.repeat(LIMIT + 1)}`],
    ['counted', `${head('POST', '/bodies/large', ['transfer-encoding: chunked'])}${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n0\r\n\r\n`],
  ]) {
    test(`that is too large, ${how}, is refused and nothing is sent`, async () => {
      const answer = await speak(gateway.port, sent);
      assert.deepEqual([answer.status, JSON.parse(answer.body.toString()).code], [413, 'body_too_large']);
      assert.deepEqual(origin.of('/below/bodies/large'), []);
    });
  }

  test('that does not come in time is 408, and nothing is sent', async () => {
    const socket = await connect(gateway.port);
    const chunks = [];
    // The server may end the connection before the line is read: who asks only then waits for ever.
    const closed = new Promise((resolve) => socket.on('data', (chunk) => chunks.push(chunk)).once('close', resolve));
    socket.write(`${head('POST', '/bodies/late', ['content-length: 10', 'x-request-id: late'])}hello`);
    const line = await gateway.line('late');
    assert.deepEqual([line.status, line.code, line.upstream], [408, 'body_timeout', undefined]);
    socket.end();
    await closed;
    assert.equal(readAnswer(Buffer.concat(chunks)).status, 408);
    assert.deepEqual(origin.of('/below/bodies/late'), []);
  });

  test('whose client leaves is sent nowhere, and its line is written', async () => {
    const socket = await connect(gateway.port);
    socket.write(`${head('POST', '/bodies/left', ['content-length: 10', 'x-request-id: left'])}hello`);
    // The request is under way once a later one has been served.
    await gateway.ask('/heads/echo');
    socket.resetAndDestroy();
    const line = await gateway.line('left');
    assert.deepEqual([line.status, line.code], [499, 'client_gone']);
    assert.deepEqual(origin.of('/below/bodies/left'), []);
  });

  test('is refused for others, not for those who send a small one meanwhile', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => gateway.ask(`/bodies/echo?${at}`, { method: 'POST', body: `body ${at}` })));
    answers.forEach((answer, at) => {
      const request = arrived(answer);
      assert.deepEqual([request.body, check(request)], [`body ${at}`, undefined]);
    });
  });
});

test('a key that is too short means 503, and the log names the upstream', async (t) => {
  const weak = await startGateway({ origin, bin: compiled(CONFIGURATION), variables: { KEY: 'x'.repeat(31) } });
  t.after(() => weak.stop());
  assertProblem(await weak.ask('/heads/echo'), 503, 'cannot_start');
  const [{ reason }] = await weak.reported('cannot start');
  assert.match(reason, /`heads` is shorter than 32 bytes/);
});

test('the refusal of a large body is a problem like any other', async () => {
  const document = assertProblem(await gateway.ask('/bodies/x', { method: 'POST', headers: { 'content-length': LIMIT + 1 }, body: 'x'.repeat(LIMIT + 1) }), 413, 'body_too_large');
  assert.equal(document.errors[0].field, 'body');
});
