// An upstream that keeps the bytes of every head that reaches it. Node's own server would refuse or repair what a
// gateway must never send, and so hide it. It answers 200, or breaks the connection where the path ends in `/fail`.

import net from 'node:net';

const HEAD_END = '\r\n\r\n';

/** Starts it on a port that is free. */
export async function startRawOrigin() {
  const origin = new RawOrigin();
  await origin.listen();
  return origin;
}

class RawOrigin {
  /** Every request: { head, method, target, lines }, one character for each byte. */
  seen = [];
  /** What came and was no request. */
  broken = [];
  #sockets = new Set();
  #server = net.createServer((socket) => this.#serve(socket));

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    const connection = new Connection(socket, this);
    socket.on('data', (bytes) => connection.take(bytes));
  }
}

/** One connection: a head, its body, the answer, and the next head. */
class Connection {
  #bytes = '';
  #request;

  constructor(socket, origin) {
    this.socket = socket;
    this.origin = origin;
  }

  take(bytes) {
    this.#bytes += bytes.toString('latin1');
    while (this.#advance());
  }

  /** Whether one more request has been answered. */
  #advance() {
    this.#request ??= this.#readHead();
    if (this.#request === undefined) return false;
    const end = bodyEnd(this.#request, this.#bytes);
    if (end === undefined) return false;
    this.#bytes = this.#bytes.slice(end);
    this.#answer(this.#request);
    this.#request = undefined;
    return true;
  }

  #readHead() {
    const end = this.#bytes.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const head = this.#bytes.slice(0, end);
    this.#bytes = this.#bytes.slice(end + HEAD_END.length);
    const [first, ...lines] = head.split('\r\n');
    const [method, target, version, ...rest] = first.split(' ');
    if (version !== 'HTTP/1.1' || rest.length > 0) this.origin.broken.push(head);
    const request = { head, method, target, lines };
    this.origin.seen.push(request);
    return request;
  }

  #answer({ method, target }) {
    if (target.split('?')[0].endsWith('/fail')) return this.socket.destroy();
    const body = method === 'HEAD' ? '' : 'ok';
    return this.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: raw\r\n\r\n${body}`);
  }
}

/** The values of a header of a request that was seen. */
export function valuesOf(request, name) {
  return request.lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
}

/** Where the body ends, or nothing as long as it has not. */
function bodyEnd(request, bytes) {
  if (valuesOf(request, 'transfer-encoding').includes('chunked')) return chunksEnd(bytes);
  const length = Number(valuesOf(request, 'content-length')[0] ?? 0);
  return bytes.length >= length ? length : undefined;
}

function chunksEnd(bytes) {
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = end < 0 ? Number.NaN : Number.parseInt(bytes.slice(at, end), 16);
    at = end + 2 + size + 2;
    if (Number.isNaN(size) || at > bytes.length) return undefined;
    if (size === 0) return at;
  }
}
