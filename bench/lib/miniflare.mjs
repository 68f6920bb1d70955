// Starts one Worker under Miniflare, for bindings that bare workerd does not have. Its requests come in by a socket of their own,
// past Miniflare's proxy, so that CPU times are those of the Worker, of workerd, and of what stands in for the binding.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { compatibility } from './places.mjs';
import { CORES } from './processes.mjs';

const { Miniflare, NoOpLog, convertV4MiniflareOptions } = createRequire(import.meta.url)('miniflare');

const parentOf = (pid) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

/** The workerd processes that this one has started. */
function children() {
  const mine = (pid) => {
    try {
      return parentOf(pid) === process.pid && commandOf(pid).includes('workerd');
    } catch {
      return false; // it has ended meanwhile
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter(mine);
}

/** worker: {files: [main], bindings: {NAME: text}, ratelimits: {NAME: {limit, period}}}. Gives {port, pid, stop}. */
export async function startMiniflare({ files: [file], bindings, ratelimits }) {
  const known = children();
  const simple = Object.fromEntries(Object.entries(ratelimits).map(([name, limit]) => [name, { namespace_id: name, simple: limit }]));
  const worker = {
    name: 'main',
    modules: [{ type: 'ESModule', path: basename(file), contents: readFileSync(file, 'utf8') }],
    compatibilityDate: compatibility().date,
    bindings,
    ratelimits: simple,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  const quiet = { cf: false, log: new NoOpLog(), logRequests: false, handleStructuredLogs: () => {} };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [worker], ...quiet }));
  const { port } = await miniflare.unsafeGetDirectURL('main');
  const pid = children().find((child) => !known.includes(child));
  execFileSync('taskset', ['-a', '-c', '-p', CORES.server, String(pid)], { stdio: 'ignore' });
  return { port: Number(port), pid, stop: () => miniflare.dispose() };
}
