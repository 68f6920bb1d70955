// Fields that end at each hop (RFC 9110 section 7.6.1), sent as bytes from both sides: none may get through, whoever
// keeps it, the runtime or src/entry/hop_by_hop.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOPS } from './lib/broken.mjs';
import { head, speak } from './lib/client.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const KINDS = ['open', 'watched', 'raw'];
/** What each side's own HTTP says about its own connection; its values tell it from a field that came through. */
const OWN = { connection: ['close', 'keep-alive'], 'transfer-encoding': ['chunked'] };

const PROXY_FIELDS = HOPS.filter(([name]) => name.startsWith('proxy-')).map((field) => field.join(': '));

let origin;
let gateway;

withGateway(() => ({}), (both) => ({ origin, gateway } = both));

/** Those of the fields that belong to a hop and not to the one they were read from. */
function foreign(fields) {
  const hops = new Set([...HOPS.map(([name]) => name), 'transfer-encoding']);
  return fields.filter(([name, value]) => hops.has(name) && !OWN[name]?.includes(value));
}

/** The fields of HOPS as a client sends them, but those of `without`. */
function sent(without = []) {
  return HOPS.filter(([name]) => !without.includes(name)).map(([name, value]) => `${name}: ${value}`);
}

for (const kind of ['open', 'watched']) {
  test(`on /${kind} what was meant for a proxy is left behind although no connection header names it`, async () => {
    const { port } = gateway;
    const answer = await speak(port, `GET /${kind}/echo HTTP/1.1\r\nhost: a\r\n${PROXY_FIELDS.join('\r\n')}\r\n\r\n`);
    assert.deepEqual(foreign(JSON.parse(answer.body.toString()).fields), []);
    const back = await speak(port, `GET /${kind}/proxied HTTP/1.1\r\nhost: a\r\n\r\n`);
    assert.deepEqual([back.body.toString(), foreign(back.fields)], ['proxied', []]);
  });
}

// docs/decisions/0006-hop-by-hop-fields.md: looking for these fields on every head is dearer than such a route may be.
test('on a pass-through route what was meant for a proxy goes on unless there is a connection header', async () => {
  const answer = await speak(gateway.port, `GET /raw/echo HTTP/1.1\r\nhost: a\r\n${PROXY_FIELDS.join('\r\n')}\r\n\r\n`);
  assert.equal(foreign(JSON.parse(answer.body.toString()).fields).length, PROXY_FIELDS.length);
});

for (const kind of KINDS) {
  test(`on /${kind} nothing that ends at the client's hop reaches the origin`, async () => {
    const request = head('GET', `/${kind}/echo`, ['x-ordinary: kept', ...sent(['upgrade'])]);
    const answer = await speak(gateway.port, request);
    assert.equal(answer.status, 200);
    const { fields } = JSON.parse(answer.body.toString());
    assert.deepEqual(foreign(fields), []);
    assert.deepEqual(fields.filter(([name]) => name === 'x-ordinary'), [['x-ordinary', 'kept']]);
  });

  test(`on /${kind} nothing that ends at the origin's hop reaches the client`, async () => {
    const answer = await speak(gateway.port, head('GET', `/${kind}/hops`));
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'hops']);
    assert.deepEqual(foreign(answer.fields), []);
  });

  test(`on /${kind} an upgrade to something that is no WebSocket is not passed on`, async () => {
    const answer = await speak(gateway.port, `GET /${kind}/echo HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: hop/1\r\n\r\n`);
    assert.equal(answer.status, 200);
    assert.deepEqual(foreign(JSON.parse(answer.body.toString()).fields), []);
  });

  test(`on /${kind} a chunked body is sent on as a body, its coding and its trailer left behind`, async () => {
    const lines = ['transfer-encoding: chunked', 'trailer: x-hop-trailer', 'te: trailers'];
    const answer = await speak(gateway.port, `${head('POST', `/${kind}/echo`, lines)}5\r\nhello\r\n0\r\nx-hop-trailer: hop\r\n\r\n`);
    const seen = JSON.parse(answer.body.toString());
    assert.equal(seen.body, 'hello');
    assert.deepEqual(foreign(seen.fields), []);
    assert.deepEqual(seen.fields.filter(([, value]) => value === 'hop'), []);
  });

  test(`on /${kind} a connection header that names nonsense does no harm`, async () => {
    const answer = await speak(gateway.port, `GET /${kind}/echo HTTP/1.1\r\nhost: a\r\nconnection: close, , "\\, a b, x-ordinary,\u00e9\r\nx-ordinary: gone\r\n\r\n`);
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()).fields.filter(([name]) => name === 'x-ordinary'), []);
  });
}
