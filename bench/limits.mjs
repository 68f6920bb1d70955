// What a limit costs end to end: a proxy without and with one, in several Workers, by the CPU of the whole process per request.
//
//   node bench/limits.mjs [--rounds 15] [--n 400]      after `npm run bench:limits` has built
//
// All do the same: count by the address of the client, forward, tell what is left, log a line; the sixth request in a minute
// where five are allowed gets 429. That is checked first. Every request of the load is for one client, so the limit is warm.
// The objects that count run in the same process, so that their share is in the figures. What limits cost by how keys are
// spread: limit-hops.mjs.
import { existsSync } from 'node:fs';
import http from 'node:http';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleFiles } from './contenders.mjs';
import { measureSlice, sendLoad } from './lib/load.mjs';
import { startMiniflare } from './lib/miniflare.mjs';
import { startNginx } from './lib/origins.mjs';
import { BUILT_CONTENDERS, FERROGATE_BUNDLE, INSIDE_BUNDLE, compatibility } from './lib/places.mjs';
import { requireTools, stop } from './lib/processes.mjs';
import { fastestQuarter, median, table } from './lib/statistics.mjs';
import { SECRET } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';

const WARM_UP_SLICES = 5;
const CONNECTIONS = 8;
const WITHOUT = '/api/v1/plain-0/42';
const WITH = '/api/v1/plain-1/42';
const FEW = '/api/v1/plain-5/42';
const CONFIGURATION = 'gateway.bin';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, n: { type: 'string', default: '400' } } });
const rounds = Number(options.rounds);
const requests = Number(options.n);

const built = (name) => [join(BUILT_CONTENDERS, `${name}.js`)];
const COUNTER = { COUNTER: 'Counter' };

/** The Workers. `mute`: it cannot tell clients what is left. */
const WORKERS = {
  ferrogate: {
    name: 'Ferrogate',
    files: [...bundleFiles(FERROGATE_BUNDLE).filter((file) => basename(file) !== CONFIGURATION), join(INSIDE_BUNDLE, CONFIGURATION)],
    flags: compatibility().flags,
    objects: { LIMITS: 'Limits' },
  },
  bare: { name: 'JavaScript, one call of an object for each request', files: built('limits-bare'), objects: COUNTER },
  hono: { name: 'Hono, one call of an object for each request', files: built('limits-hono'), objects: COUNTER },
  binding: {
    name: "JavaScript, Cloudflare's binding as Miniflare simulates it",
    files: built('limits-binding'),
    ratelimits: { MANY: { limit: 1_000_000, period: 60 }, FEW: { limit: 5, period: 60 } },
    mute: true,
  },
};

async function startWorker(worker, originUrl) {
  const bindings = { ORIGIN_URL: originUrl, JWT_SECRET: SECRET };
  if (worker.ratelimits !== undefined) return startMiniflare({ ...worker, bindings });
  const server = await startWorkerd({ flags: [], ...worker, bindings });
  return { ...server, stop: () => stop(server.child) };
}

