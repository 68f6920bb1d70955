// `npm run setup:ci`: the tools of `.ci/run`, `npm run test:browser`, `npm run test:prometheus` and `npm run bench` that
// neither npm nor cargo brings, from Debian's packages. Does nothing when they are there. `npm start` and `npm test` never need them.

import { spawnSync } from 'node:child_process';
import { Complaint, fail } from './lib/progress.mjs';

const TOOLS = [
  { command: 'valgrind', args: ['--version'], packageName: 'valgrind' },
  { command: 'h2load', args: ['--version'], packageName: 'nghttp2-client' },
  { command: 'nginx', args: ['-v'], packageName: 'nginx-light' },
  { command: 'chromium', args: ['--version'], packageName: 'chromium' },
  { command: 'prometheus', args: ['--version'], packageName: 'prometheus' },
];

function setUp() {
  const missing = TOOLS.filter(({ command, args }) => !runs(command, args)).map(({ packageName }) => packageName);
  if (missing.length === 0) return console.log(`present: ${TOOLS.map(({ command }) => command).join(', ')}`);
  if (!runs('apt-get', ['--version'])) throw new Complaint(`install these with your system's package manager: ${missing.join(', ')}.`);
  console.log(`installing ${missing.join(', ')}`);
  aptGet(['update', '--quiet']);
  aptGet(['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
}

function aptGet(args) {
  const [command, ...before] = process.getuid() === 0 ? ['apt-get'] : ['sudo', 'apt-get'];
  // The packages' own services are not wanted, only their programs.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status, error } = spawnSync(command, [...before, ...args], { stdio: 'inherit', env });
  if (error) throw new Complaint(`${command} was not found; run this as root.`);
  if (status !== 0) throw new Complaint(`apt-get ${args[0]} failed.`);
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

try {
  setUp();
} catch (error) {
  fail(error);
}
