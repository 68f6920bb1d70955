// The command line as wasm under Node says what the native program says: the same output, byte for byte, the same exit
// codes, the same files. What the commands say is tested in cli/tests; here they are only compared.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CLI, inRepository } from '../../scripts/lib/paths.mjs';

const SCRIPT = inRepository('scripts', 'ferrogate.mjs');
const SECRET = 'a secret of thirty-two bytes or so';

let root;
let gateway;
before(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-cli-'));
  gateway = await startGateway();
});
after(async () => {
  fs.rmSync(root, { recursive: true, force: true });
  await gateway?.stop();
});

/** Command lines whose output does not depend on the hour or on chance. */
const LINES = [
  '', '--help', '-V', 'help check', 'routes --help', 'wat', 'chekc', '--versoin', 'help wat',
  'check', 'check good.toml', 'check bad.toml', 'check bad.toml good.toml missing.toml', 'check bad.toml --format json',
  'check bad.toml --format sarif', 'check good.toml --format xml', 'check warned.toml', 'check warned.toml --deny-warnings',
  'check with/gateway.toml', 'check with/gateway.toml --vars with/more', 'check with/gateway.toml --vars nowhere',
  'check included/gateway.toml', 'check included/broken.toml', 'check .', 'check binary.toml', 'check good.toml/x', 'check ü.toml',
  'routes good.toml', 'routes good.toml --resolved', 'routes good.toml --format json --resolved', 'routes', 'routes good.toml --env x',
  'variables good.toml', 'variables with/gateway.toml --format json', 'variables', 'token --config with/gateway.toml',
  'token --config good.toml --issuer partner --claims [1]', 'token --config good.toml --issuer partner --claim a=1 --claim a=2',
  'compile good.toml --out out/deep/gateway.bin', 'compile good.toml', 'compile bad.toml --out out.bin', 'compile good.toml -o with',
  'compile good.toml -o good.toml/x', 'init new/gateway', 'init --name no_good', 'init with', 'init good.toml', 'init',
  'token --config good.toml', 'token --config good.toml --issuer partnr', 'token --config good.toml --issuer partner --ttl 0s',
  'explain --help', 'explain', 'explain GET', 'explain GET x', 'explain GET / --config bad.toml', 'explain GET /v1/orders --config good.toml',
  'explain GET /v1/products -H origin:https://app.shop.example --config shop/gateway.toml --now 0', 'explain GET / --now noon',
  'explain GET /v1/orders --config shop/gateway.toml --now 2026-11-21T08:00:00Z --answer status=200 --answer timeout --claims {"sub":"ada","scope":"orders:read"}',
  'explain POST /v1/orders --config shop/gateway.toml --env production --body ü.toml --now 0 --format json --claims {}',
  'explain GET / --config shop/gateway.toml --claims [1', 'explain GET / --body missing', 'explain GET / --var x',
  'explain --requests shop/requests --config shop/gateway.toml --now 1 --format json', 'explain --requests shop/requests --config shop/gateway.toml --now 1',
  'explain --requests bad.toml --config shop/gateway.toml', 'explain --requests binary.toml --config shop/gateway.toml',
  'diff good.toml with/gateway.toml', 'diff good.toml shop/gateway.toml', 'diff good.toml shop/gateway.toml --format json',
  'diff good.toml', 'diff good.toml bad.toml', 'diff good.toml missing.toml', 'diff shop/gateway.toml shop/other.toml --env production',
  'what-if --requests shop/requests shop/gateway.toml shop/other.toml --now 0', 'what-if --requests shop/requests shop/gateway.toml shop/gateway.toml',
  'what-if --requests shop/requests shop/gateway.toml shop/other.toml --env staging --now 0 --format json',
  'what-if --requests bad.toml shop/gateway.toml shop/other.toml', 'what-if shop/gateway.toml shop/other.toml',
  'admin', 'admin --help', 'admin kil', 'help admin kill', 'help admin', 'admin kill', 'admin kill --off --for 1m',
  'admin kill --reason x --for soon', 'admin kill --reason x --tag a --route b', 'admin switches --url http://elsewhere.example',
  'admin switches', 'admin switches --format json', 'admin block', 'admin block 192.0.2.1 --reason x --for soon', 'admin blocked --url http://127.0.0.1:1', 'admin signals', 'admin kill --reason x --tag thrown', 'admin kill --off',
  'admin kill --reason x --tag refused', 'admin kill --reason x --tag elsewhere', 'admin kill --reason x --tag strange',
  'admin kill --reason x --tag closed', 'admin signals --url http://127.0.0.1:1', 'admin signals --url http://127.0.0.1:9',
  'admin signals --url http://nowhere.localhost:9', 'admin drain --reason x --config shop/gateway.toml', 'admin drain --off --config bad.toml',
  'admin audit --limit 0', 'admin audit', 'admin audit --format csv', 'audit verify', 'audit verify --url x', 'audit verify --anchor x', 'audit',
  'token --config good.toml --issuer acme', 'completions bash', 'completions zsh', 'completions fish', 'completions tcsh',
];

