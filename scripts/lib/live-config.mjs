// Makes a saved gateway.toml live: compiles it to build/release/gateway.bin, which wrangler watches. A file with
// mistakes changes nothing: its diagnostics are shown and the gateway goes on with the last good one.

import fs from 'node:fs';
import { compileConfig } from './config-compiler.mjs';

// Polling sees every way in which editors save (in place, by rename, over a network) and costs nothing at this pace.
const POLL_MS = 300;

/** Watches a configuration until the returned function is called. */
export function watchConfig(file, { show }) {
  let last = Promise.resolve();
  const onChange = (now, before) => {
    if (now.mtimeMs === before.mtimeMs && now.size === before.size && now.ino === before.ino) return;
    // An editor that replaces the file leaves a moment without one.
    if (now.mtimeMs === 0) return;
    last = last.then(() => recompile(file, show)).catch((error) => show(String(error)));
  };
  fs.watchFile(file, { interval: POLL_MS }, onChange);
  return () => fs.unwatchFile(file, onChange);
}

async function recompile(file, show) {
  const { ok, output } = await compileConfig(file);
  if (output !== '') show(output);
  show(ok ? 'configuration changed: compiled, going live' : 'configuration changed: not taken over, the last good one stays');
}
