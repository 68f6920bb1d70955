// README.md is executed here as it is written, block by block. What is not marked there as runnable is not tested.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brokenPromises, runnableBlocks } from './lib/readme.mjs';
import { npmStart, temporaryFolder, until } from './lib/start.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const LOGGED_WITHIN_MS = 2000;
const README_PORT = /\b8787\b/g;
const blocks = runnableBlocks(path.join(ROOT, 'README.md'));
const requests = blocks.filter(({ name }) => name === 'request');

test('the readme starts the gateway with the command that this test runs', () => {
  assert.deepEqual(blocks.filter(({ name }) => name === 'start').map(({ command }) => command), ['npm start']);
});

test('every request of the readme gets the answer that the readme promises', async (t) => {
  const started = await npmStart(t, ['--port', '0', '--persist', temporaryFolder(t)]).ready();
  assert.ok(requests.length >= 3, `README.md marks ${requests.length} requests`);
  for (const { command, answer } of requests) {
    await t.test(command.split('\n')[0], async () => {
      assert.ok(answer.length > 0, 'the readme states no answer');
      const where = `export FERROGATE_URL=http://127.0.0.1:${started.port}`;
      const output = await shell(`${started.tokenLine}\n${where}\n${command.replace(README_PORT, started.port)}`);
      assert.deepEqual(brokenPromises(answer, output), [], output);
    });
  }
  await t.test('the three requests that npm start prints work as printed', async () => {
    const answers = await Promise.all(started.curlLines.map((line) => shell(line)));
    assert.deepEqual(answers.map((answer) => answer.split(' ')[1]), ['200', '401', '200']);
  });
  await t.test('each request is one line of JSON on the terminal', async () => {
    const refused = ({ msg, route, status, code, request_id: id }) =>
      msg === 'request' && route === 'GET /v1/orders' && status === 401 && code === 'token_missing' && id;
    await until(() => logLines(started.output).some(refused), LOGGED_WITHIN_MS, () => started.output);
  });
});

test('the commands of the readme for an own API make, run and check one', async (t) => {
  const folder = temporaryFolder(t);
  const own = (name) => blocks.filter((block) => block.name === name).map((block) => ({ ...block, command: block.command.replaceAll('../my-api', path.join(folder, 'my-api')) }));
  const [init, check] = own('own-command');
  assert.match(await shell(init.command), /wrote .*gateway\.toml/);
  const [, args] = /^npm start -- (.*)$/.exec(own('own-start')[0].command);
  const started = await npmStart(t, [...args.split(' '), '--port', '0', '--persist', path.join(folder, 'state')]).ready();
  const [{ command, answer }] = own('own-request');
  assert.deepEqual(brokenPromises(answer, await shell(command.replace(README_PORT, started.port))), []);
  assert.match(await shell(`${check.command} 2>&1`), /gateway\.toml/);
});

function logLines(output) {
  return output.split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

async function shell(script) {
  const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd: ROOT });
  return stdout;
}
