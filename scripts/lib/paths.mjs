// Where things are in this repository. No other script spells these paths.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** A path below the root of the repository. */
export function inRepository(...parts) {
  return path.join(ROOT, ...parts);
}

export const BIN = inRepository('node_modules', '.bin');
export const BUILD = inRepository('scripts', 'build.mjs');
export const BUILD_CLI = inRepository('scripts', 'build-cli.mjs');
export const RELEASE = inRepository('build', 'release');
export const WASM = path.join(RELEASE, 'ferrogate_bg.wasm');
export const TOOLS = inRepository('target', 'tools');
export const CLI = path.join(TOOLS, 'tool', 'ferrogate');
export const CLI_WASM = inRepository('build', 'cli', 'ferrogate_cli.js');
export const DEV_VARS = inRepository('.dev.vars');
