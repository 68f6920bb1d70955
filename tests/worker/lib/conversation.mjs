// One connection of a client that keeps to no rule: writes its requests, together or one after another, says that it is
// done, and reads until the server closes. Gives all answers, or why what came is none.

import net from 'node:net';
import { within } from './poll.mjs';

const ENDS_WITHIN_MS = 10_000;

/** Gives { answers: [{ status, lines, field, body }], rest }. `rest` is what was no whole answer. */
export async function converse(port, conversation) {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
  const reader = new Answers(conversation.cases.map(({ method }) => method));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  socket.on('error', () => {}).on('data', (bytes) => reader.take(bytes));
  try {
    await within(ENDS_WITHIN_MS, talk(socket, reader, ended, conversation), 'a conversation');
  } finally {
    socket.destroy();
    await closed;
  }
  return reader.conclude();
}

async function talk(socket, reader, ended, { cases, pipelined, leaves }) {
  const send = (wire) => socket.write(Buffer.from(wire, 'latin1'));
  if (pipelined || leaves) send(cases.map(({ wire }) => wire).join(''));
  else for (const [at, { wire }] of cases.entries()) {
    if (socket.destroyed || socket.readableEnded) break;
    send(wire);
    if (at < cases.length - 1) await Promise.race([ended, reader.has(at + 1)]);
  }
  if (leaves) socket.resetAndDestroy();
  else socket.end();
  await ended;
}

/** Reads answers (RFC 9112) as they come. */
class Answers {
  #bytes = '';
  #answers = [];
  #waiting = [];

  constructor(methods) {
    this.methods = methods;
  }

  take(bytes) {
    this.#bytes += bytes.toString('latin1');
    for (let answer = this.#next(); answer !== undefined; answer = this.#next()) {
      if (answer.status >= 200) this.#answers.push(answer);
    }
    for (const { count, resolve } of this.#waiting) if (this.#answers.length >= count) resolve();
  }

  /** Resolves when there are so many answers. */
  has(count) {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      if (this.#answers.length >= count) resolve();
    });
  }

  /** The connection has ended, and with it an answer that does not say where it ends. */
  conclude() {
    const end = this.#bytes.indexOf('\r\n\r\n');
    const head = end < 0 ? undefined : readHead(this.#bytes.slice(0, end));
    const unframed = head !== undefined && !head.field('transfer-encoding').includes('chunked') && head.field('content-length').length === 0;
    if (!unframed) return { answers: this.#answers, rest: this.#bytes };
    return { answers: [...this.#answers, { ...head, body: this.#bytes.slice(end + 4) }], rest: '' };
  }

  #next() {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = readHead(this.#bytes.slice(0, end));
    if (head === undefined) return undefined;
    const body = this.#bytes.slice(end + 4);
    const read = readBody(head, this.methods[this.#answers.length], body);
    if (read === undefined) return undefined;
    this.#bytes = body.slice(read.end);
    return { ...head, body: read.body };
  }
}

function readHead(text) {
  const [first, ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: [\x20-\x7e]*)?$/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const field = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
  return { status: Number(status), lines, field };
}

/** The body and where it ends, or nothing as long as it has not come whole. */
function readBody(head, method, text) {
  if (head.status < 200 || head.status === 204 || head.status === 304) return { body: '', end: 0 };
  const [length] = head.field('content-length');
  // A server that could not read the request does not know either that it was a HEAD.
  if (method === 'HEAD' && !(head.status === 400 && text.length > 0 && !text.startsWith('HTTP/1.'))) return { body: '', end: 0 };
  if (head.field('transfer-encoding').includes('chunked')) return readChunks(text);
  if (length === undefined) return undefined;
  return text.length < Number(length) ? undefined : { body: text.slice(0, Number(length)), end: Number(length) };
}

function readChunks(text) {
  const chunks = [];
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = end < 0 ? Number.NaN : Number.parseInt(text.slice(at, end), 16);
    const next = end + 2 + size + 2;
    if (Number.isNaN(size) || next > text.length) return undefined;
    if (size === 0) return { body: chunks.join(''), end: next };
    chunks.push(text.slice(end + 2, end + 2 + size));
    at = next;
  }
}
