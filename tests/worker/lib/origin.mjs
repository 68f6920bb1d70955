// The upstream of the tests, in the test's own process: what it does is named by the path behind its first segment,
// `/open/echo` and `/raw/echo` alike, and everything that reached it is kept. What breaks an answer half-way stands in
// broken.mjs.

import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { BROKEN } from './broken.mjs';
import { eventually } from './poll.mjs';
import { acceptWebSocket } from './web-socket.mjs';

const LARGEST_HEAD = 256 * 1024;
/** Some of it the gateway has to replace or to take away. */
const ECHO_HEAD = { 'content-type': 'application/json', server: 'origin', 'x-request-id': 'the-origin', 'x-frame-options': 'ALLOWALL' };
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Starts it on a port that is free. */
export async function startOrigin() {
  const origin = new Origin();
  await origin.listen();
  return origin;
}

/** Writes on until the gateway has closed the connection. A proxy may notice only when something comes. */
export function writeUntilCut(call) {
  const writeMore = () => {
    if (!call.cut) call.response.write('more');
    return call.cut;
  };
  return eventually(writeMore, () => `${call.path} is still read`);
}

class Origin {
  /** Every request: { method, url, path, headers, fields, bytes, whole (undefined until the body of the request has ended or
   * broken), cut (closed by the gateway before its answer ended), response }. */
  seen = [];
  #server = http.createServer({ maxHeaderSize: LARGEST_HEAD }, (request, response) => this.#serve(request, response));

  async listen() {
    this.#server.on('upgrade', (request, socket) => acceptWebSocket(request, socket, this.#note(request)));
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Ends everything, answers that still hang too. */
  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  /** The requests that named this path, without their query. */
  of(path) {
    return this.seen.filter((call) => call.path === path);
  }

  /** Waits until the n-th request for a path is here, and gives it. */
  arrival(path, number = 1) {
    return eventually(() => this.of(path)[number - 1], () => `${path} was not asked for ${number} times`);
  }

  #note(request) {
    const [path] = request.url.split('?');
    const call = { method: request.method, url: request.url, path, headers: request.headers, fields: pairs(request.rawHeaders), bytes: 0, cut: false };
    this.seen.push(call);
    return call;
  }

  #serve(request, response) {
    const call = this.#note(request);
    call.response = response;
    request.once('close', () => { call.whole = request.complete; });
    response.once('close', () => { call.cut = !response.writableFinished; });
    const [, , name, value] = call.path.split('/');
    const serve = BEHAVIOURS[name] ?? BROKEN[name] ?? BEHAVIOURS.echo;
    request.on('error', () => {});
    serve(request, response, call, value);
  }
}

/** `response.write` and `.end` of a call that hangs are how a test goes on with it. */
const BEHAVIOURS = {
  async echo(request, response, call) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { method, url, fields } = call;
    answer(response, 200, ECHO_HEAD, JSON.stringify({ method, url, fields, body }));
  },
  hang() {},
  /** The head and a first chunk; the rest when the test says so. */
  drip(request, response) {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('first');
  },
  /** One event; more when the test says so. */
  events(request, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write('data: 0\n\n');
  },
  /** Some of the bytes that the head announces, and no more. */
  part(request, response) {
    response.writeHead(200, { 'content-length': 100 });
    response.write('first');
  },
  async big(request, response, call, value) {
    const length = Number(value);
    response.writeHead(200, { 'content-length': length });
    for (let sent = 0; sent < length; sent += CHUNK.length) {
      if (!response.write(CHUNK.subarray(0, Math.min(CHUNK.length, length - sent)))) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  },
  /** The answer has ended before anything of the request is read; that goes on. */
  hasty(request, response, call) {
    request.on('data', (chunk) => { call.bytes += chunk.length; });
    answer(response, 200, {}, 'hasty');
  },
  sink(request, response, call) {
    request.on('data', (chunk) => { call.bytes += chunk.length; });
    request.once('end', () => answer(response, 200, {}, String(call.bytes)));
  },
  gzip: (request, response) => answer(response, 200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }, gzipSync('unpacked')),
  redirect: (request, response) => answer(response, 302, { location: '/open/echo' }, 'moved'),
  cookies: (request, response) => answer(response, 200, { 'set-cookie': ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'] }, 'cookies'),
  /** Tells what it has cost. */
  cost: (request, response, call, value) => answer(response, 200, { 'x-cost': value }, 'dear'),
  /** Tells its own times. */
  timed: (request, response) => answer(response, 200, { 'server-timing': 'db;dur=53' }, 'timed'),
  status: (request, response, call, value) => answer(response, Number(value), { etag: '"7"' }),
  /** Speaks for itself about CORS. */
  cors: (request, response) => answer(response, 200, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true', vary: 'Accept' }, 'cors'),
};

function answer(response, status, headers, body) {
  response.writeHead(status, headers);
  response.end(body);
}

function pairs(raw) {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]]] : []));
}
