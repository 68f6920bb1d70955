// One slice of load: a fixed number of requests by h2load, so small that slices of all contenders alternate quickly.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALLOWED_ORIGIN } from '../work.mjs';
import { CORES, cpuNanoseconds, output, scratchFolder } from './processes.mjs';

/** What a browser application sends; the token comes on top. */
const HEADERS = {
  accept: 'application/json, text/plain, */*',
  'accept-encoding': 'identity',
  'accept-language': 'en-GB,en;q=0.9,de;q=0.7',
  'cache-control': 'no-cache',
  'cf-connecting-ip': '203.0.113.77',
  origin: ALLOWED_ORIGIN,
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'x-api-version': '2026-01-01',
};

const number = (pattern, text) => Number(pattern.exec(text)?.[1] ?? NaN);

async function h2load({ port, path, token, requests, connections }, log) {
  const headers = Object.entries({ ...HEADERS, authorization: `Bearer ${token}` });
  const fields = headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const shape = ['--h1', '-t1', '-c', String(connections), '-n', String(requests), `--log-file=${log}`];
  return output(CORES.client, 'h2load', [...shape, ...fields, `http://127.0.0.1:${port}${path}`]);
}

const FRESH_LOAD = fileURLToPath(new URL('fresh-load.mjs', import.meta.url));

/** load: {port, path, token, requests, connections, status}, or `fresh` instead of `token` for a new one each request.
 * Answers of another status (h2load: status class) count as errors. */
export async function sendLoad(load) {
  if (load.fresh) {
    const spec = JSON.stringify({ ...load, headers: HEADERS });
    return JSON.parse(await output(CORES.client, process.execPath, [FRESH_LOAD, spec]));
  }
  const log = join(scratchFolder(), 'h2load.log');
  rmSync(log, { force: true });
  const report = await h2load(load, log);
  const expected = number(new RegExp(`(\\d+) ${String(load.status)[0]}xx`), report);
  const latencies = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]));
  return { errors: load.requests - expected, latencies };
}

/** Microseconds of CPU that the server spent on each request of a slice. */
export async function measureSlice(server, load) {
  const before = cpuNanoseconds(server.pid);
  const { errors, latencies } = await sendLoad({ ...load, port: server.port });
  return { cpu: (cpuNanoseconds(server.pid) - before) / load.requests / 1000, errors, latencies };
}
