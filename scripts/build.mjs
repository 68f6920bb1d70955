// Builds the Worker: Rust to wasm, wasm to a module (xtask), optimised (wasm-opt), and gateway.toml to gateway.bin.
// What has not changed is not done again. It is not the set-up (lib/prepare.mjs) and does not run anything.
//
//   node scripts/build.mjs [--variant release|faults|inside|fleet] [--config FILE] [--out DIR] [--bundle] [--config-only]
//
// wrangler runs it too, as its `[build]` command: then FERROGATE_CONFIG names the configuration, from where wrangler
// stands. Under `wrangler dev` a build that fails is no failure as long as there is an older one: wrangler would hold
// every request until the next good one. A deploy always fails.

import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './lib/bundle.mjs';
import { CLI, inRepository } from './lib/paths.mjs';
import { prepare } from './lib/prepare.mjs';
import { Complaint, elapsed, fail } from './lib/progress.mjs';

const NAME = 'ferrogate';
const CACHE = inRepository('build', 'cache');
const TOOLS = ['--locked', '--profile', 'tool', '--target-dir', inRepository('target', 'tools')];

/** What rustc uses for wasm32-unknown-unknown; wasm-opt refuses code whose features it was not told. */
const FEATURES = ['bulk-memory', 'multivalue', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'sign-ext', 'simd'];

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', default: 'release' },
    config: { type: 'string', default: path.resolve(process.env.FERROGATE_CONFIG ?? inRepository('gateway.toml')) },
    out: { type: 'string', default: path.join('build', 'release') },
    bundle: { type: 'boolean', default: false },
    'config-only': { type: 'boolean', default: false },
  },
});

const OUT = path.resolve(inRepository(), options.out);

try {
  await build(OUT);
} catch (error) {
  if (!(error instanceof Complaint) || !mayStay(OUT)) fail(error);
  else console.error('not taken over: the last good build stays until the next change.');
}

async function build(out) {
  const started = Date.now();
  fs.mkdirSync(out, { recursive: true });
  if (!options['config-only']) {
    await prepare();
    run('cargo', ['build', '--quiet', '-p', 'xtask', '-p', 'ferrogate-cli', ...TOOLS], 'tools');
  }
  run(CLI, ['compile', options.config, '--out', path.join(out, 'gateway.bin')]);
  fs.writeFileSync(compiledFrom(out), config());
  if (options['config-only']) return;
  const key = wasmModule();
  copyChanged(path.join(CACHE, key), out);
  if (options.bundle) await bundle({ out, variant: options.variant });
  console.log(`built ${path.relative(inRepository(), out)} (${options.variant}) in ${elapsed(started)}`);
}

/** The configuration, wherever one stands. */
function config() {
  return path.resolve(inRepository(), options.config);
}

/** Where it is written down which configuration gateway.bin was compiled from: several share a folder. */
function compiledFrom(out) {
  return path.join(out, 'gateway.bin.from');
}

/** Whether what is there may go on: a whole build of this configuration, for `wrangler dev`, which says that it asks. */
function mayStay(out) {
  if (process.env.WRANGLER_COMMAND !== 'dev') return false;
  const parts = ['gateway.bin', `${NAME}_bg.wasm`, `${NAME}.js`].map((file) => path.join(out, file));
  const from = compiledFrom(out);
  return parts.every((file) => fs.existsSync(file)) && fs.existsSync(from) && fs.readFileSync(from, 'utf8') === config();
}

/** Compiles the Worker and turns it into a module, unless this very wasm has been turned into one before. */
function wasmModule() {
  const features = ['faults', 'fleet'].includes(options.variant) ? ['--features', 'faults'] : [];
  const target = ['--target', 'wasm32-unknown-unknown', '--release'];
  run('cargo', ['build', '--quiet', '--locked', '-p', NAME, '--lib', ...target, ...features], 'wasm');
  const compiled = inRepository('target', 'wasm32-unknown-unknown', 'release', `${NAME}.wasm`);
  const key = fingerprint([compiled, inRepository('Cargo.lock'), inRepository('package-lock.json'), import.meta.filename, inRepository('xtask', 'src', 'main.rs')]);
  const folder = path.join(CACHE, key);
  if (!fs.existsSync(folder)) makeModule(compiled, folder);
  return key;
}

function makeModule(compiled, folder) {
  const unfinished = `${folder}.${process.pid}`;
  run(inRepository('target', 'tools', 'tool', 'xtask'), ['bindgen', compiled, unfinished, NAME], 'bindings');
  const wasm = path.join(unfinished, `${NAME}_bg.wasm`);
  // -g keeps the names that xtask has left, so that stack traces can be read; the size budget counts them.
  const flags = ['-O3', '-g', ...FEATURES.map((feature) => `--enable-${feature}`), wasm, '-o', wasm];
  run(process.execPath, [inRepository('node_modules', 'binaryen', 'bin', 'wasm-opt'), ...flags], 'optimise');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.renameSync(unfinished, folder);
}

function fingerprint(files) {
  const hash = crypto.createHash('sha256');
  for (const file of files) hash.update(fs.readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Copies a folder. wrangler reloads when a file is written, so an unchanged one is left alone. */
function copyChanged(from, to) {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyChanged(source, target);
    else if (!fs.existsSync(target) || !fs.readFileSync(target).equals(fs.readFileSync(source))) {
      fs.copyFileSync(source, `${target}.new`);
      fs.renameSync(`${target}.new`, target);
    }
  }
}

/** Runs a step to its end with its output on the terminal; says how long it took when it took long. */
function run(command, args, title) {
  const started = Date.now();
  const { status, error } = spawnSync(command, args, { cwd: inRepository(), stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw new Complaint(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Complaint(`${title ?? path.basename(command)} failed; see above.`);
  if (title && Date.now() - started > 1500) console.log(`  ${title} ... ${elapsed(started)}`);
}
