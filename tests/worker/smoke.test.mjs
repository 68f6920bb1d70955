// `npm run smoke`, on the example gateway in workerd with the example shop behind it, on a gateway of another
// configuration, on broken gateways, and on servers that are no gateway: what cannot fail would be no check.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startOrigin } from '../../examples/shop/origin.mjs';
import { demoToken } from '../../scripts/lib/demo.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { SECRET } from './lib/tokens.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const EXAMPLE = path.join(ROOT, 'gateway.toml');
/** What only a deployed gateway has. */
const ELSEWHERE = [
  'http:// redirects to https://', 'HSTS is on', 'TLS is 1.2 or newer', 'HTTP/2 is agreed upon', 'a host that is not ours is not served',
  "each answer has the edge's mark", 'the edge compresses',
];
const WITH_TOKEN = [
  'a good token is let in', 'a good token with another signature is not', 'a good token that is not enough gets 403',
  'the caller is who the token says, not who a header says',
];
const WITH_CORS = [
  'a preflight of an allowed page is answered without a token', 'a preflight of a foreign page is refused', 'a preflight for a header too many is refused',
  'an allowed page may read answers', 'an allowed page may read refusals', 'a foreign page may read nothing', 'caches keep the answers of pages apart',
];
const WITH_BODY = ['a body that is announced as too large gets 413 at once', 'a body that grows too large gets 413'];

/** Nothing of the shop's: other paths, one of them for a token, no cors, no bodies. */
const OTHER = `
[gateway]
name = "other"

[upstreams.store]
targets = ["\${ORIGIN_URL}"]

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.other.example/"
audience = "other"
secret = "\${JWT_SECRET}"

[routes."GET /mine/{id:int}"]
upstream = "store"
auth = "none"

[routes."GET /mine/{name}"]
upstream = "store"
auth = "main"
roles = "owner"
`;

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

