// `npm test`: the native tests, the command line's, the Worker's in workerd, a fleet's of it, then one line of counts. Fails
// when a part fails and when a part ran no test at all: a test run that tests nothing must not look green. `npm run
// test:browser` is the part that needs a browser, `npm run test:prometheus` the one that needs Prometheus, `npm run soak` the
// fleet's with more time.

import { prepare } from './lib/prepare.mjs';
import { Complaint, fail } from './lib/progress.mjs';
import { endOnSignals, stopEverything } from './lib/shutdown.mjs';

const USAGE = `npm test -- [--native | --cli | --worker | --fleet | --simulations | --browser | --prometheus] [--seconds N] [part of a test's name]

  --native   only the native tests (cargo test)
  --cli      only the tests of the command line as wasm for Node
  --worker   only the Worker's tests in workerd
  --fleet    only those of several isolates together
  --simulations  only the native ones of machines under many schedules
  --browser  only those that a real browser judges (npm run test:browser); they are no part of the rest
  --prometheus  only those with a real Prometheus (npm run test:prometheus); no part of the rest either

  --seconds  how long the fleet's tests take, and how many simulations there are; npm run soak gives them ten minutes`;

async function test() {
  await prepare();
  endOnSignals();
  const options = await readOptions();
  if (options.help) return console.log(USAGE);
  const { ensureDevVars } = await import('./lib/secrets.mjs');
  const { browserTests, cliTests, fleetTests, nativeTests, prometheusTests, simulations, workerTests } = await import('./lib/test-parts.mjs');
  ensureDevVars();
  const parts = [];
  const some = ['native', 'cli', 'worker', 'fleet', 'simulations', 'browser', 'prometheus'].some((part) => options[part]);
  if (!some || options.native) parts.push(await nativeTests(options.filter));
  if (!some || options.cli) parts.push(await cliTests(options.filter));
  if (!some || options.worker) parts.push(await workerTests(options.filter));
  if (!some || options.fleet) parts.push(await fleetTests(options.filter, options.seconds));
  if (options.simulations) parts.push(await simulations(options.filter, options.seconds));
  if (options.browser) parts.push(await browserTests(options.filter));
  if (options.prometheus) parts.push(await prometheusTests(options.filter));
  return conclude(parts, options.filter);
}

async function readOptions() {
  const { parseArgs } = await import('node:util');
  const flag = { type: 'boolean', default: false };
  try {
    const flags = { native: flag, cli: flag, worker: flag, fleet: flag, simulations: flag, browser: flag, prometheus: flag, help: flag };
    const { values, positionals } = parseArgs({ options: { ...flags, seconds: { type: 'string' } }, allowPositionals: true });
    return { ...values, seconds: readSeconds(values.seconds), filter: positionals[0] };
  } catch (error) {
    throw new Complaint(`${error.message}\n\n${USAGE}`);
  }
}

function readSeconds(text) {
  if (text === undefined || /^[1-9]\d{0,5}$/.test(text)) return text && Number(text);
  throw new Error(`--seconds takes a whole number from 1, not ${text}.`);
}

function conclude(parts, filter) {
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
  const idle = (part) => part.passed + part.failed === 0;
  // A filter may leave a part without tests, but not all of them.
  const empty = filter === undefined ? parts.filter(idle) : parts.filter(() => parts.every(idle));
  for (const part of parts.filter(({ complaint }) => complaint)) console.error(`${part.name}: ${part.complaint}`);
  for (const part of empty) console.error(`${part.name}: ran no test`);
  const skipped = sum('skipped');
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  const good = parts.every((part) => part.ok) && empty.length === 0;
  process.exitCode = good ? 0 : 1;
}

test().catch(async (error) => {
  fail(error);
  await stopEverything();
  process.exit();
});
