// Bundles the entry with a build that is not build/release: for workerd without wrangler (benchmarks) and for tests.
// `wrangler dev` and `wrangler deploy` bundle by themselves.

import fs from 'node:fs';
import path from 'node:path';
import { inRepository } from './paths.mjs';

/** The faults build answers some questions about itself: its entry wraps the real one. The benchmark that counts
 * microseconds inside the isolate has a Worker of its own around the entry's modules, and so has the rig. */
const ENTRIES = {
  release: ['src', 'entry', 'main.mjs'],
  faults: ['tests', 'worker', 'lib', 'faults-entry.mjs'],
  inside: ['bench', 'inside-worker.mjs'],
  fleet: ['tests', 'fleet', 'lib', 'entry.mjs'],
};

/** In the rig the Worker's Durable Objects extend a class of its own; its own modules have the real one. */
const RIG = inRepository('tests', 'fleet', 'lib');

/** Writes `out`/bundle: index.js, ferrogate_bg.wasm and gateway.bin, ready for workerd. */
export async function bundle({ out, variant }) {
  const { build } = await import('esbuild');
  const folder = path.join(out, 'bundle');
  await build({
    entryPoints: [inRepository(...ENTRIES[variant])],
    outfile: path.join(folder, 'index.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    logLevel: 'warning',
    external: ['cloudflare:*'],
    plugins: variant === 'fleet' ? [fromBuild(out), objectsOfTheRig()] : [fromBuild(out)],
  });
  for (const file of ['ferrogate_bg.wasm', 'gateway.bin']) fs.copyFileSync(path.join(out, file), path.join(folder, file));
}

/** The entry names build/release; here that means `out`. Modules that are not JavaScript stay beside the bundle. */
function fromBuild(out) {
  return {
    name: 'from-build',
    setup(build) {
      build.onResolve({ filter: /\.(wasm|bin)$/ }, (module) => ({ path: `./${path.basename(module.path)}`, external: true }));
      build.onResolve({ filter: /build\/release\/ferrogate\.js$/ }, () => ({ path: path.join(out, 'ferrogate.js') }));
    },
  };
}

function objectsOfTheRig() {
  const replaced = ({ importer }) => (path.dirname(importer) === RIG ? { path: 'cloudflare:workers', external: true } : { path: path.join(RIG, 'objects.mjs') });
  return { name: 'objects-of-the-rig', setup: (build) => build.onResolve({ filter: /^cloudflare:workers$/ }, replaced) };
}