function get(port, path, address) {
  return new Promise((resolve, reject) => {
    const headers = { 'cf-connecting-ip': address };
    const sent = http.get({ port, path, agent: false, headers }, (response) => {
      response.resume().once('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    sent.once('error', reject);
  });
}

/** What a Worker does wrong, as text. Its calendar windows may end meanwhile, so it may try twice. */
async function faultsOf(worker, { port }, address) {
  const wrong = [];
  const expect = (what, condition, { status, headers }) => condition || wrong.push(`${what}: ${status} ${JSON.stringify(headers)}`);
  const tells = ({ headers }, name, limit, left) =>
    worker.mute || (headers['ratelimit-policy'] === `"${name}";q=${limit};w=60` && new RegExp(`^"${name}";r=${left};t=[0-9]+$`).test(headers.ratelimit));
  const plain = await get(port, WITHOUT, address);
  expect('without a limit', plain.status === 200 && plain.headers.ratelimit === undefined, plain);
  const many = await get(port, WITH, address);
  expect('with a limit', many.status === 200 && tells(many, 'client', 1_000_000, '9999[0-9]{2}'), many);
  for (let left = 4; left >= 0; left--) {
    const answer = await get(port, FEW, address);
    expect(`with ${left} left`, answer.status === 200 && tells(answer, 'few', 5, left), answer);
  }
  const refused = await get(port, FEW, address);
  const { 'retry-after': after, 'content-type': type } = refused.headers;
  expect('the sixth', refused.status === 429 && Number(after) >= 1 && Number(after) <= 61 && type === 'application/problem+json', refused);
  expect('the sixth is told', tells(refused, 'few', 5, 0), refused);
  const other = await get(port, FEW, `${address}9`);
  expect('another client', other.status === 200, other);
  return wrong;
}

async function check(servers) {
  for (const [key, server] of Object.entries(servers)) {
    let wrong = await faultsOf(WORKERS[key], server, '203.0.113.1');
    if (wrong.length > 0) wrong = await faultsOf(WORKERS[key], server, '203.0.113.2');
    if (wrong.length > 0) throw new Error(`${WORKERS[key].name} does not do the work: ${wrong.join('; ')}`);
  }
}

const ROWS = Object.keys(WORKERS).flatMap((key) => [WITHOUT, WITH].map((path) => ({ key, path, row: `${key} ${path}` })));

async function measure(servers) {
  const load = (path) => ({ path, token: 'none', status: 200, requests, connections: CONNECTIONS });
  for (let slice = 0; slice < WARM_UP_SLICES; slice++) {
    for (const { key, path } of ROWS) await sendLoad({ ...load(path), port: servers[key].port });
  }
  const slices = Object.fromEntries(ROWS.map(({ row }) => [row, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? ROWS : ROWS.toReversed();
    for (const { key, path, row } of order) slices[row].push(await measureSlice(servers[key], load(path)));
  }
  return slices;
}

function print(slices) {
  const cpu = (key, path) => slices[`${key} ${path}`].map((slice) => slice.cpu);
  const added = (key) => fastestQuarter(cpu(key, WITH)) - fastestQuarter(cpu(key, WITHOUT));
  const lines = Object.entries(WORKERS).map(([key, { name }]) => [
    name,
    fastestQuarter(cpu(key, WITHOUT)).toFixed(1),
    fastestQuarter(cpu(key, WITH)).toFixed(1),
    `${added(key).toFixed(1)} (${median(cpu(key, WITH).map((time, round) => time - cpu(key, WITHOUT)[round])).toFixed(1)})`,
    (fastestQuarter(cpu(key, WITH)) / fastestQuarter(cpu('ferrogate', WITH))).toFixed(2),
  ]);
  console.log(`${rounds} rounds of ${requests} requests; fastest quarter (median of rounds)\n`);
  console.log(table(['CPU µs for a request', 'without', 'with a limit', 'the limit adds', '/ Ferrogate, with'], lines));
}

requireTools('h2load', 'nginx', 'taskset');
const missing = Object.values(WORKERS).flatMap(({ files }) => files.filter((file) => !existsSync(file)));
if (missing.length > 0) {
  console.error(`not built: ${missing.join(', ')}; run \`npm run bench:limits\``);
  process.exit(1);
}
const origin = await startNginx();
const servers = {};
try {
  for (const [key, worker] of Object.entries(WORKERS)) servers[key] = await startWorker(worker, origin.url);
  await check(servers);
  const slices = await measure(servers);
  print(slices);
  const errors = Object.values(slices).flat().reduce((sum, slice) => sum + slice.errors, 0);
  if (errors > 0) throw new Error(`void: ${errors} answers were not 200`);
} finally {
  for (const server of Object.values(servers)) await server.stop();
  await origin.stop();
}