/** Runs it. Gives its exit code and what it said. */
async function run(...args) {
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts', 'smoke.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [[], []];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => err.push(chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

/** The same on this machine, with what it said as a document. */
async function smoke(port, ...more) {
  const { code, out, err } = await run('--url', `http://127.0.0.1:${port}`, '--json', ...more);
  assert.notEqual(out, '', err);
  return { code, ...JSON.parse(out) };
}

/** Serves until the test is over. Gives the port. */
async function serving(context, serve) {
  const server = http.createServer(serve);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}

/** Writes a gateway.toml beside which variables have values. */
function written(context, toml, vars = 'ORIGIN_URL=http://127.0.0.1:1') {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-smoke-'));
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.writeFileSync(path.join(folder, '.dev.vars'), vars);
  const file = path.join(folder, 'gateway.toml');
  fs.writeFileSync(file, toml);
  return file;
}

const named = ({ checks }, outcome) => checks.filter((check) => check.outcome === outcome).map(({ name }) => name);

const reasons = ({ checks }, names) => checks.filter(({ name }) => names.includes(name)).map(({ outcome, reason }) => `${outcome}: ${reason}`);

test('all that can pass on this machine passes, with a token', async () => {
  const token = await demoToken(EXAMPLE, { JWT_SECRET: SECRET });
  const said = await smoke(gateway.port, '--token', token);
  assert.deepEqual(said.checks.filter(({ outcome }) => outcome === 'fail'), []);
  assert.deepEqual(named(said, 'skip').sort(), [...ELSEWHERE].sort());
  assert.equal(said.passed + said.failed + said.skipped, said.checks.length);
  assert.equal(said.places.open, 'GET /v1/products');
  assert.equal(said.code, 0);
});

test('without a token the checks that need one are skipped, and say so', async () => {
  const said = await smoke(gateway.port);
  assert.deepEqual(named(said, 'fail'), []);
  assert.deepEqual(named(said, 'skip').sort(), [...ELSEWHERE, ...WITH_TOKEN, WITH_BODY[1]].sort());
  for (const reason of reasons(said, WITH_TOKEN)) assert.equal(reason, 'skip: it needs --token');
});

test('places that are named are the ones that are looked at', async () => {
  const said = await smoke(gateway.port, '--public', '/v1/products/7', '--protected', '/v1/orders/3');
  assert.deepEqual([said.places.open, said.places.guarded, said.failed], ['GET /v1/products/7', 'GET /v1/orders/3', 0]);
});

test('a gateway of another configuration is looked at where it has routes; what it does not have is skipped', async (context) => {
  const file = written(context, OTHER);
  // It has nothing but its own 404 under these paths, and names what it is made of.
  const port = await serving(context, (request, response) => response.writeHead(404, { 'content-type': 'text/plain', 'x-powered-by': 'test' }).end('nothing here'));
  const other = await startGateway({ bin: compiled(OTHER), origin: { url: `http://127.0.0.1:${port}` } });
  context.after(() => other.stop());
  const said = await smoke(other.port, '--config', file);
  assert.deepEqual([said.places.open, said.places.guarded], ['GET /mine/1', 'GET /mine/smoke']);
  assert.deepEqual(named(said, 'fail'), ['answers do not say what software the upstream is made of']);
  assert.deepEqual(named(said, 'skip').sort(), [...ELSEWHERE, ...WITH_TOKEN, ...WITH_CORS, ...WITH_BODY].sort());
  for (const reason of reasons(said, WITH_CORS)) assert.equal(reason, 'skip: the configuration has no route with cors');
  for (const reason of reasons(said, WITH_BODY)) assert.match(reason, /^skip: the configuration has no route for POST, PUT or PATCH/);
});

test('a gateway that does not do what its configuration says fails where it does not', async (context) => {
  // Everything is public, every page may read, nothing is refused by its size; the rest is as configured.
  const lax = fs.readFileSync(EXAMPLE, 'utf8').replace('auth = "shop"', 'auth = "none"').replace(/^(?:principal_headers|scopes) = .*$/gm, '')
    .replace('https://app.shop.example', 'https://smoke.invalid').replace('[gateway]', '[gateway]\nbody_limit = false\nsecurity_headers = false');
  const other = await startGateway({ bin: compiled(lax), variables: { SHOP_URL: shop.url } });
  context.after(() => other.stop());
  const said = await smoke(other.port, '--token', await demoToken(EXAMPLE, { JWT_SECRET: SECRET }));
  const failed = named(said, 'fail');
  const wanted = [
    ...WITH_CORS.filter((name) => name !== 'caches keep the answers of pages apart'), ...WITH_BODY, 'a request without a token gets 401 with a challenge', 'forged tokens get 401, `alg` none among them',
    'headers about the caller let nobody in', 'the security headers are on answers', 'paths with dot segments are refused',
  ];
  for (const name of wanted) assert.ok(failed.includes(name), `${name}: ${JSON.stringify(said.checks)}`);
  for (const { reason } of said.checks.filter(({ outcome }) => outcome === 'fail')) assert.match(reason, /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE) \/\S*: expected .+, found /s);
  assert.equal(said.code, 1);
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
  test(`a server that ${what} fails nearly all checks, and the command ends with 1`, async (context) => {
    const port = await serving(context, serve);
    const said = await smoke(port, '--token', await demoToken(EXAMPLE, { JWT_SECRET: SECRET }));
    assert.equal(said.code, 1);
    assert.ok(said.passed < said.failed / 4, JSON.stringify(named(said, 'pass')));
  });
}

test('a foreign page that may read nothing proves nothing where no page may', async (context) => {
  const port = await serving(context, (request, response) => response.writeHead(404).end());
  assert.ok(named(await smoke(port), 'fail').includes('a foreign page may read nothing'));
});

test('long bodies are cut with an ellipsis, sentences are not', async (context) => {
  const port = await serving(context, (request, response) => response.writeHead(500).end('x'.repeat(1000)));
  const { checks } = await smoke(port);
  assert.equal(checks[0].reason, `GET /health/live: expected the status 200, found 500 with the body ${'x'.repeat(300)}…`);
});

test('what cannot be used is a complaint', async (context) => {
  const url = ['--url', `http://127.0.0.1:${gateway.port}`];
  const file = written(context, OTHER, '');
  const bound = written(context, OTHER.replace('[gateway]', '[gateway]\nhosts = ["api.other.example"]'));
  for (const [args, complaint] of [
    [['--url', ''], /--url: expected a URL/], [['--url', 'api.acme.example'], /--url: expected a URL/], [['--url', 'ftp://a.test'], /--url: expected a URL/],
    [[...url, '--config', 'nowhere.toml'], /--config: expected a gateway\.toml, found no file/],
    [[...url, '--env', 'nowhere'], /no environment nowhere; there are: staging, production/],
    [[...url, '--config', file], /variables that are not set: ORIGIN_URL\n.*--var NAME=VALUE/],
    [[...url, '--config', bound], /serves nothing at http:\/\/127\.0\.0\.1:\d+ \(421 host_refused\)\. .*--host/],
    [[...url, '--public', '/v1/orders'], /--public: expected a path that GET may ask for without a token; of GET \/v1\/orders the configuration says: .*token/],
    [[...url, '--protected', '/v1/products'], /--protected: expected a path that wants a token/],
    [[...url, '--public', 'v1'], /--public: expected a path that begins with a slash/],
    [[...url, '--token', 'x'], /--token: expected a JSON Web Token/],
  ]) {
    const { code, err } = await run(...args);
    assert.equal(code, 1);
    assert.match(err, complaint);
  }
});
