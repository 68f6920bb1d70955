// Child processes: start them on a chosen core, wait for their port, read their CPU time, end them.
//
// Linux only, for CPU times come from /proc. Knows nothing of workerd or nginx.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const found = (command) => spawnSync('which', [command], { stdio: 'ignore' }).status === 0;

/** Cores for the server under test and for everything that only serves the measurement. */
export const CORES = { server: process.env.BENCH_SERVER_CORE ?? '0', client: process.env.BENCH_CLIENT_CORE ?? '1' };
const pinning = availableParallelism() > 1 && found('taskset');

const DEBIAN_PACKAGE = { h2load: 'nghttp2-client', nginx: 'nginx-light', valgrind: 'valgrind' };

/** Ends the run with one line when tools are missing. */
export function requireTools(...tools) {
  const missing = tools.filter((tool) => !found(tool));
  if (missing.length === 0) return;
  const packages = missing.map((tool) => DEBIAN_PACKAGE[tool] ?? tool).join(' ');
  console.error(`${missing.join(' and ')} not found; on Debian: apt-get install ${packages}`);
  process.exit(1);
}

// Whatever is still alive when this process ends is ended with it.
const children = new Set();
let scratch;
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** A folder for configurations and logs, removed when this process ends. */
export function scratchFolder() {
  return (scratch ??= mkdtempSync(join(tmpdir(), 'ferrogate-bench-')));
}

/** Starts a process on a core. Its standard error is kept in `child.errors`, for messages. */
export function start(core, command, args, { stdout = 'ignore' } = {}) {
  const [file, ...rest] = pinning ? ['taskset', '-c', core, command, ...args] : [command, ...args];
  const child = spawn(file, rest, { stdio: ['ignore', stdout, 'pipe'] });
  child.errors = '';
  child.stderr.on('data', (chunk) => (child.errors = (child.errors + chunk).slice(-4000)));
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Runs a process to its end and gives back what it printed. */
export async function output(core, command, args) {
  const child = start(core, command, args, { stdout: 'pipe' });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${text}${child.errors}`);
  return text;
}

/** Asks a process to end, and ends it when it does not within two seconds. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await ended;
  clearTimeout(timer);
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const opens = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true) ?? socket.destroy());
    socket.once('error', () => resolve(false));
  });

export async function portOpens(port, child) {
  for (const start = Date.now(); Date.now() - start < 10_000; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`server ended with ${child.exitCode}: ${child.errors}`);
    if (await opens(port)) return;
  }
  throw new Error(`port ${port} did not open: ${child.errors}`);
}

/** Nanoseconds that all threads of a process have spent on a core, user and system. */
export function cpuNanoseconds(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return sum;
}

/** The same of the one thread that runs JavaScript and wasm, without those that compile and collect beside it. */
export function mainThreadNanoseconds(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ', 1)[0]);
}
