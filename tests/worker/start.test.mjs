// `npm start` itself: its options, what goes live while it runs, and that nothing of it is left behind.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOrigin } from '../../examples/shop/origin.mjs';
import { alive, npmStart, temporaryFolder, until } from './lib/start.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const LIVE_WITHIN_MS = 2000;
const NEW_ROUTE = '\n[routes."GET /v1/tags"]\nupstream = "shop"\nauth = "none"\n';

test('a gateway of its own with an origin of its own, changed while it runs', async (t) => {
  const { folder, config } = copyOfConfig(t);
  const origin = await startOrigin();
  t.after(() => origin.close());
  const args = ['--port', '0', '--persist', path.join(folder, 'state'), '--config', config, '--no-origin', '--var', `SHOP_URL:${origin.url}`];
  const started = await npmStart(t, args).ready();
  const status = async (route) => (await fetch(started.url + route)).status;

  await t.test('it answers from the origin that --var names', async () => {
    assert.equal(await status('/v1/products/1'), 200);
    assert.doesNotMatch(started.output, /^origin /m);
  });
  await t.test('it keeps its data in the folder that --persist names', () => {
    assert.ok(fs.existsSync(path.join(folder, 'state')));
  });
  await t.test('a changed configuration is live within two seconds', async () => {
    assert.equal((await problem(`${started.url}/v1/tags`)).code, 'route_not_found');
    fs.appendFileSync(config, NEW_ROUTE);
    // The shop has no tags either: its 404 is not the gateway's.
    await until(async () => (await problem(`${started.url}/v1/tags`)).code === undefined, LIVE_WITHIN_MS, () => started.output);
  });
  await t.test('a configuration with a mistake is reported and changes nothing', async () => {
    fs.appendFileSync(config, '\n[routes."GET /v1/broken"]\nupstrem = "shop"\n');
    await until(() => started.output.includes('the last good one stays'), LIVE_WITHIN_MS, () => started.output);
    assert.match(started.output, /upstrem/);
    assert.equal(await status('/v1/products/1'), 200);
  });
});

test('Ctrl-C ends everything that npm start has started', async (t) => {
  const started = await npmStart(t, ['--port', '0', '--persist', temporaryFolder(t)]).ready();
  const ids = started.descendants();
  assert.ok(ids.length >= 4, `npm start runs as ${ids.length} processes`);
  started.pressCtrlC();
  await started.ended();
  await until(() => alive(ids).length === 0, LIVE_WITHIN_MS, () => `still running: ${alive(ids)}`);
});

test('ending npm alone ends everything that it has started', async (t) => {
  const started = await npmStart(t, ['--port', '0', '--persist', temporaryFolder(t)]).ready();
  const ids = started.descendants();
  process.kill(started.group, 'SIGTERM');
  await until(() => alive(ids).length === 0, LIVE_WITHIN_MS * 4, () => `still running: ${alive(ids)}`);
});

test('a taken port is one clear line', async (t) => {
  const { server, port } = await takenPort();
  t.after(() => server.close());
  const started = npmStart(t, ['--port', String(port)]);
  assert.equal((await started.ended()).code, 1);
  assert.match(started.output, new RegExp(`port ${port} is taken\\. Pick another with --port`));
  assert.doesNotMatch(started.output, /^\s+at /m);
});

for (const [name, args, complaint] of [
  ['an unknown option', ['--prot', '1'], /Unknown option '--prot'/],
  ['a configuration that is not there', ['--config', 'nowhere.toml'], /there is no file nowhere\.toml/],
  ['a variable without a value', ['--var', 'SHOP_URL'], /expected NAME:value, found SHOP_URL/],
]) {
  test(`${name} is one clear line`, async (t) => {
    const started = npmStart(t, args);
    assert.equal((await started.ended()).code, 1);
    assert.match(started.output, complaint);
    assert.doesNotMatch(started.output, /^\s+at /m);
  });
}

function copyOfConfig(t) {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'gateway.toml');
  fs.copyFileSync(path.join(ROOT, 'gateway.toml'), config);
  return { folder, config };
}

/** The problem document of an answer, or an empty object for other answers. */
async function problem(url) {
  const response = await fetch(url);
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  const text = await response.text();
  return isProblem ? JSON.parse(text) : {};
}

function takenPort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => resolve({ server, port: server.address().port }));
  });
}
