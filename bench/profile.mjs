// Where the time of a request goes: samples each Worker's process under load and counts them by what they were in.
//
//   node bench/profile.mjs [--rows full,pass] [--n 30000]      needs `perf` and the right to use it
//
// --rows keeps the rows whose key begins with one of these words. A profiled process is slower than a free one: read
// how the parts of one row compare, not the sums. Not here: the benchmark itself (run.mjs).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROWS, requireBuilt, workerOf } from './contenders.mjs';
import { sendLoad } from './lib/load.mjs';
import { startNginx } from './lib/origins.mjs';
import { CORES, cpuNanoseconds, requireTools, scratchFolder, start, stop } from './lib/processes.mjs';
import { table } from './lib/statistics.mjs';
import { makeTokens } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';

const WARM_UP = 6000;

/** What a sample was in, the first that fits. `frames` go from the innermost function outwards. */
const PARTS = [
  ['kernel: sockets, memory', ({ kernel }) => kernel],
  ['garbage collection', ({ some }) => some(/cppgc::|v8::internal::(Scaveng|Heap|Mark|Sweep|MinorMark)|HeapTracer::.*__invoke/)],
  ['wasm', ({ wasm }) => wasm],
  ['fetch()', ({ inside, some }) => inside && some(/ServiceWorkerGlobalScope::fetch/)],
  ['Headers', ({ inside, some }) => inside && some(/workerd::api::Headers|6HeadersE/)],
  ['Response', ({ inside, some }) => inside && some(/workerd::api::Response|8ResponseE/)],
  ['console.log', ({ inside, some }) => inside && some(/consoleDecorator|v8::internal::.*Console|ConsoleLog/)],
  ['timers', ({ inside, some }) => inside && some(/[sc](et|lear)Timeout/)],
  ['text coding, getters, WebCrypto', ({ inside, some }) => inside && some(/workerd::|CallApiCallback/)],
  ['JavaScript itself', ({ inside }) => inside],
  ['runtime: HTTP, streams, events', () => true],
];

/** One sample's frames, as the tests above want them. */
function sampleOf(frames) {
  const entry = frames.findIndex(({ name }) => /^Builtins_JS(RunMicrotasks)?Entry/.test(name));
  const inner = entry < 0 ? frames : frames.slice(0, entry);
  return {
    kernel: frames[0].object.includes('kernel'),
    wasm: inner.findIndex(({ name }) => /-(turbofan|liftoff)$/.test(name)) >= 0,
    inside: entry >= 0,
    some: (pattern) => inner.some(({ name }) => pattern.test(name)),
  };
}

/** Samples by part, from what `perf script` prints: a paragraph of frames for each. */
async function count(file) {
  const counts = new Map(PARTS.map(([part]) => [part, 0]));
  const script = spawn('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let frames = [];
  for await (const line of createInterface({ input: script.stdout })) {
    const frame = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line);
    if (frame) frames.push({ name: frame[1].replace(/\+0x[0-9a-f]+$/, ''), object: frame[2] });
    if (frame || frames.length === 0) continue;
    const sample = sampleOf(frames);
    const [part] = PARTS.find(([, fits]) => fits(sample));
    counts.set(part, counts.get(part) + 1);
    frames = [];
  }
  return counts;
}

/** Microseconds per request by part. */
async function profile(row, origin, tokens, requests) {
  const server = await startWorkerd({ ...workerOf(row.worker, origin.url), v8Flags: ['--perf-basic-prof'] });
  const load = { ...row, token: tokens[row.token], connections: 8, port: server.port };
  const file = join(scratchFolder(), `${row.key.replace(':', '-')}.perf`);
  try {
    await sendLoad({ ...load, requests: WARM_UP });
    const perf = start(CORES.client, 'perf', ['record', '-q', '-F', '4000', '-e', 'cpu-clock', '-g', '-p', String(server.pid), '-o', file]);
    const ended = new Promise((resolve) => perf.once('exit', resolve));
    await sleep(500); // perf says nothing when it has attached
    const before = cpuNanoseconds(server.pid);
    const { errors } = await sendLoad({ ...load, requests });
    const micros = (cpuNanoseconds(server.pid) - before) / requests / 1000;
    perf.kill('SIGINT');
    await ended;
    if (errors > 0) throw new Error(`${row.name}: ${errors} wrong answers`);
    return { row, micros, counts: await count(file) };
  } finally {
    await stop(server.child);
  }
}

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: 'proxy,full,pass' }, n: { type: 'string', default: '30000' } },
});
const wanted = options.rows.split(',');
const rows = ROWS.filter((row) => wanted.some((word) => row.key.startsWith(word)) && row.worker !== 'workers-rs');
requireTools('h2load', 'nginx', 'perf');
requireBuilt(rows.map((row) => row.worker));
const origin = await startNginx();
const results = [];
for (const row of rows) results.push(await profile(row, origin, makeTokens(), Number(options.n)));
await origin.stop();

const micros = ({ micros, counts }, part) => {
  const all = [...counts.values()].reduce((sum, n) => sum + n, 0);
  return ((micros * counts.get(part)) / all).toFixed(1);
};
const lines = PARTS.map(([part]) => [part, ...results.map((result) => micros(result, part))]);
console.log(table(['CPU µs per request, profiled', ...results.map(({ row }) => row.name)], lines));
