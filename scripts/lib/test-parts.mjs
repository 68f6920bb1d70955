// The parts of `npm test`. Each streams its output and returns what it counted in it:
// { name, passed, failed, skipped, ok, complaint? }.

import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { SECONDS } from '../../tests/fleet/lib/budget.mjs';
import { runBuild, runBuildOfCli } from './build-step.mjs';
import { inRepository } from './paths.mjs';
import { showStep } from './progress.mjs';
import { runWithUs } from './shutdown.mjs';

const WORKER_CONFIG = 'tests/worker/gateway.toml';
const COUNTS = inRepository('build', 'test-counts.json');
const REPORTERS = [
  '--test-reporter=spec', '--test-reporter-destination=stdout',
  `--test-reporter=${inRepository('scripts', 'lib', 'count-reporter.mjs')}`, `--test-reporter-destination=${COUNTS}`,
];
/** For each file. A test that waits for what does not come must fail under its name, not hold everything up. */
const FILE_LIMIT_MS = 300_000;
const COLOURS = process.stdout.isTTY ? { CARGO_TERM_COLOR: 'always', FORCE_COLOR: '1' } : {};

const FLEET_BUILD = ['--variant', 'fleet', '--out', 'build/fleet', '--config', 'tests/fleet/gateway.toml', '--bundle'];
const TEST_BUILD = ['--out', 'build/test', '--config', WORKER_CONFIG, '--bundle'];

/**
 * What has to be built before the Worker's tests: two variants with faults, and the gateway as it ships. cargo has one place for
 * the wasm of all, and links anew whenever another one is wanted: the one that tests start by themselves comes last.
 */
const BUILDS = [
  ['--variant', 'faults', '--out', 'build/faults', '--config', WORKER_CONFIG, '--bundle'],
  FLEET_BUILD,
  [],
  TEST_BUILD,
];

/** Builds whatever of these was not built in this run. */
async function build(builds) {
  for (const args of builds) {
    if (built.has(args)) continue;
    await showStep(['build', ...args].join(' '), (print) => runBuild(args, print));
    built.add(args);
  }
}

const built = new Set();

/** `cargo test` for everything that does not need a Worker. */
export async function nativeTests(filter) {
  heading('native tests');
  const counts = none();
  const args = ['test', '--locked', '--no-fail-fast', ...(filter ? [filter] : [])];
  const code = await stream('cargo', args, (line) => countCargo(line, counts));
  return outcome('native tests', code, counts);
}

/** How many schedules of each scenario a second is enough for, roughly, beside the fleet's tests. */
const SIMULATIONS_A_SECOND = 50;

/** The native tests of machines under many schedules alone: more of them than usually, where there is time. */
export async function simulations(filter, seconds) {
  heading('simulations');
  const counts = none();
  if (seconds !== undefined) process.env.FERROGATE_SIMULATIONS = String(seconds * SIMULATIONS_A_SECOND);
  const args = ['test', '--locked', '--package', 'gateway', '--features', 'compiler', '--test', 'simulation', ...(filter ? [filter] : [])];
  const code = await stream('cargo', args, (line) => countCargo(line, counts));
  return outcome('simulations', code, counts);
}

/** `node --test` on the built Worker in workerd. */
export async function workerTests(filter) {
  const name = 'worker tests';
  heading(name);
  try {
    await build(BUILDS);
  } catch (error) {
    return { ...outcome(name, 1, none()), complaint: error.message };
  }
  return nodeTests(name, 'tests/worker/**/*.test.mjs', filter);
}

/** `node --test` on several isolates of the Worker, for so many seconds. */
export async function fleetTests(filter, seconds = SECONDS) {
  const name = 'fleet tests';
  heading(`${name}, for ${seconds} s`);
  try {
    await build([FLEET_BUILD]);
  } catch (error) {
    return { ...outcome(name, 1, none()), complaint: error.message };
  }
  process.env.FERROGATE_SOAK_SECONDS = String(seconds);
  return nodeTests(name, 'tests/fleet/**/*.test.mjs', filter, FILE_LIMIT_MS + seconds * 1000);
}

/** `node --test` on the command line: the native program and the wasm for Node, side by side. */
export async function cliTests(filter) {
  const name = 'command line tests';
  heading(name);
  try {
    await showStep('build the command line', (print) => runBuildOfCli(['--quick', '--native'], print));
  } catch (error) {
    return { ...outcome(name, 1, none()), complaint: error.message };
  }
  return nodeTests(name, 'tests/cli/**/*.test.mjs', filter);
}

/** `node --test` with a real browser in front of the built Worker. Needs Chromium, so it is no part of `npm test`. */
export function browserTests(filter) {
  return testsOfOthers('browser tests', 'tests/browser/**/*.test.mjs', filter);
}

/** `node --test` with a real Prometheus that reads the built Worker. Needs Debian's package, so it is no part of `npm test`. */
export function prometheusTests(filter) {
  return testsOfOthers('tests with Prometheus', 'tests/prometheus/**/*.test.mjs', filter);
}

/** Tests for which something else than a test talks to the gateway as it ships. */
async function testsOfOthers(name, files, filter) {
  heading(name);
  try {
    await build([TEST_BUILD]);
  } catch (error) {
    return { ...outcome(name, 1, none()), complaint: error.message };
  }
  return nodeTests(name, files, filter);
}

async function nodeTests(name, files, filter, limitMs = FILE_LIMIT_MS) {
  const pattern = filter ? ['--test-name-pattern', filter] : [];
  fs.mkdirSync(path.dirname(COUNTS), { recursive: true });
  fs.rmSync(COUNTS, { force: true });
  const code = await stream(process.execPath, ['--test', '--test-concurrency=1', `--test-timeout=${limitMs}`, ...REPORTERS, ...pattern, files]);
  return outcome(name, code, counted());
}

/** What the reporter wrote. A run that was ended before its end leaves nothing, or an empty file. */
function counted() {
  const text = fs.existsSync(COUNTS) ? fs.readFileSync(COUNTS, 'utf8') : '';
  return text.trim() === '' ? none() : JSON.parse(text);
}

function heading(text) {
  console.log(`\n== ${text}`);
}

function none() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** A program that crashes or does not compile reports no failure of its own. */
function outcome(name, code, counts) {
  if (code === 0) return { name, ok: true, ...counts };
  return { name, ok: false, complaint: `ended with ${code}`, ...counts, failed: Math.max(counts.failed, 1) };
}

/** Runs a program with its lines on the terminal and to `onLine`. Resolves to its exit code. */
function stream(command, args, onLine = () => {}) {
  const show = (line) => {
    console.log(line);
    onLine(stripVTControlCharacters(line));
  };
  return runWithUs(command, args, { onLine: show, cwd: inRepository(), env: { ...process.env, ...COLOURS } });
}

/** Adds what one line of `cargo test` says, if it is a summary. */
function countCargo(line, counts) {
  const found = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
  if (!found) return;
  counts.passed += Number(found[1]);
  counts.failed += Number(found[2]);
  counts.skipped += Number(found[3]);
}
