// How often the object that counts is called, and how much memory limits take, by how the keys of requests are spread: one hot
// key, Zipf(1.0) over 100,000 keys, and all different.
//
//   node bench/limit-hops.mjs [--requests 30000]      after `npm run bench:limits` has built
//
// One isolate of the rig (tests/fleet), its objects in one of their own. The limit is 1,000 a minute for each key. Every call
// counts, those behind responses too: so the figures are no less than what requests wait for. Fails when the wasm memory of the
// isolate grows beyond the bound of docs/rate_limit.md. That of the objects is for all 64 together, which share an instance here.
import { parseArgs } from 'node:util';
import { LIMITS_MEMORY_MUST } from './goals.mjs';
import { table } from './lib/statistics.mjs';
import { randomFrom } from '../tests/fleet/lib/seed.mjs';
import { startRig } from '../tests/fleet/lib/rig.mjs';
import { compiled } from '../tests/worker/lib/compile.mjs';

const KEYS = 100_000;
const AT_ONCE = 32;

const { values: options } = parseArgs({ options: { requests: { type: 'string', default: '30000' } } });
const requests = Number(options.requests);

const CONFIGURATION = `
[gateway]
name = "hops"
address_from = { header = "x-from" }

[routes."GET /limited"]
respond = "here"
auth = "none"
rate_limit = "1000/min per address"
`;

/** Addresses: of IPv6, as clients with the longest keys have them. */
const address = (number) => `2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`;

/** A number from 0: the first twice as often as the second, three times as often as the third. */
function zipf(random) {
  const sums = new Float64Array(KEYS);
  for (let rank = 0, sum = 0; rank < KEYS; rank++) sums[rank] = sum += 1 / (rank + 1);
  return () => {
    const wanted = random() * sums[KEYS - 1];
    let [low, high] = [0, KEYS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const SPREADS = {
  'one key': () => () => 0,
  'Zipf(1.0) over 100,000 keys': () => zipf(randomFrom(1)),
  'all different': () => (number) => number,
};

/** One spread in a fleet of its own. */
async function measure(spread) {
  const rig = await startRig({ isolates: 1, apart: true, bin: compiled(CONFIGURATION) });
  try {
    const [isolate, keyOf, seen] = [rig.iso(0), spread(), new Set()];
    await isolate.ask('/limited', { headers: { 'x-from': '192.0.2.1' } });
    const looks = () => Promise.all([isolate.memory(), rig.owner.memory()]).then((all) => all.map(({ bytes }) => bytes));
    const before = await looks();
    await isolate.counts();
    const key = (number) => {
      const found = keyOf(number);
      seen.add(found);
      return { 'x-from': address(found) };
    };
    const load = rig.hammer({ each: AT_ONCE, path: '/limited', headers: key, count: requests });
    const answers = await load.done;
    const bad = answers.find(({ status }) => ![200, 429].includes(status));
    if (bad !== undefined) throw new Error(`an answer was ${JSON.stringify(bad)}`);
    const { calls } = (await isolate.counts()).recent.LIMITS;
    const after = await looks();
    return { sent: answers.length, keys: seen.size, refused: answers.filter(({ status }) => status === 429).length, calls, before, after };
  } finally {
    await rig.stop();
  }
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const rows = [];
for (const [name, spread] of Object.entries(SPREADS)) {
  const { sent, keys, refused, calls, before, after } = await measure(spread);
  const grown = after.map((bytes, at) => bytes - before[at]);
  if (grown[0] > LIMITS_MEMORY_MUST) process.exitCode = 1;
  rows.push([name, sent, keys, refused, (calls / sent).toFixed(4), ...grown.map((bytes, at) => `${megabytes(before[at])} + ${megabytes(bytes)}`)]);
}
console.log(table(['keys', 'requests', 'different', 'refused', 'calls for a request', 'isolate, MB', 'objects, MB'], rows));
console.log(`\nthe memory of the isolate may grow by ${megabytes(LIMITS_MEMORY_MUST)} MB`);
