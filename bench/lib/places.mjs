// Where things are, and what wrangler.toml says about the runtime. No other file of bench/ knows a path of the project.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fromRoot = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const ROOT = fromRoot('');
export const BENCH = fromRoot('bench/');
/** Contenders as workerd gets them, written by contenders/build.mjs. */
export const BUILT_CONTENDERS = fromRoot('build/bench/contenders/');
/** Ferrogate with bench/gateway.toml, written by scripts/build.mjs. */
export const FERROGATE_BUNDLE = fromRoot('build/bench/bundle/');
/** bench/every-stage.toml, compiled for the same bundle. */
export const EVERY_STAGE = fromRoot('build/bench/every-stage/gateway.bin');
/** The same wasm under the Worker of inside.mjs. */
export const INSIDE_BUNDLE = fromRoot('build/inside/bundle/');
/** The test-only build that tells how large its memory is. */
export const FAULTS_BUNDLE = fromRoot('build/faults/bundle/');

/** The command line, built as a tool by scripts/build.mjs. */
export const CLI_BINARY = fromRoot('target/tools/tool/ferrogate');

/** The compatibility date and flags that Ferrogate is deployed with; read by pattern, not by a TOML parser. */
export function compatibility() {
  const file = fromRoot('wrangler.toml');
  const toml = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)?.[1];
  if (!date) throw new Error('wrangler.toml has no compatibility_date');
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)?.[1] ?? '';
  return { date, flags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1]) };
}
