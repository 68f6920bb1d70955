// Starts one Worker in a workerd of its own: `workerd serve` with a generated configuration, no wrangler, no proxy.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { default as workerdPackage } from 'workerd';
import { compatibility } from './places.mjs';
import { CORES, freePort, portOpens, scratchFolder, start } from './processes.mjs';

const MODULE_KIND = { wasm: 'wasm', bin: 'data', txt: 'text' };
const text = JSON.stringify; // a string literal of Cap'n Proto looks like one of JSON
const workerd = workerdPackage.default; // a CommonJS module with a default export: the path of the binary
let started = 0;

const moduleLine = (file) => {
  const name = basename(file);
  return `(name = ${text(name)}, ${MODULE_KIND[name.split('.').pop()] ?? 'esModule'} = embed ${text(name)})`;
};

/** What a Worker with Durable Objects has besides; each class has storage of its own. */
function objectsOf(classes) {
  if (classes.length === 0) return '';
  const namespaces = classes.map((name) => `(className = ${text(name)}, uniqueKey = ${text(name)}, enableSql = true)`);
  return `durableObjectNamespaces = [${namespaces.join(', ')}], durableObjectStorage = (localDisk = "objects"),`;
}

/** worker: {files: [main, ...], bindings: {NAME: text}, objects: {NAME: class}, flags: [compatibility flag, ...],
 * v8Flags: [flag, ...]} */
function configuration(worker, port, folder) {
  const objects = Object.entries(worker.objects ?? {});
  const bindings = [
    ...Object.entries(worker.bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...objects.map(([name, value]) => `(name = ${text(name)}, durableObjectNamespace = ${text(value)})`),
  ];
  const disk = objects.length === 0 ? '' : `(name = "objects", disk = (path = ${text(join(folder, 'objects'))}, writable = true)),`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    ${disk}
    (name = "internet", network = (allow = ["private", "public", "local"])),
  ],
  v8Flags = [${(worker.v8Flags ?? []).map(text).join(', ')}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${worker.files.map(moduleLine).join(', ')}],
  compatibilityDate = ${text(compatibility().date)},
  compatibilityFlags = [${(worker.flags ?? []).map(text).join(', ')}],
  bindings = [${bindings.join(', ')}],
  ${objectsOf(objects.map(([, value]) => value))}
);
`;
}

/** Lays the files out and writes the configuration; `launch` starts the process and does not wait for it. */
export async function prepareWorkerd(worker) {
  const folder = join(scratchFolder(), `workerd-${started++}`);
  mkdirSync(join(folder, 'objects'), { recursive: true });
  for (const file of worker.files) copyFileSync(file, join(folder, basename(file)));
  const port = await freePort();
  const config = join(folder, 'config.capnp');
  writeFileSync(config, configuration(worker, port, folder));
  return { port, launch: (options) => start(CORES.server, workerd, ['serve', config], options) };
}

/** Gives back {port, pid, child}. What the Worker logs is dropped unless `stdout: "pipe"` asks for it. */
export async function startWorkerd(worker, options) {
  const { port, launch } = await prepareWorkerd(worker);
  const child = launch(options);
  await portOpens(port, child);
  return { port, pid: child.pid, child };
}
