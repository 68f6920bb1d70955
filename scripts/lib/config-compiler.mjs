// One call of the build that only turns a gateway.toml into the data module that the Worker imports.

import { BUILD } from './paths.mjs';
import { capture } from './processes.mjs';

/** Compiles a configuration. Mistakes in it are an ordinary result: `ok` is false and `output` names them. */
export async function compileConfig(file) {
  const { code, output } = await capture(process.execPath, [BUILD, '--config-only', '--config', file]);
  return { ok: code === 0, output: output.trim() };
}
