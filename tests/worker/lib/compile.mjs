// Configurations that a test file brings along, so that routes stand beside what is expected of them. They are compiled
// by the command line that the build leaves behind; the gateway that most files share is ../gateway.toml.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CLI } from '../../../scripts/lib/paths.mjs';

/** The compiled file of the text of a gateway.toml, which must be without findings. */
export function compiled(toml) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-compile-'));
  try {
    const [source, out] = [path.join(folder, 'gateway.toml'), path.join(folder, 'gateway.bin')];
    fs.writeFileSync(source, toml);
    execFileSync(CLI, ['compile', source, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    return fs.readFileSync(out);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