test('native and wasm say, write and answer the same', () => {
  for (const line of LINES) {
    const [native, wasm] = ['native', 'wasm'].map((kind) => runIn(kind, line.split(' ').filter(Boolean)));
    assert.deepEqual(wasm, native, `ferrogate ${line}`);
  }
});

test('a request of both is the same, and holds its token in a header alone', () => {
  const [native, wasm] = ['native', 'wasm'].map((kind) => runIn(kind, ['admin', 'kill', '--reason', 'ü', '--for', '10m', '--tag', 'echo']));
  assert.deepEqual(wasm, native);
  const { detail } = /detail (?<detail>.*)/.exec(native.stderr).groups;
  const { method, url, body, headers } = JSON.parse(detail);
  assert.deepEqual([method, url, JSON.parse(body)], ['PUT', '/admin/v1/switches/kill?tag=echo', { reason: 'ü', for: '10m' }]);
  assert.equal(headers.authorization, 'Bearer the.given.token');
});

test('a token follows no redirect', () => {
  for (const kind of ['native', 'wasm']) {
    const { status, stderr } = runIn(kind, ['admin', 'kill', '--reason', 'x', '--tag', 'elsewhere']);
    assert.equal(status, 1);
    assert.match(stderr, /sends elsewhere, to http:\/\/127\.0\.0\.1:\d+\/admin\/v1\/signals\n/);
  }
});

test('a token is signed alike', () => {
  // Both in the same second, which fails once in a while.
  const tokens = () => ['native', 'wasm'].map((kind) => runIn(kind, ['token', '--config', 'good.toml', '--issuer', 'partner', '--scope', 'a b']).stdout);
  const equal = () => { const [native, wasm] = tokens(); return native !== '' && native === wasm; };
  assert.ok([1, 2, 3, 4].some(equal));
});

test('a reader that has gone away changes nothing', () => {
  const folder = prepared();
  const { stderr } = spawnSync('sh', ['-c', '"$0" "$1" completions bash | head -c 1 > /dev/null', process.execPath, SCRIPT], { cwd: folder, env: environment('wasm'), encoding: 'utf8' });
  assert.equal(stderr, '');
});

/** A gateway of which only the answers are there, on a thread of its own: the commands run while this one waits. */
async function startGateway() {
  const answers = `
    const { createServer } = require('node:http');
    const { parentPort } = require('node:worker_threads');
    const thrown = { kind: 'kill', scope: 'tag:thrown', reason: 'ü\\u001b[2J', by: 'ada', since: '1970-01-01T00:00:00.000Z', until: '9999-12-31T00:00:00.000Z' };
    const problem = (detail) => [503, { code: 'fleet_unreachable', title: 'The title', detail, errors: [{ field: '/for', expected: 'less' }] }];
    const kinds = {
      thrown: () => [200, thrown],
      refused: () => problem('It is so.'),
      elsewhere: (request) => [303, {}, { location: 'http://' + request.headers.host + '/admin/v1/signals' }],
      strange: () => [200, []],
      echo: (request, body) => problem('detail ' + JSON.stringify({ method: request.method, url: request.url, body, headers: request.headers })),
    };
    const others = { '/admin/v1/switches': [200, { switches: [thrown, thrown] }], '/admin/v1/signals': [200, { log: '1', sequence: 2, switches: 3 }], '/admin/v1/switches/kill': [204] };
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const [, kind] = request.url.split('?tag=');
      if (kind === 'closed') return request.socket.destroy();
      const [status, document, headers] = kind === undefined ? others[request.url] ?? [404, { code: 'route_not_found' }] : kinds[kind](request, body);
      response.writeHead(status, headers).end(document && JSON.stringify(document));
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const thread = new Worker(answers, { eval: true });
  const port = await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  return { url: `http://127.0.0.1:${port}`, stop: () => thread.terminate() };
}

