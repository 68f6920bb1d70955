// `npm run smoke`, on the example gateway in workerd with the example shop behind it, and on servers that are no gateway:
// what cannot fail would be no check.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startOrigin } from '../../examples/shop/origin.mjs';
import { demoToken } from '../../scripts/lib/demo.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { SECRET } from './lib/tokens.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const EXAMPLE = path.join(ROOT, 'gateway.toml');
/** What only a deployed gateway has, or the example does not. */
const ELSEWHERE = [
  'http:// redirects to https://', 'HSTS is on', 'TLS is 1.2 or newer', 'HTTP/2 is agreed upon', 'a host that is not ours is not served',
  "each answer has the edge's mark", 'the edge compresses', 'events of a server are not held back',
];
/** `workerd serve` has no D1 here, so the gateway is right to say that it is not ready. */
const NOT_HERE = 'the gateway and what it stands on are ready';

let shop;
let gateway;

before(async () => {
  shop = await startOrigin();
  gateway = await startGateway({ bin: compiled(fs.readFileSync(EXAMPLE, 'utf8')), variables: { SHOP_URL: shop.url } });
});

after(async () => {
  await gateway?.stop();
  await shop?.close();
});

/** Runs it. Gives its exit code and what it said, as a document. */
async function smoke(port, ...more) {
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts', 'smoke.mjs'), '--url', `http://127.0.0.1:${port}`, '--json', ...more]);
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, ...JSON.parse(Buffer.concat(chunks).toString()) };
}

const named = ({ checks }, outcome) => checks.filter((check) => check.outcome === outcome).map(({ name }) => name);

test('all that can pass on this machine passes, with a token', async () => {
  const token = await demoToken(EXAMPLE, { JWT_SECRET: SECRET });
  const said = await smoke(gateway.port, '--token', token);
  assert.deepEqual(said.checks.filter(({ outcome, name }) => outcome === 'fail' && name !== NOT_HERE), []);
  assert.deepEqual(named(said, 'skip').sort(), [...ELSEWHERE].sort());
  assert.equal(said.passed + said.failed + said.skipped, said.checks.length);
});

test('without a token the checks that need one are skipped, and say so', async () => {
  const said = await smoke(gateway.port);
  const skipped = said.checks.filter(({ outcome, reason }) => outcome === 'skip' && reason === 'needs --token');
  assert.ok(skipped.length >= 5, `${skipped.length}`);
  assert.deepEqual(named(said, 'fail').filter((name) => name !== NOT_HERE), []);
});

for (const [what, serve] of [
  ['answers everything with 200', (request, response) => response.end('{"status":"live","id":1}')],
  ['answers everything with 500', (request, response) => response.writeHead(500).end('failed')],
  ['hands everything to the shop', (request, response) => request.pipe(http.request(shop.url, { path: request.url, method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, { ...answer.headers, server: 'shop' });
    answer.pipe(response);
  }).on('error', () => response.destroy()))],
  ['hangs up', (request) => request.socket.destroy()],
]) {
  test(`a server that ${what} fails nearly all checks, and the command ends with 1`, async () => {
    const server = http.createServer(serve);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const said = await smoke(server.address().port, '--token', 'x.y.z');
    server.closeAllConnections();
    server.close();
    assert.equal(said.code, 1);
    assert.ok(said.passed < said.failed / 2, JSON.stringify(named(said, 'pass')));
  });
}

test('a URL that is none is a complaint', async () => {
  for (const url of ['', 'api.acme.example', 'ftp://a.test']) {
    const child = spawn(process.execPath, [path.join(ROOT, 'scripts', 'smoke.mjs'), '--url', url], { stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 1);
    assert.match(Buffer.concat(chunks).toString(), /--url: expected a URL/);
  }
});
