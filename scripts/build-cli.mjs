// `npm run build:cli`: the command line as wasm for Node, in build/cli/. Rust to wasm, wasm to a module (xtask),
// made small (wasm-opt). What has not changed is not done again. The Worker is built by build.mjs.
//
//   node scripts/build-cli.mjs [--out DIR] [--quick]      --quick: without wasm-opt, for tests

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { inRepository } from './lib/paths.mjs';
import { prepare } from './lib/prepare.mjs';
import { Complaint, elapsed, fail } from './lib/progress.mjs';

const NAME = 'ferrogate_cli';
const TARGET = path.resolve(process.env.CARGO_TARGET_DIR ?? inRepository('target'));
const COMPILED = path.join(TARGET, 'wasm32-unknown-unknown', 'cli-wasm', 'ferrogate_cli_node.wasm');
const TOOLS = inRepository('target', 'tools');

/** What rustc uses for wasm32-unknown-unknown; wasm-opt refuses code whose features it was not told. */
const FEATURES = ['bulk-memory', 'multivalue', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'sign-ext', 'simd'];

const { values: options } = parseArgs({
  options: { out: { type: 'string', default: path.join('build', 'cli') }, quick: { type: 'boolean', default: false } },
});

try {
  await build(path.resolve(inRepository(), options.out));
} catch (error) {
  fail(error);
}

async function build(out) {
  const started = Date.now();
  await prepare();
  run('cargo', ['build', '--quiet', '--locked', '-p', 'xtask', '--profile', 'tool', '--target-dir', TOOLS], 'tools');
  run('cargo', ['build', '--quiet', '--locked', '-p', 'ferrogate-cli-node', '--target', 'wasm32-unknown-unknown', '--profile', 'cli-wasm', '--target-dir', TARGET], 'wasm');
  if (isCurrent(out)) return console.log(`${path.relative(inRepository(), out)} is up to date`);
  const unfinished = `${out}.${process.pid}`;
  run(path.join(TOOLS, 'tool', 'xtask'), ['bindgen', '--target', 'node', COMPILED, unfinished, NAME], 'bindings');
  if (!options.quick) optimise(path.join(unfinished, `${NAME}_bg.wasm`));
  // The folder is no package of its own in a repository whose package says `module`, and is one anywhere else.
  fs.writeFileSync(path.join(unfinished, 'package.json'), '{ "type": "module" }\n');
  fs.writeFileSync(path.join(unfinished, 'stamp'), stamp());
  fs.rmSync(out, { recursive: true, force: true });
  fs.renameSync(unfinished, out);
  console.log(`built ${path.relative(inRepository(), out)} in ${elapsed(started)}`);
}

function optimise(wasm) {
  const flags = ['-Oz', ...FEATURES.map((feature) => `--enable-${feature}`), wasm, '-o', wasm];
  run(process.execPath, [inRepository('node_modules', 'binaryen', 'bin', 'wasm-opt'), ...flags], 'optimise');
}

/** Whether the folder was made of this very wasm, as thoroughly as is asked for. */
function isCurrent(out) {
  const file = path.join(out, 'stamp');
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8') === stamp();
}

function stamp() {
  const { size, mtimeMs } = fs.statSync(COMPILED);
  return `${size} ${mtimeMs} ${options.quick ? 'quick' : 'small'}\n`;
}

function run(command, args, title) {
  const { status, error } = spawnSync(command, args, { cwd: inRepository(), stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw new Complaint(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Complaint(`${title} failed; see above.`);
}
