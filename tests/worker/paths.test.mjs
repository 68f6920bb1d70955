// Paths on the wire: what a route was matched with is what its upstream receives, byte for byte, and every other path
// gets 400 or 404. 2,000 paths by chance on sockets of their own, so that nothing rewrites them before the runtime does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { chance } from './lib/generate.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const PATHS = 2000;
const AT_ONCE = 20;
const SEED = Number(process.env.FERROGATE_SEED ?? 2026);

const route = (path, values = '') => `
[routes."GET ${path}"]
upstream = "origin"
auth = "none"
request_headers = { set = { x-route = "${path.replaceAll('{', '{{').replaceAll('}', '}}')}", x-values = "values:${values}" } }
`;

const CONFIG = `
[gateway]
name = "paths"
[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
${route('/echo/admin')}${route('/echo/@me')}${route('/echo/caf%C3%A9')}
${route('/echo/{any}', '{path.any}')}${route('/echo/{x}/{y}', '{path.x}|{path.y}')}${route('/echo/files/{rest...}', '{path.rest}')}
`;

/** Pieces of paths: ordinary ones, and all that has ever led a request past a rule. */
const PIECES = [
  '/', '/', '/', 'admin', 'files', 'files/', 'a', 'B', '7', '-', '.', '..', '...', '~', '%41', '%61dmin', '%2e', '%2E%2e', '%2f', '%2F', '%5c', '\\', '//',
  ';', ';x=1', '%3B', '..;', '@me', '%40me', '%40', ':', '%3a', 'caf%C3%A9', 'caf%c3%a9', '%C3', '%ff', '%C0%AF', '%00', '%0a', '%7f', '%', '%2', '%zz', '%25',
  '%252e', '+', '%20', '!$&\'()*,=', '"', '<', '|', '^', '`', '{', 'caf\u00e9', '\u00ff', '?q=%2e%2e', '?', '#f', '\x01',
];

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIG) }), (both) => ({ origin, gateway } = both));

function target(dice) {
  const start = dice.one(['/echo/', '/echo/', '/echo/', '/echo/', '/', '']);
  return start + Array.from({ length: 1 + dice.below(6) }, () => dice.one(PIECES)).join('');
}

/** Sends a target as it is, one byte for each character. */
const send = (sent, id, lines = []) => speak(gateway.port, Buffer.from(head('GET', sent, [`x-request-id: ${id}`, ...lines]), 'latin1'));

/** The values of a route's parameters, found without the gateway. */
function valuesOf(matched, path) {
  const { groups = {} } = new RegExp(`^${matched.replaceAll('{rest...}', '(?<rest>.*)').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path) ?? assert.fail(`${path} is not ${matched}`);
  return `values:${Object.values(groups).join('|')}`;
}

/** Holds a request that was forwarded to what was sent: the fragment is no part of it, and fetch writes ' in a query as %27. */
function assertForwarded(sent, call) {
  const [whole] = sent.split('#');
  const [path, ...query] = whole.split('?');
  const [received, ...behind] = call.url.split('?');
  assert.equal(received, path);
  assert.equal(behind.join('?'), query.join('?').replaceAll("'", '%27'));
  assert.equal(call.headers['x-values'], valuesOf(call.headers['x-route'], path));
}

test(`${PATHS} paths by chance arrive as they were matched, or not at all`, async () => {
  const dice = chance(SEED);
  const targets = Array.from({ length: PATHS }, () => target(dice));
  const counts = new Map();
  for (let from = 0; from < PATHS; from += AT_ONCE) {
    await Promise.all(targets.slice(from, from + AT_ONCE).map(async (sent, at) => {
      const id = `p-${from + at}`;
      const { status } = await send(sent, id);
      const call = origin.seen.find(({ headers }) => headers['x-request-id'] === id);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (call === undefined) return assert.ok([400, 404].includes(status), `${JSON.stringify(sent)} got ${status}`);
      assert.equal(status, 200, JSON.stringify(sent));
      assertForwarded(sent, call);
    }));
  }
  for (const status of [200, 400, 404]) assert.ok(counts.get(status) > PATHS / 40, JSON.stringify([...counts]));
});

test('a path that an upstream could read as that of another route never arrives', async () => {
  const bypasses = ['/echo/%61dmin', '/echo/admin;x', '/echo/admin%3Bx', '/echo/%40me', '/echo/caf%c3%a9', '/echo/a/..;/admin', '/echo/x/../admin', '/echo//admin', '/echo/.%2Fadmin', '/echo/%ff'];
  for (const [at, sent] of bypasses.entries()) {
    const answer = await send(sent, `b-${at}`);
    assert.equal(answer.status, 400, sent);
    assert.equal(JSON.parse(answer.body).code, 'path_malformed', sent);
    assert.equal(origin.seen.some(({ headers }) => headers['x-request-id'] === `b-${at}`), false, sent);
  }
});

test('what has one meaning passes, however it looks', async () => {
  const cases = { '/echo/admin': '/echo/admin', '/echo/a%40b.test': '/echo/{any}', '/echo/th%c3%a9': '/echo/{any}', '/echo/a;b=1': '/echo/{any}', '/echo/100%25': '/echo/{any}', '/echo/files/a%20b/': '/echo/files/{rest...}', '/echo/Admin': '/echo/{any}' };
  for (const [sent, matched] of Object.entries(cases)) {
    const id = `ok-${matched}-${sent.length}-${sent}`.replaceAll(/[^a-z0-9-]/gi, '-');
    assert.equal((await send(sent, id)).status, 200, sent);
    const call = origin.seen.find(({ headers }) => headers['x-request-id'] === id);
    assert.equal(call.url, sent);
    assert.equal(call.headers['x-route'], matched, sent);
  }
});

test('a trailing slash is another path', async () => {
  assert.equal((await send('/echo/admin/', 'slash-1')).status, 404);
  assert.equal((await send('/echo/files/', 'slash-2')).status, 200);
});
