// Cold start: from launching a fresh workerd to its first answer, in time and in CPU, against a constant Worker.
//
//   node bench/coldstart.mjs [--rounds 11] [--only REGEX]
//
// The first answer needs no upstream: the full contenders refuse a request without a token, so configuration, routes
// and wasm are all in use. Read the difference to the constant Worker; most of the rest is workerd itself.
import { readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { WORKERS, requireBuilt, workerOf } from './contenders.mjs';
import { cpuNanoseconds, stop } from './lib/processes.mjs';
import { median, table } from './lib/statistics.mjs';
import { prepareWorkerd } from './lib/workerd.mjs';
import { MEASURED } from './routes.mjs';

const NO_UPSTREAM = 'http://127.0.0.1:9'; // never asked

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '11' }, only: { type: 'string', default: '' } },
});

const keys = Object.keys(WORKERS).filter((key) => {
  const { full, name } = WORKERS[key];
  return key === 'constant' || (full && new RegExp(options.only, 'i').test(name));
});

/** Whether the first byte of an answer came. */
const answers = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => socket.write(`GET ${MEASURED.path} HTTP/1.1\r\nhost: x\r\n\r\n`));
    socket.once('data', () => resolve(true) ?? socket.destroy());
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });

async function startOnce(key) {
  const { port, launch } = await prepareWorkerd(workerOf(key, NO_UPSTREAM));
  const started = performance.now();
  const child = launch();
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${key}: workerd ended: ${child.errors}`);
    await sleep(1);
  }
  const result = { ms: performance.now() - started, cpu: cpuNanoseconds(child.pid) / 1e6 };
  await stop(child);
  return result;
}

function resultRow(key, starts, base) {
  const { files, name } = WORKERS[key];
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const gzip = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  const ms = median(starts.map((start) => start.ms));
  const cpu = median(starts.map((start) => start.cpu));
  const sizes = [bytes, gzip].map((size) => (size / 1000).toFixed(0));
  return [name, ...sizes, ms.toFixed(0), (ms - base.ms).toFixed(1), cpu.toFixed(0), (cpu - base.cpu).toFixed(1)];
}

requireBuilt(keys);
const starts = Object.fromEntries(keys.map((key) => [key, []]));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const key of round % 2 === 0 ? keys : keys.toReversed()) starts[key].push(await startOnce(key));
}
const base = {
  ms: median(starts.constant.map((start) => start.ms)),
  cpu: median(starts.constant.map((start) => start.cpu)),
};
const head = ['worker', 'KB', 'KB gzip', 'first answer ms', 'over constant', 'CPU ms', 'over constant'];
console.log(
  table(
    head,
    keys.map((key) => resultRow(key, starts[key], base)),
  ),
);
