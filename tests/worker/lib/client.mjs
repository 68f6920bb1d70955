// Clients. `ask` is an ordinary one that follows nothing and keeps no connection; `speak` sends bytes as they are and
// tells whether the answer was complete by its own framing, whatever its status says.

import http from 'node:http';
import net from 'node:net';

/** One request on a connection of its own. Gives { status, headers, bytes, body, json() }; `onData` sees what comes. */
export function ask(port, target, { method = 'GET', headers = {}, body, onData = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, method, headers, agent: false });
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => {
        chunks.push(chunk);
        onData(chunk);
      });
      response.once('error', reject);
      response.once('end', () => resolve(answerOf(response, Buffer.concat(chunks))));
    });
    request.end(body);
  });
}

function answerOf(response, bytes) {
  const body = bytes.toString();
  return { status: response.statusCode, headers: response.headers, bytes, body, json: () => JSON.parse(body) };
}

/** Opens a connection. Whatever the server does to it later is no failure of the test. */
export async function connect(port) {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', () => {});
  return socket;
}

/** Sends text, or bytes, and gives what came back until it was complete or the connection ended; see `readAnswer`. */
export async function speak(port, sent) {
  const socket = await connect(port);
  let answer = readAnswer(Buffer.alloc(0));
  const chunks = [];
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    answer = readAnswer(Buffer.concat(chunks));
    if (answer.complete && answer.framed) socket.destroy();
  });
  socket.write(sent);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

/** A request head that asks for the end of the connection behind the answer. */
export function head(method, target, lines = []) {
  return [`${method} ${target} HTTP/1.1`, 'host: gateway.test', 'connection: close', ...lines, '', ''].join('\r\n');
}

/** Splits an answer. `complete` says whether a client may take it for whole (RFC 9112 section 6.3), `framed` whether it says itself where it ends. */
export function readAnswer(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { status: 0, fields: [], body: Buffer.alloc(0), framed: false, complete: false };
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const fields = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  const field = (name) => fields.find(([known]) => known === name)?.[1];
  const rest = bytes.subarray(end + 4);
  const status = Number(first.split(' ')[1]);
  if (field('transfer-encoding') === 'chunked') return { status, fields, field, framed: true, ...unchunk(rest) };
  const length = field('content-length');
  const complete = length === undefined || rest.length === Number(length);
  return { status, fields, field, framed: length !== undefined, body: rest, complete };
}

function unchunk(framed) {
  const chunks = [];
  for (let at = 0; ; ) {
    const end = framed.indexOf('\r\n', at);
    const size = end < 0 ? Number.NaN : Number.parseInt(framed.subarray(at, end).toString('latin1'), 16);
    const next = end + 2 + size + 2;
    if (Number.isNaN(size) || next > framed.length) return { body: Buffer.concat(chunks), complete: false };
    if (size === 0) return { body: Buffer.concat(chunks), complete: true };
    chunks.push(framed.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
