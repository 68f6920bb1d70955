// A gateway of one's own, in a folder outside the checkout: made by `ferrogate init`, run by `npm start` and by
// `wrangler dev`, with the values that stand beside its gateway.toml.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { BIN, BUILD, inRepository } from '../../scripts/lib/paths.mjs';
import { claimPort } from '../../scripts/lib/ports.mjs';
import { alive, npmStart, temporaryFolder, until } from './lib/start.mjs';

const FERROGATE = inRepository('scripts', 'ferrogate.mjs');
const BUILT_WITHIN_MS = 20_000;
const MISTAKE = '\n[routes."GET /broken"]\nupstrem = "origin"\n';
const WITH_CREDENTIALS = `
[upstreams.partner]
targets = ["\${PARTNER_URL}"]
credentials = { bearer = "\${PARTNER_TOKEN}" }

[routes."GET /partner"]
upstream = "partner"
auth = "none"
`;

test('a new gateway runs with the secret and the variables beside its file', async (t) => {
  const { folder, config } = newGateway(t);
  const api = await startApi(t);
  replace(path.join(folder, 'wrangler.toml'), 'http://127.0.0.1:4000', api.url);
  fs.appendFileSync(config, WITH_CREDENTIALS);
  fs.appendFileSync(path.join(folder, '.dev.vars'), `PARTNER_TOKEN='pa$word$X'\nPARTNER_URL=${api.url}\n`);
  const started = await start(t, config).ready();

  await t.test('the requests and the token that npm start prints work as printed, from any folder', async () => {
    assert.deepEqual(started.curlLines, [`curl -i ${started.url}/hello`]);
    assert.match(await shell(started.curlLines[0], folder), /^HTTP\/1\.1 200[^]*hello from/);
    const [token] = started.output.match(/^export TOKEN=.*$/m);
    const answer = await shell(`${token}\ncurl -s -H "authorization: Bearer $TOKEN" ${started.url}/v1/items/1`, folder);
    assert.deepEqual(JSON.parse(answer), { url: '/v1/items/1', user: 'demo' });
  });
  await t.test('a secret arrives as it is written', async () => {
    const { authorization } = await (await fetch(`${started.url}/partner`)).json();
    assert.equal(authorization, 'Bearer pa$word$X');
  });
  await t.test('nothing speaks of the example shop, and nothing was written', () => {
    assert.doesNotMatch(started.output, /orders|demo-customer|wrote random/);
  });
  await t.test('one that cannot start any more says why, a reason in a line', async () => {
    fs.appendFileSync(config, '\n[upstreams.more]\ntargets = ["${NOBODY}"]\n[routes."GET /more"]\nupstream = "more"\nauth = "none"\n');
    const asked = async () => { await fetch(`${started.url}/hello`); return /^ {2}the variable NOBODY is not set/m.test(started.output); };
    await until(asked, BUILT_WITHIN_MS, () => started.output);
    assert.doesNotMatch(started.output, /"reasons"/);
  });
});

test('a gateway that cannot start says all reasons and is not ready', async (t) => {
  const { folder, config } = newGateway(t);
  fs.appendFileSync(config, WITH_CREDENTIALS);
  replace(config, '[gateway]', '[gateway]\nexplain = { secret = "${EXPLAIN_SECRET}" }');
  fs.writeFileSync(path.join(folder, '.dev.vars'), 'JWT_SECRET=short');
  const started = start(t, config);
  await until(() => started.exit, BUILT_WITHIN_MS * 3, () => started.output);
  assert.equal(started.exit.code, 1, started.output);
  assert.doesNotMatch(started.output, /ready in|^\s+at |"reasons"/m);
  const devVars = path.join(folder, '.dev.vars');
  for (const reason of [
    `  PARTNER_URL is not set: write PARTNER_URL=… into ${devVars}, or start with --var PARTNER_URL:…`,
    `  PARTNER_TOKEN is not set: whoever runs the upstream \`partner\` gives it; write PARTNER_TOKEN=… into ${devVars}`,
  ]) assert.ok(started.output.split('\n').includes(reason), `${reason}\n${started.output}`);
  assert.match(started.output, /^ {2}.*issuer `main`.*32 bytes/m);
  // A key that is ours to invent is there for the next start; what stood there has not changed.
  assert.match(fs.readFileSync(devVars, 'utf8'), /^JWT_SECRET=short\n[^]*\nEXPLAIN_SECRET=[\w-]{43}\n$/);
  assert.match(started.output, /wrote random values for EXPLAIN_SECRET to /);
});

