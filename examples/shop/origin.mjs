// The example origin: json-server with the shop's data below /v1. It stands behind the gateway and trusts it: who is
// calling comes in `x-user-id`. It checks no tokens and sends no CORS fields; both are the gateway's work.
// Data lives in memory: every start begins with the same shop.

import jsonServer from 'json-server';
import { pathToFileURL } from 'node:url';
import { shopData } from './data.mjs';

const HOST = '127.0.0.1';
const DEFAULT_PORT = 4000;

/** Starts the shop on a port (0: a free one). `log` writes a line per request. */
export async function startOrigin({ port = 0, log = false } = {}) {
  const database = shopData();
  const app = jsonServer.create();
  // Uncompressed: `wrangler dev`, like Cloudflare, asks origins for brotli whatever the client accepts, but unlike
  // Cloudflare hands it on to clients that did not ask for it. curl would print gibberish.
  app.use(jsonServer.defaults({ logger: log, noCors: true, noGzip: true, bodyParser: true }));
  app.use('/v1/orders', (request, response, next) => keepToOwnOrders(database, request, response, next));
  app.use('/v1', jsonServer.router(database));
  const server = await listen(app, port);
  return { url: `http://${HOST}:${server.address().port}`, close: () => close(server) };
}

/** A customer lists, reads and places his own orders only. */
function keepToOwnOrders(database, request, response, next) {
  const customerId = request.get('x-user-id');
  if (customerId === undefined) return next();
  const id = request.path.slice(1);
  if (request.method === 'POST') request.body = { state: 'placed', ...request.body, customerId };
  else if (id === '') request.query.customerId = customerId;
  else if (database.orders.find((order) => String(order.id) === id)?.customerId !== customerId) return response.status(404).json({});
  return next();
}

function listen(app, port) {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, HOST);
    server.once('listening', () => resolve(server));
    server.once('error', reject);
  });
}

/** Ends at once: connections that the gateway keeps open do not hold it up. */
function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const origin = await startOrigin({ port: Number(process.argv[2] ?? DEFAULT_PORT), log: true });
  console.log(`The shop answers at ${origin.url}/v1/products`);
}
