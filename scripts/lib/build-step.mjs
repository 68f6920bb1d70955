// Runs scripts/build.mjs as a step of another command: its lines above the step's own, errors in colour.

import { BUILD, inRepository } from './paths.mjs';
import { Complaint } from './progress.mjs';
import { runWithUs } from './shutdown.mjs';

/** Builds with these arguments. A build that fails has said why by then. */
export async function runBuild(args, print) {
  const colours = process.stdout.isTTY ? { CARGO_TERM_COLOR: 'always' } : {};
  const options = { cwd: inRepository(), env: { ...process.env, ...colours }, onLine: print };
  const code = await runWithUs(process.execPath, [BUILD, ...args], options);
  if (code !== 0) throw new Complaint('the build failed, see above.');
}
