// Builds the contenders into build/bench/contenders/: JavaScript by esbuild, Rust by cargo, our xtask and wasm-opt.
//
//   node bench/contenders/build.mjs            all
//   node bench/contenders/build.mjs hono       only those whose name is given
//
// Installs what package-lock.json beside this file names when it is not there. Does not build Ferrogate, but compiles the
// second configuration that it is measured with.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BENCH, BUILT_CONTENDERS, CLI_BINARY, EVERY_STAGE, ROOT } from '../lib/places.mjs';
import { ROUTES } from '../routes.mjs';

const HERE = join(BENCH, 'contenders');
const CRATE = 'workers_rs_contender';

/** What rustc's output may use, as for Ferrogate itself. */
const WASM_FEATURES = [
  'simd',
  'bulk-memory',
  'nontrapping-float-to-int',
  'sign-ext',
  'mutable-globals',
  'reference-types',
  'multivalue',
];

const SOURCES = {
  constant: 'constant.mjs',
  bare: 'bare.mjs',
  'bare-logged': 'bare-logged.mjs',
  hand: 'hand/index.mjs',
  hono: 'hono.mjs',
  'hono-every-stage': 'hono-every-stage.mjs',
  'limits-bare': 'limits/bare.mjs',
  'limits-hono': 'limits/hono.mjs',
  'limits-binding': 'limits/binding.mjs',
};

const run = (command, args, options = {}) => execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });

/** One module, minified as a deployment would be. */
async function bundle(source, outfile) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    entryPoints: [source],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'esnext',
    external: ['cloudflare:*', '*.wasm'],
    logLevel: 'warning',
  });
}

function cargo() {
  const routes = join(ROOT, 'build/bench/routes.txt');
  writeFileSync(routes, ROUTES.map(({ method, path, scope }) => `${method} ${path} ${scope}\n`).join(''));
  const targetFolder = join(ROOT, 'target/contenders');
  const args = ['build', '--release', '--locked', '--lib', '--target', 'wasm32-unknown-unknown'];
  run('cargo', [...args, '--target-dir', targetFolder], {
    cwd: join(HERE, 'workers-rs'),
    env: { ...process.env, BENCH_ROUTES: routes },
  });
  return join(targetFolder, 'wasm32-unknown-unknown/release', `${CRATE}.wasm`);
}

/** As worker-build does it, with our own tools: its glue is ours. */
async function buildWorkersRs() {
  const wasm = cargo();
  const glue = join(ROOT, 'build/bench/workers-rs-glue');
  mkdirSync(glue, { recursive: true });
  const xtask = ['run', '-q', '-p', 'xtask', '--locked', '--profile', 'tool', '--target-dir', 'target/tools', '--'];
  run('cargo', [...xtask, 'bindgen', wasm, glue, CRATE]);

  const out = join(BUILT_CONTENDERS, 'workers-rs');
  mkdirSync(out, { recursive: true });
  const name = `${CRATE}_bg.wasm`;
  const features = WASM_FEATURES.map((feature) => `--enable-${feature}`);
  run(join(ROOT, 'node_modules/.bin/wasm-opt'), ['-O3', ...features, join(glue, name), '-o', join(out, name)]);
  copyFileSync(join(HERE, 'workers-rs/entry.mjs'), join(glue, 'entry.mjs'));
  await bundle(join(glue, 'entry.mjs'), join(out, 'index.js'));
}

function compileEveryStage() {
  mkdirSync(dirname(EVERY_STAGE), { recursive: true });
  run(CLI_BINARY, ['compile', join(BENCH, 'every-stage.toml'), '--out', EVERY_STAGE]);
}

const names = process.argv.slice(2);
const wanted = (name) => names.length === 0 || names.includes(name);
mkdirSync(BUILT_CONTENDERS, { recursive: true });
if (!existsSync(join(HERE, 'node_modules/hono'))) run('npm', ['ci'], { cwd: HERE });
for (const [name, source] of Object.entries(SOURCES)) {
  if (wanted(name)) await bundle(join(HERE, source), join(BUILT_CONTENDERS, `${name}.js`));
}
if (wanted('every-stage')) compileEveryStage();
if (wanted('workers-rs')) await buildWorkersRs();
