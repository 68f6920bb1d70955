// Local TCP ports: a free one, or a clear word that one is taken.

import net from 'node:net';
import { Complaint } from './progress.mjs';

export const HOST = '127.0.0.1';

/** The port to serve on: the wanted one if nobody has it, any free one for 0. */
export async function claimPort(wanted) {
  if (wanted !== 0 && await answers(wanted)) throw new Complaint(taken(wanted));
  try {
    return await bind(wanted);
  } catch (error) {
    if (error.code === 'EADDRINUSE') throw new Complaint(taken(wanted));
    if (error.code === 'EACCES') throw new Complaint(`port ${wanted} needs more rights than this user has. Pick one above 1023 with --port.`);
    throw error;
  }
}

function taken(port) {
  return `port ${port} is taken. Pick another with --port, or --port 0 for any free one.`;
}

/** A server on all addresses does not stop us from binding the local one on every system; its answer does. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: HOST });
    const settle = (found) => { socket.destroy(); resolve(found); };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function bind(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(port, HOST, () => {
      const bound = server.address().port;
      server.close(() => resolve(bound));
    });
  });
}
