// A client that sends requests when their time has come, whether or not those before have been answered (open loop): a
// gateway that gets slow gets no fewer requests, and what one waits for counts from when it should have been sent.

import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** By then a request has no answer. */
const TIMEOUT_MS = 30_000;

/**
 * Sends `rate` requests a second for so many seconds, to these ports in turn, on connections that are kept. `path`,
 * `method`, `headers` and `body` are the same for all, or functions of a request's number.
 */
export function load({ rate, seconds, ...rest }) {
  return send({ ...rest, count: Math.round(rate * seconds), dueAt: (number) => (number * 1000) / rate });
}

/** Sends so many requests at once. */
export function burst({ count, ...rest }) {
  return send({ ...rest, count, dueAt: () => 0 });
}

/**
 * Sends requests as fast as they are answered, so many at a time to each port, until there were `count` or until `stop()` of
 * what this gives. Its `requests` are { port, sentMs, doneMs, status, headers, body } by `performance.now()`, in the order of
 * their ends; `stop()` and `done` come to the same. What is sent is as for `load`.
 */
export function hammer({ ports, each, count = Infinity, timeoutMs = TIMEOUT_MS, ...request }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const requests = [];
  let [most, number] = [count, 0];
  const run = async (port) => {
    while (number < most) {
      const sentMs = performance.now();
      const result = await exchange({ port, agent, timeoutMs, ...given(request, number++) }).catch((error) => ({ error: error.message }));
      requests.push({ port, sentMs, doneMs: performance.now(), ...result });
    }
  };
  const runs = ports.flatMap((port) => Array.from({ length: each }, () => run(port)));
  const done = Promise.all(runs).then(() => {
    agent.destroy();
    return requests;
  });
  const stop = () => {
    most = 0;
    return done;
  };
  return { requests, done, stop };
}

async function send({ ports, count, dueAt, timeoutMs = TIMEOUT_MS, ...request }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const requests = [];
  try {
    while (requests.length < count) {
      const number = requests.length;
      // A timer may go off a little early.
      while (elapsed() < dueAt(number)) await pause(dueAt(number) - elapsed());
      requests.push(one({ number, port: ports[number % ports.length], dueMs: dueAt(number), elapsed, agent, timeoutMs, request }));
    }
    return new Outcome(await Promise.all(requests));
  } finally {
    agent.destroy();
  }
}

/** One request: { number, port, dueMs, sentMs, ms, status, headers, body } or, without an answer, `error` instead of the last three. */
async function one({ number, port, dueMs, elapsed, agent, timeoutMs, request }) {
  const sentMs = elapsed();
  const result = await exchange({ port, agent, timeoutMs, ...given(request, number) }).catch((error) => ({ error: error.message }));
  return { number, port, dueMs, sentMs, ms: elapsed() - dueMs, ...result };
}

/** What the request of this number is. */
function given(request, number) {
  return Object.fromEntries(Object.entries(request).map(([key, value]) => [key, typeof value === 'function' ? value(number) : value]));
}

function exchange({ port, agent, timeoutMs, path, method = 'GET', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, agent, path, method, headers, signal: AbortSignal.timeout(timeoutMs) });
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.end(body);
  });
}

/** What became of the requests. */
class Outcome {
  constructor(requests) {
    this.requests = requests;
  }

  /** How many answers there were of each status; those without an answer are under 0. */
  get statuses() {
    const counts = {};
    for (const { status = 0 } of this.requests) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** The milliseconds that this share of the answered requests took at most: `latency(0.5)` is the median. */
  latency(share) {
    const sorted = this.requests.filter(({ status }) => status !== undefined).map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  }
}
