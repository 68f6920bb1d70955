// A small WebSocket server (RFC 6455) for whole messages of up to 65,535 bytes: what comes in goes back. A text
// `close CODE REASON` makes it close with these, `vanish` makes it drop the connection.

import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10];

/** Accepts with the first subprotocol that is offered, echoes, and notes in `call` which messages came and how it was closed. */
export function acceptWebSocket(request, socket, call) {
  if (call.path.endsWith('/unwelcome')) return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nx-reason: unwelcome\r\n\r\nno');
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64');
  const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(',');
  const fields = ['upgrade: websocket', 'connection: Upgrade', `sec-websocket-accept: ${accept}`, ...(protocol === '' ? [] : [`sec-websocket-protocol: ${protocol.trim()}`])];
  call.messages = [];
  socket.on('error', () => {});
  // Sockets of Node's HTTP server stay half open unless somebody ends them.
  socket.once('end', () => socket.end()).once('close', () => { call.cut = true; });
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
  let bytes = Buffer.alloc(0);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    for (let read = readFrame(bytes); read !== undefined; read = readFrame(bytes)) {
      bytes = bytes.subarray(read.end);
      serve(read, socket, call);
    }
  });
  return undefined;
}

function serve({ kind, payload }, socket, call) {
  if (kind === CLOSE) {
    call.closed = payload.length < 2 ? { code: undefined, reason: '' } : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    return socket.end(frame(CLOSE, payload));
  }
  if (kind === PING) return socket.write(frame(PONG, payload));
  if (kind !== TEXT && kind !== BINARY) return undefined;
  call.messages.push(kind === TEXT ? payload.toString() : payload);
  const [word, code, ...reason] = kind === TEXT ? payload.toString().split(' ') : [];
  if (word === 'vanish') return socket.resetAndDestroy();
  if (word === 'close') return socket.write(frame(CLOSE, closing(Number(code), reason.join(' '))));
  return socket.write(frame(kind, payload));
}

function closing(code, reason) {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

function frame(kind, payload) {
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x80 | kind, payload.length]), payload]);
  const head = Buffer.from([0x80 | kind, 126, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** A whole frame of a client, unmasked, and where it ends; nothing as long as it is not all there. */
function readFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const at = short === 126 ? 4 : 2;
  if (bytes.length < at + 4) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  const end = at + 4 + length;
  if (bytes.length < end) return undefined;
  const mask = bytes.subarray(at, at + 4);
  return { kind: bytes[0] & 0x0f, payload: Buffer.from(bytes.subarray(at + 4, end).map((byte, index) => byte ^ mask[index % 4])), end };
}
