// The least of a WebSocket server (RFC 6455): one short text message comes in, the same goes back.

import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Accepts, echoes, and notes in `call` which messages came. */
export function acceptWebSocket(request, socket, call) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64');
  const fields = ['upgrade: websocket', 'connection: Upgrade', `sec-websocket-accept: ${accept}`];
  call.messages = [];
  socket.on('error', () => {});
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
  socket.on('data', (frame) => {
    const message = unmasked(frame);
    if ((frame[0] & 0x0f) !== 1) return socket.end(Buffer.from([0x88, 0]));
    call.messages.push(message.toString());
    socket.write(Buffer.concat([Buffer.from([0x81, message.length]), message]));
  });
}

function unmasked(frame) {
  const mask = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6, 6 + (frame[1] & 0x7f)).map((byte, at) => byte ^ mask[at % 4]));
}
