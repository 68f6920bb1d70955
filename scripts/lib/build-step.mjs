// Runs a build as a step of another command: its lines above the step's own, errors in colour.

import { BUILD, BUILD_CLI, inRepository } from './paths.mjs';
import { Complaint } from './progress.mjs';
import { runWithUs } from './shutdown.mjs';

/** Builds the Worker with these arguments. A build that fails has said why by then. */
export function runBuild(args, print) {
  return runScript(BUILD, args, print);
}

/** The same for the command line. */
export function runBuildOfCli(args, print) {
  return runScript(BUILD_CLI, args, print);
}

async function runScript(script, args, print) {
  const colours = process.stdout.isTTY ? { CARGO_TERM_COLOR: 'always' } : {};
  const options = { cwd: inRepository(), env: { ...process.env, ...colours }, onLine: print };
  const code = await runWithUs(process.execPath, [script, ...args], options);
  if (code !== 0) throw new Complaint('the build failed, see above.');
}
