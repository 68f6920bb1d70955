// Continues the running script on the Node 22 that `npm ci` brought: wrangler needs it, the machine may have 20.
// The first process then only passes signals on and takes over the exit code. Node built-ins only.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { whenOrphaned } from './orphan.mjs';
import { BIN } from './paths.mjs';

const WANTED_NODE = 22;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Returns at once on Node 22 or newer; otherwise starts the script again on it and never returns. */
export async function becomeNode22() {
  process.env.PATH = withBinFirst();
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= WANTED_NODE && fs.existsSync(process.execPath)) return;
  // The channel tells the second process when the first one is gone, however it went.
  const child = spawn(path.join(BIN, 'node'), process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  whenOrphaned(() => child.kill('SIGTERM'));
  await new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
  });
}

function withBinFirst() {
  const others = process.env.PATH.split(path.delimiter).filter((folder) => folder !== BIN);
  return [BIN, ...others].join(path.delimiter);
}
