// What it costs an isolate to load a gateway of many routes, and how large the compiled file is.
//
//   node bench/load.mjs [--routes 10,1000,10000] [--processes 9]      after `npm run bench:build`
//
// Decoding gateway.bin and starting the gateway, in the isolate, by the CPU of its thread, taken from outside. "first"
// is what a fresh isolate pays, with code that has never run: the median over fresh processes, less the same for one
// route. "again" is one of many repetitions in one isolate.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleFiles } from './contenders.mjs';
import { CLI_BINARY, INSIDE_BUNDLE, compatibility } from './lib/places.mjs';
import { mainThreadNanoseconds, scratchFolder, stop } from './lib/processes.mjs';
import { median, table } from './lib/statistics.mjs';
import { SECRET } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';

const AGAIN = 20;

const { values: options } = parseArgs({
  options: { routes: { type: 'string', default: '10,1000,10000' }, processes: { type: 'string', default: '9' } },
});

const HEAD = `[gateway]
name = "large"
[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.example.com/"
audience = "api"
secret = "\${JWT_SECRET}"
[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
[policies.api]
auth = "main"
request_headers = { remove = ["authorization"], set = { "x-user-id" = "{claims.sub}" } }
cors = { origins = ["https://app.example.com"] }
`;

/** Resources as APIs have them: a list, an item and what hangs below it, each with methods and a scope of its own. */
function route(index) {
  const resource = `/api/v${(index % 3) + 1}/area-${Math.floor(index / 60)}/resource-${Math.floor(index / 6) % 10}`;
  const shapes = ['GET ', 'POST ', 'GET /{id}', 'PUT /{id}', 'DELETE /{id}', 'GET /{id}/lines/{line}'];
  const [method, tail] = shapes[index % 6].split(' ');
  const below = `/n${Math.floor(index / 600)}`;
  return `[routes."${method} ${resource}${below}${tail}"]\nupstream = "origin"\nuse = "api"\nscopes = ["area-${Math.floor(index / 60) % 20}:read"]\n`;
}

/** The bundle of the Worker that runs cases, with a gateway of so many routes in it. */
function bundleWith(count) {
  const folder = join(scratchFolder(), `routes-${count}`);
  mkdirSync(folder, { recursive: true });
  for (const file of bundleFiles(INSIDE_BUNDLE)) copyFileSync(file, join(folder, basename(file)));
  const source = join(folder, 'gateway.toml');
  writeFileSync(source, HEAD + Array.from({ length: count }, (_, index) => route(index)).join(''));
  const started = Date.now();
  execFileSync(CLI_BINARY, ['compile', source, '--out', join(folder, 'gateway.bin')], { stdio: 'ignore' });
  return { files: bundleFiles(folder + '/'), compile: Date.now() - started, bytes: statSync(join(folder, 'gateway.bin')).size };
}

const start = (files) =>
  startWorkerd({
    files: files.filter((file) => !file.endsWith('.toml')),
    flags: compatibility().flags,
    bindings: { JWT_SECRET: SECRET, ORIGIN_URL: 'http://127.0.0.1:9' },
  });

/** CPU microseconds of a request that loads n times. */
async function cost(server, n) {
  const before = mainThreadNanoseconds(server.pid);
  const response = await fetch(`http://127.0.0.1:${server.port}/?case=load&n=${n}`);
  if (!response.ok) throw new Error(`inside-worker answered ${response.status}: ${await response.text()}`);
  await response.text();
  return (mainThreadNanoseconds(server.pid) - before) / 1000;
}

/** Of one fresh isolate: its first load with all that comes with a first request, and one of many more. */
async function sample(files) {
  const server = await start(files);
  try {
    const first = await cost(server, 1);
    for (let warm = 0; warm < 3; warm++) await cost(server, AGAIN);
    const empty = await cost(server, 0);
    return { first, again: ((await cost(server, AGAIN)) - empty) / AGAIN };
  } finally {
    await stop(server.child);
  }
}

async function measure(counts) {
  const bundles = counts.map((count) => ({ count, ...bundleWith(count), samples: [] }));
  for (let process = 0; process < Number(options.processes); process++) {
    for (const bundle of bundles) bundle.samples.push(await sample(bundle.files));
  }
  return bundles;
}

const [one, ...bundles] = await measure([1, ...options.routes.split(',').map(Number)]);
const base = median(one.samples.map((sample) => sample.first));
const milliseconds = (micros) => (micros / 1000).toFixed(2);
const lines = bundles.map(({ count, bytes, compile, samples }) => [
  String(count),
  (bytes / 1000).toFixed(1),
  String(compile),
  milliseconds(median(samples.map((sample) => sample.first)) - base),
  milliseconds(median(samples.map((sample) => sample.again))),
]);
console.log(table(['routes', 'gateway.bin KB', 'compile ms', 'load ms, first', 'load ms, again'], lines));
