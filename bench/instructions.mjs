// Counts the instructions of one iteration of each native case by callgrind, and holds them to the committed counts.
//
//   node bench/instructions.mjs --binary FILE             compare with instructions.json; exit 1 above +5 %
//   node bench/instructions.mjs --binary FILE --update    write instructions.json
//   ... [--cases a,b] [--iterations 1000]
//
// The binary prints its case names, one a line, when called with `--list`, writes what a case needs by `--compile <case>
// <file>`, and runs `<case> <iterations> <file>`. A count is the difference of a run with 2N and one with N iterations,
// so that start and set-up cancel out. The counts depend on the compiler and not on how busy the machine is: that is why
// they, and no times, gate a change. A case `full+STAGE` is the full path with one stage more: what it adds is the
// difference, and a table tells it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CORES, output, requireTools, start } from './lib/processes.mjs';
import { table } from './lib/statistics.mjs';

const COMMITTED = new URL('instructions.json', import.meta.url);
const TOLERANCE = 1.05;

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string' },
    cases: { type: 'string' },
    iterations: { type: 'string', default: '1000' },
    update: { type: 'boolean', default: false },
  },
});
const iterations = Number(options.iterations);

async function caseNames() {
  const names = options.cases?.split(',') ?? (await output(CORES.server, options.binary, ['--list'])).split(/\s+/);
  return names.filter((name) => name !== '');
}

/** All instructions of one run of the binary. */
async function collected(core, name, count, file) {
  const callgrind = ['--tool=callgrind', '--callgrind-out-file=/dev/null'];
  const child = start(core, 'valgrind', [...callgrind, options.binary, name, String(count), file]);
  const code = await new Promise((resolve) => child.once('close', resolve));
  const sum = /Collected : (\d+)/.exec(child.errors)?.[1];
  if (code !== 0 || sum === undefined) throw new Error(`callgrind of ${name} ended with ${code}: ${child.errors}`);
  return Number(sum);
}

async function perIteration(core, name) {
  const file = path.join(folder, `${name}.bin`);
  await output(core, options.binary, ['--compile', name, file]);
  const once = await collected(core, name, iterations, file);
  const twice = await collected(core, name, 2 * iterations, file);
  return Math.round((twice - once) / iterations);
}

/** Each case, on whichever core is free: what is counted does not depend on what else runs. */
async function count(names) {
  const counts = new Map(names.map((name) => [name, 0]));
  const left = [...names];
  const work = async (core) => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) counts.set(name, await perIteration(core, name));
  };
  await Promise.all(Object.values(CORES).map(work));
  return Object.fromEntries(counts);
}

function committedCounts() {
  try {
    return JSON.parse(readFileSync(COMMITTED, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

function compare(counts) {
  const committed = committedCounts();
  let good = true;
  const rows = Object.entries(counts).map(([name, now]) => {
    const before = committed[name];
    const ratio = now / before;
    const kept = before !== undefined && ratio <= TOLERANCE;
    good &&= kept;
    const verdict = before === undefined ? 'no committed count' : kept ? 'kept' : 'too many';
    return [name, before ?? '', now, before === undefined ? '' : `${((ratio - 1) * 100).toFixed(1)} %`, verdict];
  });
  const gone = options.cases ? [] : Object.keys(committed).filter((name) => !(name in counts));
  console.log(table(['case', 'committed', 'now', 'change', ''], rows));
  tellStages(counts);
  if (gone.length > 0) console.error(`the binary no longer has: ${gone.join(', ')}`);
  if (!good) console.error('more instructions than committed: find out why, or commit `--update` with the reason');
  return good && gone.length === 0;
}

/** What each stage adds to the full path. */
function tellStages(counts) {
  const stages = Object.entries(counts).filter(([name]) => name.startsWith('full+'));
  if (stages.length === 0 || counts.full === undefined) return;
  console.log(`
${table(['stage', 'adds to the full path'], stages.map(([name, count]) => [name.slice('full+'.length), count - counts.full]))}`);
}

if (!options.binary) {
  console.error('usage: node bench/instructions.mjs --binary FILE [--cases a,b] [--iterations N] [--update]');
  process.exit(1);
}
requireTools('valgrind');
const folder = mkdtempSync(path.join(tmpdir(), 'ferrogate-instructions-'));
let counts;
try {
  counts = await count(await caseNames());
} finally {
  rmSync(folder, { recursive: true });
}
if (options.update) {
  const kept = options.cases ? committedCounts() : {};
  writeFileSync(COMMITTED, `${JSON.stringify({ ...kept, ...counts }, null, 2)}\n`);
  console.log(table(['case', 'instructions'], Object.entries(counts)));
} else {
  process.exit(compare(counts) ? 0 : 1);
}
