// WebSockets through the gateway: the upgrade is decided like any request, and then both sides speak as if nobody stood
// between them, up to the code with which one of them closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, connect } from './lib/client.mjs';
import { eventually } from './lib/poll.mjs';
import { assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const KINDS = ['open', 'watched', 'raw', 'mine'];
/** What a client sees of a connection that was not closed but lost (RFC 6455 section 7.1.5). */
const LOST = 1006;
const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };

let origin;
let gateway;
let number = 0;

withGateway(() => ({ build: 'faults' }), (both) => ({ origin, gateway } = both));

const fresh = (kind) => `/${kind}/socket/${(number += 1)}`;

/** Opens one, with a good token and an id. `messages` is what has come so far, `closed` the code and reason of the end. */
async function open(target, protocols = []) {
  const headers = { authorization: `Bearer ${token({ sub: 'u-42' })}`, 'x-user-id': 'forged', 'x-request-id': target.slice(1) };
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${target}`, { protocols, headers });
  socket.binaryType = 'arraybuffer';
  const one = { socket, messages: [], closed: undefined };
  socket.onmessage = ({ data }) => one.messages.push(typeof data === 'string' ? data : Buffer.from(data));
  socket.onclose = ({ code, reason }) => { one.closed = { code, reason }; };
  socket.onerror = () => {};
  await eventually(() => socket.readyState !== WebSocket.CONNECTING);
  return one;
}

for (const kind of KINDS) {
  test(`on /${kind} texts and bytes come back in order, small and large`, async () => {
    const one = await open(fresh(kind));
    const sent = ['ping', 'caf\u00e9 \u{1f980}', '', Buffer.from([0, 255, 1]), 'x'.repeat(60_000), Buffer.alloc(60_000, 7), 'last'];
    for (const message of sent) one.socket.send(message);
    await eventually(() => one.messages.length === sent.length, () => `${one.messages.length} came`);
    assert.deepEqual(one.messages, sent);
    one.socket.close();
  });

  test(`on /${kind} the code with which the client closes reaches the origin`, async () => {
    const target = fresh(kind);
    const one = await open(target);
    one.socket.close(4001, 'enough');
    const call = await origin.arrival(target);
    await eventually(() => call.closed, () => 'the origin was told nothing');
    assert.deepEqual(call.closed, { code: 4001, reason: 'enough' });
    await eventually(() => one.closed);
  });

  test(`on /${kind} the code with which the origin closes reaches the client`, async () => {
    const one = await open(fresh(kind));
    one.socket.send('close 4002 go home');
    await eventually(() => one.closed, () => 'the client was told nothing');
    assert.deepEqual(one.closed, { code: 4002, reason: 'go home' });
  });

  test(`on /${kind} an origin that vanishes ends the client's side without a code`, async () => {
    const one = await open(fresh(kind));
    one.socket.send('vanish');
    await eventually(() => one.closed, () => 'the client still waits');
    assert.equal(one.closed.code, LOST);
  });

  test(`on /${kind} a client that vanishes ends the origin's side, and nothing is left in flight`, async () => {
    const target = fresh(kind);
    const socket = await connect(gateway.port);
    const lines = Object.entries({ host: 'a', authorization: `Bearer ${token()}`, ...UPGRADE }).map(([name, value]) => `${name}: ${value}\r\n`);
    const came = new Promise((resolve) => socket.once('data', resolve));
    socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
    assert.match(String(await came), /^HTTP\/1.1 101 /);
    socket.resetAndDestroy();
    const call = await origin.arrival(target);
    await eventually(() => call.cut, () => 'the origin still has the connection');
    await gateway.idle(5000);
  });

  test(`on /${kind} the subprotocol is agreed upon by client and origin`, async () => {
    const target = fresh(kind);
    const one = await open(target, ['chat.v2', 'chat.v1']);
    assert.equal(one.socket.protocol, 'chat.v2');
    assert.equal((await origin.arrival(target)).headers['sec-websocket-protocol'], 'chat.v2, chat.v1');
    one.socket.close();
  });

  test(`on /${kind} an origin that refuses the upgrade is heard`, async () => {
    const headers = { ...UPGRADE, authorization: `Bearer ${token()}` };
    const answer = await ask(gateway.port, `${fresh(kind)}/unwelcome`, { headers });
    assert.deepEqual([answer.status, answer.body, answer.headers['x-reason']], [403, 'no', 'unwelcome']);
  });

  test(`on /${kind} the upgrade is one log line with status 101`, async () => {
    const target = fresh(kind);
    const one = await open(target);
    // A route that hands everything on logs with an id of the client as well.
    const { status, path } = await gateway.line(target.slice(1));
    assert.deepEqual([status, path], [101, target]);
    one.socket.close();
  });
}

for (const [what, target, headers, status, code] of [
  ['without a token', '/mine/socket/refused', {}, 401, 'token_missing'],
  ['with a bad token', '/mine/socket/refused', { authorization: 'Bearer x.y.z' }, 401, 'token_invalid'],
  ['without the scope', '/mine/socket/refused', { authorization: `Bearer ${token({ scope: 'other' })}` }, 403, 'scope_missing'],
  ['to nowhere', '/nowhere', {}, 404, 'route_not_found'],
  ['to an origin that is not there', '/refused/socket', {}, 502, 'upstream_unreachable'],
]) {
  test(`an upgrade ${what} gets ${status} and no connection`, async () => {
    assertProblem(await ask(gateway.port, target, { headers: { ...UPGRADE, ...headers } }), status, code);
    assert.deepEqual(origin.of(target), []);
  });
}

test('the origin of a WebSocket learns who asks and never sees the token', async () => {
  const target = fresh('mine');
  const one = await open(target);
  const { fields } = await origin.arrival(target);
  const values = (name) => fields.filter(([known]) => known === name).map(([, value]) => value);
  assert.deepEqual([values('x-user-id'), values('authorization'), values('x-request-id')], [['u-42'], [], [target.slice(1)]]);
  one.socket.close();
});
