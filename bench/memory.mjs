// Does the wasm memory of a warm Worker stay as it is? 100,000 answered requests, and 10,000 each of cancelled, parked
// and failed ones, must not make it grow, leave a slot taken, or reset the instance.
//
//   node bench/memory.mjs [--requests 100000] [--others 10000] [--parked-path PATH]
//
// Runs the test-only build (build/faults/bundle), for it answers GET /__ferrogate/memory with {bytes, slots, resets};
// its configuration is replaced by that of the benchmark. Says nothing about the JavaScript heap.
import { existsSync } from 'node:fs';
import net from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundleFiles } from './contenders.mjs';
import { sendLoad } from './lib/load.mjs';
import { BODY, startNode } from './lib/origins.mjs';
import { FAULTS_BUNDLE, FERROGATE_BUNDLE, compatibility } from './lib/places.mjs';
import { requireTools, stop } from './lib/processes.mjs';
import { table } from './lib/statistics.mjs';
import { SECRET, makeTokens } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';
import { MEASURED } from './routes.mjs';

const CONFIGURATION = 'gateway.bin';
const HANGING = '/api/v1/items/hang'; // the origin never answers it
const AT_ONCE = 100; // requests that are cancelled together
const WARM_UP = 4000; // requests of each other kind before the first look
const WATCHED_AFTER_MS = 50; // the entry watches clients that have waited for 25 ms
const SETTLED_WITHIN_MS = 5000; // slots of cancelled requests are free by then

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    others: { type: 'string', default: '10000' },
    'parked-path': { type: 'string', default: '/health/ready?fault=brief-park' },
  },
});
const token = makeTokens().good;
const hanging = new Set();
let onHanging = () => {};

function answer(request, response) {
  if (request.url.startsWith(HANGING)) {
    hanging.add(response);
    response.once('close', () => hanging.delete(response));
    onHanging();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) });
  response.end(BODY);
}

function faultsBuild() {
  const files = bundleFiles(FAULTS_BUNDLE).filter((file) => basename(file) !== CONFIGURATION);
  const all = [...files, join(FERROGATE_BUNDLE, CONFIGURATION)];
  const missing = all.filter((file) => !existsSync(file));
  if (missing.length > 0) {
    console.error(`not built: ${missing.join(', ')}`);
    process.exit(1);
  }
  return all;
}

async function look(port) {
  const response = await fetch(`http://127.0.0.1:${port}/__ferrogate/memory`);
  if (!response.ok) throw new Error(`/__ferrogate/memory answered ${response.status}: is this the test-only build?`);
  return response.json();
}

/** Looks until no slot is taken, for a while. */
async function settled(port) {
  let memory = await look(port);
  for (const start = Date.now(); memory.slots > 0 && Date.now() - start < SETTLED_WITHIN_MS; await sleep(10)) {
    await load(port, '/health/live', 10, 200); // each request sweeps a few slots whose time is over
    memory = await look(port);
  }
  return memory;
}

/** Sends requests and wants answers of one status class; without a status any answer will do. */
async function load(port, path, requests, status) {
  const { errors } = await sendLoad({ port, path, token, requests, connections: 8, status: status ?? 200 });
  if (status && errors > 0) throw new Error(`${path}: ${errors} of ${requests} answers were not ${status}`);
}

function openRequest(port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET ${HANGING} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return socket;
}

/** Resolves when the origin holds so many requests; fails when they do not arrive. */
async function held(count) {
  const { promise, resolve, reject } = Promise.withResolvers();
  onHanging = () => hanging.size >= count && resolve();
  const timer = setTimeout(
    () => reject(new Error(`only ${hanging.size} of ${count} requests reached the origin`)),
    20_000,
  );
  onHanging();
  await promise;
  clearTimeout(timer);
}

/** Requests whose client resets the connection while the upstream hangs. */
async function cancel(port, requests) {
  for (let done = 0; done < requests; done += AT_ONCE) {
    const sockets = Array.from({ length: AT_ONCE }, () => openRequest(port));
    await held(AT_ONCE);
    if ((done / AT_ONCE) % 2 === 0) await sleep(WATCHED_AFTER_MS); // half of them leave before anybody watches
    for (const socket of sockets) socket.resetAndDestroy();
    for (const start = Date.now(); hanging.size > 0 && Date.now() - start < SETTLED_WITHIN_MS; await sleep(2));
    for (const response of hanging) response.destroy(); // workerd kept its side open
    while (hanging.size > 0) await sleep(1);
  }
}

const requests = Number(options.requests);
const others = Number(options.others);
const phases = (port, origin) => [
  [`${requests} answered`, () => load(port, MEASURED.path, requests, 200)],
  [`${others} cancelled`, () => cancel(port, others)],
  [`${others} parked`, () => load(port, options['parked-path'], others)],
  [`${others} failed`, async () => (await origin.stop()) ?? load(port, MEASURED.path, others, 502)],
];

/** One of each kind at the width of the later load. A refused connection is the last phase's first request. */
async function warmUp(port) {
  await load(port, MEASURED.path, WARM_UP, 200);
  await cancel(port, others); // as many as are looked at: how many slots are taken at once depends on the rate
  await load(port, options['parked-path'], WARM_UP);
}

async function measure(port, origin) {
  await warmUp(port);
  const before = await settled(port);
  const rows = [['warm', before.bytes, '', before.slots, before.resets]];
  let good = before.slots === 0 && before.resets === 0;
  for (const [name, run] of phases(port, origin)) {
    await run();
    const after = await settled(port);
    rows.push([name, after.bytes, after.bytes - before.bytes, after.slots, after.resets]);
    good &&= after.bytes === before.bytes && after.slots === 0 && after.resets === 0;
  }
  console.log(table(['after', 'wasm bytes', 'growth', 'slots taken', 'resets'], rows));
  return good;
}

requireTools('h2load');
const origin = await startNode(answer);
const server = await startWorkerd({
  files: faultsBuild(),
  flags: compatibility().flags,
  bindings: { JWT_SECRET: SECRET, ORIGIN_URL: origin.url },
});
const good = await measure(server.port, origin);
await stop(server.child);
if (!good) console.error('memory grew, a slot stayed taken, or the instance was reset');
process.exit(good ? 0 : 1);