test('under wrangler dev a mistake is shown and the gateway goes on', async (t) => {
  const { folder, config } = newGateway(t);
  const wrangler = await startWrangler(t, folder);
  const text = async () => (await fetch(`${wrangler.url}/hello`, { signal: AbortSignal.timeout(5000) })).text();
  await until(() => text().catch(() => undefined), BUILT_WITHIN_MS, wrangler.output);
  fs.appendFileSync(config, MISTAKE);
  await until(() => /not taken over: the last good build stays/.test(wrangler.output()), BUILT_WITHIN_MS, wrangler.output);
  assert.match(wrangler.output(), /upstrem/);
  assert.doesNotMatch(wrangler.output(), /ChildProcess|failed/);
  assert.match(await text(), /hello from/);
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(MISTAKE, '').replace('hello from', 'mended'));
  await until(async () => (await text().catch(() => '')).startsWith('mended'), BUILT_WITHIN_MS, wrangler.output);
});

test('only wrangler dev keeps an older build, and only one of the same file', (t) => {
  const { folder, config } = newGateway(t);
  const out = path.join(folder, 'out');
  const build = (command, file = config) => {
    const env = { ...process.env, WRANGLER_COMMAND: command, FERROGATE_CONFIG: file };
    try {
      execFileSync(process.execPath, [BUILD, '--out', out], { env, cwd: folder, stdio: 'pipe' });
      return 0;
    } catch (error) {
      return error.status;
    }
  };
  assert.equal(build('deploy', 'gateway.toml'), 0, 'a path counts from where wrangler stands');
  fs.appendFileSync(config, MISTAKE);
  assert.deepEqual(['dev', 'deploy', 'versions upload', ''].map((command) => build(command)), [0, 1, 1, 1]);
  const other = path.join(folder, 'other.toml');
  fs.copyFileSync(config, other);
  assert.equal(build('dev', other), 1);
});

/** What `ferrogate init` makes, in a folder of its own. */
function newGateway(t) {
  const folder = path.join(temporaryFolder(t), 'gw');
  execFileSync(process.execPath, [FERROGATE, 'init', folder], { stdio: 'pipe' });
  return { folder, config: path.join(folder, 'gateway.toml') };
}

function start(t, config) {
  return npmStart(t, ['--port', '0', '--no-origin', '--persist', path.join(path.dirname(config), 'state'), '--config', config]);
}

/** As the README of a new gateway says it: in its folder, with the wrangler of the checkout. */
async function startWrangler(t, folder) {
  const port = await claimPort(0);
  let output = '';
  const child = spawn(path.join(BIN, 'wrangler'), ['dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0', '--show-interactive-dev-session=false'], {
    cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, FORCE_COLOR: '0', WRANGLER_SEND_METRICS: 'false' },
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { output += chunk; });
  t.after(async () => {
    process.kill(-child.pid, 'SIGTERM');
    await until(() => alive([child.pid]).length === 0, BUILT_WITHIN_MS, () => 'wrangler did not end');
  });
  return { url: `http://127.0.0.1:${port}`, output: () => output };
}

/** An API that tells what it was asked. */
async function startApi(t) {
  const server = http.createServer((request, response) => {
    const { authorization, 'x-user-id': user } = request.headers;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ url: request.url, user, authorization }));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}` };
}

function replace(file, from, to) {
  const text = fs.readFileSync(file, 'utf8');
  assert.ok(text.includes(from), `${file} has no ${from}`);
  fs.writeFileSync(file, text.replace(from, () => to));
}

async function shell(script, cwd) {
  const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd });
  return stdout;
}
