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
export const RELEASE = inRepository('build', 'release');
export const WASM = path.join(RELEASE, 'ferrogate_bg.wasm');
export const CLI = inRepository('target', 'tools', 'tool', 'ferrogate');
export const DEV_VARS = inRepository('.dev.vars');
