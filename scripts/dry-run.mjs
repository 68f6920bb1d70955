// `npm run dry-run`: what `wrangler deploy` would upload for staging and production, without an account. Fails on any
// warning of wrangler's: it warns when an environment lacks a binding that the top of wrangler.toml has.

import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { prepare } from './lib/prepare.mjs';
import { BIN, inRepository } from './lib/paths.mjs';
import { capture } from './lib/processes.mjs';
import { Complaint, fail } from './lib/progress.mjs';

const ENVIRONMENTS = ['staging', 'production'];

async function dryRun(environment) {
  console.log(`== wrangler deploy --dry-run --env ${environment}`);
  const outdir = inRepository('build', 'dry-run', environment);
  const { code, output } = await capture(path.join(BIN, 'wrangler'), ['deploy', '--dry-run', '--env', environment, '--outdir', outdir], {
    cwd: inRepository(),
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  const text = stripVTControlCharacters(output).trim();
  console.log(text);
  if (code !== 0) throw new Complaint(`the dry run for ${environment} failed.`);
  if (/\[WARNING\]/.test(text)) throw new Complaint(`wrangler warns about ${environment}, see above.`);
}

try {
  await prepare();
  for (const environment of ENVIRONMENTS) await dryRun(environment);
} catch (error) {
  fail(error);
}
