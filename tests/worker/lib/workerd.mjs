// `workerd serve` itself, with a generated configuration: no wrangler and no proxy between test and Worker, so that
// what a client does to its connection is what the Worker meets. It has Durable Objects and no D1, KV or queues.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import workerdPackage from 'workerd';
import { within } from './poll.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const BINARY = workerdPackage.default; // a CommonJS module with a default export: the path of the program
const READY_WITHIN_MS = 10_000;
const ENDS_WITHIN_MS = 2000;
const text = JSON.stringify; // a text of Cap'n Proto is written like one of JSON

/**
 * Starts the bundle of a build. `caller`, if given, is the source of a second Worker that reaches the first one by
 * the service binding GATEWAY; it gets a socket of its own. `services` are the sources of Workers that the first one
 * reaches by service bindings, by the names of these. `without` are bindings of objects that it does not have. `bin` replaces the
 * compiled configuration. `v8Flags` are for the engine below the runtime, such as `--expose-gc`.
 */
export async function startWorkerd({ build, variables, caller, services = {}, without = [], bin, v8Flags = [] }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-workerd-'));
  for (const name of ['index.js', 'ferrogate_bg.wasm', 'gateway.bin']) fs.copyFileSync(path.join(ROOT, 'build', build, 'bundle', name), path.join(folder, name));
  if (bin !== undefined) fs.writeFileSync(path.join(folder, 'gateway.bin'), bin);
  const beside = Object.entries({ ...services, ...(caller !== undefined && { caller }) });
  for (const [name, source] of beside) fs.writeFileSync(path.join(folder, `${name}.js`), source);
  fs.mkdirSync(path.join(folder, 'objects'));
  fs.writeFileSync(path.join(folder, 'config.capnp'), configuration(folder, variables, Object.keys(services), without, caller !== undefined, v8Flags));
  // Snapshots and crash logs of the runtime, if any, belong into the folder too.
  const child = spawn(BINARY, ['serve', '--control-fd=3', 'config.capnp'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const started = new Running(child, folder);
  try {
    await within(READY_WITHIN_MS, started.listening(caller === undefined ? ['http'] : ['http', 'caller']), 'starting workerd');
  } catch (error) {
    await started.stop();
    throw new Error(`${error.message}\n${[...started.stderr, ...started.stdout].join('\n')}`, { cause: error });
  }
  return started;
}

/** The classes of objects that the Worker has, by their bindings. */
const OBJECTS = { SIGNALS: 'Signals', METRICS: 'Metrics', LIMITS: 'Limits', ABUSE: 'Abuse' };

/** What runs now. A test file that is ended early, by a signal or by its runner, leaves none of it behind. */
const running = new Set();
process.once('exit', () => running.forEach((one) => one.kill()));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

class Running {
  /** Lines that the Worker wrote with console.log, and with console.warn and console.error. */
  stdout = [];
  stderr = [];
  ports = {};

  constructor(child, folder) {
    this.child = child;
    this.folder = folder;
    this.ended = new Promise((resolve) => child.once('close', resolve));
    running.add(this);
    for (const name of ['stdout', 'stderr']) readline.createInterface({ input: child[name] }).on('line', (line) => this[name].push(line));
  }

  /** Resolves when all these sockets listen; their ports are the runtime's choice. */
  async listening(sockets) {
    for await (const line of readline.createInterface({ input: this.child.stdio[3] })) {
      const { event, socket, port } = JSON.parse(line);
      if (event === 'listen') this.ports[socket] = port;
      if (sockets.every((name) => name in this.ports)) return;
    }
    throw new Error('workerd ended before it listened');
  }

  /** A request that hangs would keep workerd alive after SIGTERM. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      const late = new AbortController();
      const patience = pause(ENDS_WITHIN_MS, undefined, { signal: late.signal }).then(() => this.child.kill('SIGKILL'), () => {});
      await this.ended;
      late.abort();
      await patience;
    }
    running.delete(this);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** For when there is no time to wait. */
  kill() {
    this.child.kill('SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function configuration(folder, variables, bound, without, withCaller, v8Flags) {
  const objects = Object.entries(OBJECTS).filter(([name]) => !without.includes(name));
  const bindings = objects.map(([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`);
  for (const [name, value] of Object.entries(variables)) bindings.push(`(name = ${text(name)}, text = ${text(value)})`);
  for (const name of bound) bindings.push(`(name = ${text(name)}, service = ${text(name)})`);
  const beside = withCaller ? [...bound, 'caller'] : bound;
  const services = [
    '(name = "gateway", worker = .gateway)',
    `(name = "objects", disk = (path = ${text(path.join(folder, 'objects'))}, writable = true))`,
    '(name = "internet", network = (allow = ["private", "public", "local"]))',
    ...beside.map((name) => `(name = ${text(name)}, worker = (${besideWorker(name)}))`),
  ];
  const sockets = ['(name = "http", address = "127.0.0.1:0", http = (), service = "gateway")'];
  if (withCaller) sockets.push('(name = "caller", address = "127.0.0.1:0", http = (), service = "caller")');
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [${services.join(', ')}], sockets = [${sockets.join(', ')}], v8Flags = [${v8Flags.map(text).join(', ')}]);
const gateway :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "ferrogate_bg.wasm", wasm = embed "ferrogate_bg.wasm"),
    (name = "gateway.bin", data = embed "gateway.bin"),
  ],
  ${compatibility()}
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${Object.values(OBJECTS).map((className) => `(className = ${text(className)}, uniqueKey = ${text(className.toLowerCase())}, enableSql = true)`).join(', ')}],
  durableObjectStorage = (localDisk = "objects"),
);
`;
}

/** A Worker of one module that reaches the gateway only if it is the caller. */
function besideWorker(name) {
  const bindings = name === 'caller' ? 'bindings = [(name = "GATEWAY", service = "gateway")],' : '';
  return `modules = [(name = "${name}.js", esModule = embed "${name}.js")], ${compatibility()} ${bindings}`;
}

/** The compatibility date and flags that the Worker is deployed with. */
function compatibility() {
  const toml = fs.readFileSync(path.join(ROOT, 'wrangler.toml'), 'utf8');
  const date = /^compatibility_date = (".*")$/m.exec(toml)[1];
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(toml)[1];
  return `compatibilityDate = ${date}, compatibilityFlags = ${flags},`;
}
