// `npm run build:cli`: the command line as wasm for Node, in build/cli/. Rust to wasm, wasm to a module (xtask),
// made small (wasm-opt). What has not changed is not done again. The Worker is built by build.mjs.
//
//   node scripts/build-cli.mjs [--quick] [--native]
//
//   --quick    without wasm-opt, for tests; a small one that is current stays
//   --native   the native program too

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CLI_WASM, inRepository, TOOLS } from './lib/paths.mjs';
import { prepare } from './lib/prepare.mjs';
import { Complaint, elapsed, fail } from './lib/progress.mjs';

const OUT = path.dirname(CLI_WASM);
const NAME = path.basename(CLI_WASM, '.js');
const TARGET = path.resolve(process.env.CARGO_TARGET_DIR ?? inRepository('target'));
const COMPILED = path.join(TARGET, 'wasm32-unknown-unknown', 'cli-wasm', 'ferrogate_cli_node.wasm');

/** What rustc uses for wasm32-unknown-unknown; wasm-opt refuses code whose features it was not told. */
const FEATURES = ['bulk-memory', 'multivalue', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'sign-ext', 'simd'];

const flag = { type: 'boolean', default: false };
const { values: options } = parseArgs({ options: { quick: flag, native: flag } });

try {
  await build();
} catch (error) {
  fail(error);
}

async function build() {
  const started = Date.now();
  await prepare();
  const tools = ['xtask', ...(options.native ? ['ferrogate-cli'] : [])].flatMap((name) => ['-p', name]);
  run('cargo', ['build', '--quiet', '--locked', ...tools, '--profile', 'tool', '--target-dir', TOOLS], 'tools');
  run('cargo', ['build', '--quiet', '--locked', '-p', 'ferrogate-cli-node', '--target', 'wasm32-unknown-unknown', '--profile', 'cli-wasm', '--target-dir', TARGET], 'wasm');
  if (isCurrent()) return console.log(`${path.relative(inRepository(), OUT)} is up to date`);
  const unfinished = `${OUT}.${process.pid}`;
  run(path.join(TOOLS, 'tool', 'xtask'), ['bindgen', '--target', 'node', COMPILED, unfinished, NAME], 'bindings');
  if (!options.quick) optimise(path.join(unfinished, `${NAME}_bg.wasm`));
  // The folder is no package of its own in a repository whose package says `module`, and is one anywhere else.
  fs.writeFileSync(path.join(unfinished, 'package.json'), '{ "type": "module" }\n');
  fs.writeFileSync(path.join(unfinished, 'stamp'), stamp(options.quick));
  fs.rmSync(OUT, { recursive: true, force: true });
  fs.renameSync(unfinished, OUT);
  console.log(`built ${path.relative(inRepository(), OUT)} in ${elapsed(started)}`);
}

function optimise(wasm) {
  const flags = ['-Oz', ...FEATURES.map((feature) => `--enable-${feature}`), wasm, '-o', wasm];
  run(process.execPath, [inRepository('node_modules', 'binaryen', 'bin', 'wasm-opt'), ...flags], 'optimise');
}

/** Whether the folder was made of this very wasm. A small one is good enough for everybody. */
function isCurrent() {
  const file = path.join(OUT, 'stamp');
  if (!fs.existsSync(file)) return false;
  const found = fs.readFileSync(file, 'utf8');
  return found === stamp(false) || (options.quick && found === stamp(true));
}

function stamp(quick) {
  const { size, mtimeMs } = fs.statSync(COMPILED);
  return `${size} ${mtimeMs} ${quick ? 'quick' : 'small'}\n`;
}

function run(command, args, title) {
  const { status, error } = spawnSync(command, args, { cwd: inRepository(), stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw new Complaint(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Complaint(`${title} failed; see above.`);
}
