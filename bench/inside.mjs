// Microseconds of one begin + step inside the isolate: what the gateway itself costs, without workerd's HTTP.
//
//   node bench/inside.mjs [--calls 100000] [--rounds 9] [--only REGEX] [--gate]
//
// --gate fails when something adds more than goals.mjs lets it, with the tolerance of all goals.
// Packing and reading the plan are part of it. The time is the CPU of the whole process, taken from outside, less that
// of a request that calls nothing; cases alternate.
import { parseArgs } from 'node:util';
import { bundleFiles } from './contenders.mjs';
import { GATE_TOLERANCE, INSIDE_GOALS } from './goals.mjs';
import { INSIDE_BUNDLE, compatibility } from './lib/places.mjs';
import { cpuNanoseconds, stop } from './lib/processes.mjs';
import { fastestQuarter, median, table } from './lib/statistics.mjs';
import { SECRET, makeTokens } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
    gate: { type: 'boolean', default: false },
  },
});
const calls = Number(options.calls);

async function get(server, query) {
  const response = await fetch(`http://127.0.0.1:${server.port}/${query}`);
  if (!response.ok) throw new Error(`inside-worker answered ${response.status}: ${await response.text()}`);
  return response;
}

/** CPU microseconds of one request that runs a case n times. */
async function cost(server, name, n) {
  const before = cpuNanoseconds(server.pid);
  await (await get(server, `?case=${encodeURIComponent(name)}&n=${n}`)).text();
  return (cpuNanoseconds(server.pid) - before) / 1000;
}

async function measure(server) {
  const names = (await (await get(server, '')).json()).filter((name) => new RegExp(options.only, 'i').test(name));
  for (const name of names) await cost(server, name, calls / 10); // the compilers of V8 have seen it
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const empty = await cost(server, name, 0);
      results[name].push(((await cost(server, name, calls)) - empty) / calls);
    }
  }
  return results;
}

/** What goals say of the difference of two cases: of their fastest quarters, and round by round. */
function added(results) {
  const measured = INSIDE_GOALS.filter(({ row, base }) => results[row]?.length > 0 && results[base]?.length > 0);
  return measured.map(({ name, row, base, must }) => {
    const now = fastestQuarter(results[row]) - fastestQuarter(results[base]);
    return { name, must, now, rounds: median(results[row].map((time, round) => time - results[base][round])) };
  });
}

const tokens = await makeTokens();
const server = await startWorkerd({
  files: bundleFiles(INSIDE_BUNDLE),
  flags: compatibility().flags,
  bindings: { JWT_SECRET: SECRET, ORIGIN_URL: 'http://127.0.0.1:9', GOOD_TOKEN: tokens.good, BAD_TOKEN: tokens.badSignature },
});
const results = await measure(server);
await stop(server.child);
const rows = Object.entries(results).map(([name, times]) => [
  name,
  fastestQuarter(times).toFixed(2),
  median(times).toFixed(2),
]);
console.log(table(['case', 'µs, fastest quarter', 'µs, median'], rows));
const goals = added(results);
const lines = goals.map(({ name, now, rounds, must }) => [name, `${now.toFixed(2)} (${rounds.toFixed(2)})`, must.toFixed(2), now <= must ? 'met' : 'missed']);
if (lines.length > 0) console.log(`\n${table(['goal', 'now, µs', 'must', ''], lines)}`);
if (options.gate && goals.some(({ now, must }) => now > must * GATE_TOLERANCE)) process.exitCode = 1;
