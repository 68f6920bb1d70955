// The end-to-end benchmark: check that the contenders are honest, then measure CPU per request side by side.
//
//   node bench/run.mjs [--rounds 25] [--n 400] [--only REGEX] [--json FILE] [--gate]
//
// --only keeps the rows whose name matches (the two bare proxies always stay: they are the bases).
// --gate fails when a ratio of goals.mjs is missed by more than its tolerance in the best of three runs.
// How it measures, and what it cannot tell: README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { check } from './check.mjs';
import { ROWS, WORKERS, requireBuilt, workerOf } from './contenders.mjs';
import { GATE_RUNS, GATE_TOLERANCE, GOALS, WASM_GZIP_MUST } from './goals.mjs';
import { measureSlice, sendLoad } from './lib/load.mjs';
import { startNginx } from './lib/origins.mjs';
import { requireTools, stop } from './lib/processes.mjs';
import { fastestQuarter, median, quantile, table } from './lib/statistics.mjs';
import { makeTokens } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';

const WARM_UP_SLICES = 5;
const CONNECTIONS = 8;
/** Hono's row for each kind of work. */
const HONO = { full: 'full:hono', every: 'every:hono-every-stage', fresh: 'fresh:hono', refused: 'refused:hono' };

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    n: { type: 'string', default: '400' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    gate: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const requests = Number(options.n);

const rows = ROWS.filter((row) => row.kind === 'proxy' || new RegExp(options.only, 'i').test(row.name));
const workers = [...new Set(rows.map((row) => row.worker))];

/** Rotated by one each round, every second round backwards: no row always follows the same other. */
function orderOf(round) {
  const shift = round % rows.length;
  const order = [...rows.slice(shift), ...rows.slice(0, shift)];
  return round % 2 === 0 ? order : order.reverse();
}

async function measureRounds(servers, tokens) {
  const load = (row) => ({ ...row, token: tokens[row.token], requests, connections: CONNECTIONS });
  for (let i = 0; i < WARM_UP_SLICES; i++) {
    for (const row of rows) await sendLoad({ ...load(row), port: servers[row.worker].port });
  }
  const slices = Object.fromEntries(rows.map((row) => [row.key, []]));
  for (let round = 0; round < rounds; round++) {
    for (const row of orderOf(round)) slices[row.key].push(await measureSlice(servers[row.worker], load(row)));
  }
  return slices;
}

/** All workers run at once, each in a process of its own, against one nginx. */
async function measure() {
  const origin = await startNginx();
  const servers = {};
  try {
    for (const key of workers) servers[key] = await startWorkerd(workerOf(key, origin.url));
    return await measureRounds(servers, makeTokens());
  } finally {
    for (const server of Object.values(servers)) await stop(server.child);
    await origin.stop();
  }
}

const cpuOf = (slices) => slices.map((slice) => slice.cpu);

/** Two ways to divide two rows: by their fastest quarters, and round by round. */
function ratios(slices, row, base) {
  if (!slices[row] || !slices[base]) return null;
  const [ours, theirs] = [cpuOf(slices[row]), cpuOf(slices[base])];
  return {
    fastestQuarter: fastestQuarter(ours) / fastestQuarter(theirs),
    rounds: median(ours.map((cpu, i) => cpu / theirs[i])),
  };
}

const both = (ratio) => (ratio ? `${ratio.fastestQuarter.toFixed(2)} (${ratio.rounds.toFixed(2)})` : '');

function resultTable(slices) {
  const lines = rows.map((row) => {
    const own = slices[row.key];
    const latencies = own.flatMap((slice) => slice.latencies);
    const hono = HONO[row.kind] ? ratios(slices, row.key, HONO[row.kind]) : null;
    return [
      row.name,
      fastestQuarter(cpuOf(own)).toFixed(1),
      row.fresh ? '' : both(ratios(slices, row.key, 'proxy:bare')),
      row.fresh ? '' : both(ratios(slices, row.key, 'proxy:bare-logged')),
      both(hono),
      String(quantile(latencies, 0.5)),
      String(quantile(latencies, 0.99)),
      String(own.reduce((sum, slice) => sum + slice.errors, 0)),
    ];
  });
  const head = ['row', 'CPU µs', '/ bare proxy', '/ bare + log', '/ Hono', 'p50 µs', 'p99 µs', 'errors'];
  return table(head, lines);
}

const errorsIn = (slices) =>
  Object.values(slices)
    .flat()
    .reduce((sum, slice) => sum + slice.errors, 0);

function printGoals(slices) {
  const lines = GOALS.map(({ name, row, base, must, goal }) => {
    const ratio = ratios(slices, row, base);
    return (
      ratio && [name, both(ratio), must.toFixed(2), goal.toFixed(2), ratio.fastestQuarter <= must ? 'met' : 'missed']
    );
  }).filter(Boolean);
  if (lines.length > 0) console.log(`\n${table(['goal', 'now', 'must', 'hope', ''], lines)}`);
}

/** One whole run: measure, print, and void it when an answer was wrong, for wrong answers are fast. */
async function runOnce() {
  const slices = await measure();
  console.log(
    `\n${rounds} rounds of ${requests} requests, ${CONNECTIONS} connections; fastest quarter (median of rounds)\n`,
  );
  console.log(resultTable(slices));
  printGoals(slices);
  if (errorsIn(slices) > 0) {
    console.error('\nvoid: not every answer had the status that its row wants');
    process.exit(1);
  }
  return slices;
}

function wasmIsSmall() {
  const file = WORKERS.ferrogate.files.find((name) => name.endsWith('.wasm'));
  const bytes = gzipSync(readFileSync(file), { level: 9 }).length;
  console.log(`\nwasm after gzip: ${(bytes / 1000).toFixed(1)} KB, must be at most ${WASM_GZIP_MUST / 1000} KB`);
  return bytes <= WASM_GZIP_MUST;
}

/** Runs up to three times; a goal is kept when the best of its ratios is. */
async function gate() {
  const runs = [];
  let missed;
  do {
    runs.push(await runOnce());
    missed = GOALS.filter(({ row, base, must }) => {
      const best = Math.min(...runs.map((slices) => ratios(slices, row, base)?.fastestQuarter ?? Infinity));
      return best > must * GATE_TOLERANCE;
    });
  } while (missed.length > 0 && runs.length < GATE_RUNS);
  for (const { name, must } of missed) {
    console.error(`gate: ${name} is above ${must} x ${GATE_TOLERANCE} in all ${runs.length} runs`);
  }
  return { runs, good: wasmIsSmall() && missed.length === 0 };
}

function writeJson(runs) {
  const results = runs.map((slices) =>
    rows.map(({ key, name }) => ({ key, name, cpu: cpuOf(slices[key]), bare: ratios(slices, key, 'proxy:bare') })),
  );
  writeFileSync(
    options.json,
    `${JSON.stringify({ rounds, requests, connections: CONNECTIONS, runs: results }, null, 1)}\n`,
  );
}

if (options.gate && options.only) {
  console.error('--gate needs all rows: leave --only out');
  process.exit(1);
}
requireTools('h2load', 'nginx');
requireBuilt(workers);
if (!(await check(workers))) process.exit(1);
let result;
if (options.gate) {
  result = await gate();
} else {
  result = { runs: [await runOnce()], good: true };
  if (workers.includes('ferrogate')) wasmIsSmall();
}
if (options.json) writeJson(result.runs);
process.exit(result.good ? 0 : 1);