/** What a command line does in a fresh folder, which has the same path for both. */
function runIn(kind, words) {
  const folder = prepared();
  const [command, args] = kind === 'native' ? [CLI, words] : [process.execPath, [SCRIPT, ...words]];
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, env: environment(kind), encoding: 'utf8' });
  assert.equal(error, undefined);
  return { status, stdout, stderr, files: files(folder) };
}

function environment(kind) {
  return { PATH: process.env.PATH, FERROGATE_CLI: kind, FERROGATE_CHECKOUT: inRepository(), FERROGATE_NODE: process.execPath, FERROGATE_URL: gateway.url, FERROGATE_TOKEN: 'the.given.token', PARTNER_SECRET: SECRET };
}

function prepared() {
  const folder = path.join(root, 'here');
  fs.rmSync(folder, { recursive: true, force: true });
  const write = (name, content) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), content);
  };
  const fixture = (name) => fs.readFileSync(inRepository('tests', 'fixtures', 'config', name));
  const small = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n";
  write('good.toml', fixture('good/everything.toml'));
  write('bad.toml', fixture('bad/cors.toml'));
  write('warned.toml', fixture('bad/unused.toml'));
  write('ü.toml', `${small}über = 1 # ✓\n`);
  write('binary.toml', Buffer.from([0xff, 0xfe]));
  write('with/gateway.toml', fixture('good/everything.toml'));
  write('with/.dev.vars', 'JWT_SECRET=x\n');
  write('with/wrangler.toml', "[vars]\nAUDIENCE = ''\n[env.staging.vars]\nTENANT = ''\n");
  write('with/more', 'export ADMIN_ORIGIN=\n');
  const shop = fs.readFileSync(inRepository('gateway.toml'), 'utf8');
  write('shop/gateway.toml', shop);
  write('shop/other.toml', shop.replaceAll('orders:read', 'orders:list'));
  write('shop/wrangler.toml', fs.readFileSync(inRepository('wrangler.toml')));
  write('shop/.dev.vars', `JWT_SECRET='${SECRET}'\n`);
  write('shop/requests', [
    { method: 'GET', url: '/v1/products', answers: ['status=503', 'ready'] },
    { method: 'GET', url: 'https://shop.example/v1/orders/7?a=b', headers: { origin: ['x', 'ü'] }, claims: { sub: 'ada', scope: 'orders:read' } },
    { level: 'info', msg: 'request', method: 'DELETE', path: '/v1/orders', status: 405 },
  ].map((line) => `${JSON.stringify(line)}\n`).join('\n'));
  write('included/gateway.toml', `include = ["routes/*.toml"]\n${small}`);
  write('included/broken.toml', `include = ["nowhere/*.toml", "routes", "absent.toml"]\n${small}`);
  write('included/routes/b.toml', "[routes.'GET /b']\nrespond = 'x'\nauth = 'none'\n");
  write('included/routes/a.toml', "[routes.'GET /a']\nrespond = 'x'\nauth = 'nobody'\n");
  return folder;
}

/** Every file with its content and who may use it; what is random is left out. */
function files(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).sort();
  return names.map((name) => {
    const file = path.join(folder, name);
    const stat = fs.statSync(file);
    const content = stat.isFile() ? fs.readFileSync(file, 'latin1').replace(/(JWT_SECRET=)[0-9a-f]{64}/, '$1…') : 'a folder';
    return [name, stat.mode.toString(8), content];
  });
}
