// `npm run lint`: formatting and clippy with warnings as errors, for the native half and for the Worker on wasm32.

import { prepare } from './lib/prepare.mjs';
import { Complaint, fail } from './lib/progress.mjs';
import { endOnSignals, runWithUs, stopEverything } from './lib/shutdown.mjs';

const WASM = ['--package', 'ferrogate', '--target', 'wasm32-unknown-unknown'];
const CLI_WASM = ['--package', 'ferrogate-cli-node', '--target', 'wasm32-unknown-unknown'];
const STRICT = ['--', '-D', 'warnings'];

const CHECKS = [
  { name: 'formatting', args: ['fmt', '--all', '--check'], cure: 'npm run fmt' },
  { name: 'clippy, native', args: ['clippy', '--locked', '--all-targets', ...STRICT] },
  { name: 'clippy, wasm32', args: ['clippy', '--locked', ...WASM, ...STRICT] },
  { name: 'clippy, wasm32 with faults', args: ['clippy', '--locked', ...WASM, '--features', 'faults', ...STRICT] },
  { name: 'clippy, command line on wasm32', args: ['clippy', '--locked', ...CLI_WASM, ...STRICT] },
];

async function lint() {
  await prepare();
  endOnSignals();
  const { ROOT } = await import('./lib/paths.mjs');
  const failed = [];
  for (const { name, args, cure } of CHECKS) {
    console.log(`== ${name}`);
    const code = await runWithUs('cargo', args, { cwd: ROOT });
    if (code !== 0) failed.push(cure ? `${name} (${cure} repairs it)` : name);
  }
  if (failed.length > 0) throw new Complaint(`failed: ${failed.join(', ')}.`);
}

lint().catch(async (error) => {
  fail(error);
  await stopEverything();
  process.exit();
});
