// A slice of load in which every request has a token of its own. h2load cannot do that, so this is a Node client in a
// process of its own, on the client's core. Started by load.mjs, with the load as JSON; prints {errors, latencies}.
import http from 'node:http';
import { freshTokens } from './tokens.mjs';

const { port, path, requests, connections, status, headers } = JSON.parse(process.argv[2]);
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const tokens = freshTokens(requests);
const latencies = [];
let errors = 0;

/** One request to the end of its answer. */
function send(token) {
  const started = process.hrtime.bigint();
  return new Promise((resolve) => {
    const failed = () => resolve((errors += 1));
    const options = { port, path, agent, headers: { ...headers, authorization: `Bearer ${token}` } };
    const sent = http.get(options, (response) => {
      if (response.statusCode !== status) errors += 1;
      response.resume().once('error', failed).once('end', () => {
        latencies.push(Number((process.hrtime.bigint() - started) / 1000n));
        resolve();
      });
    });
    sent.once('error', failed);
  });
}

/** One connection's share, a request after the other. */
async function run() {
  for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) await send(token);
}

await Promise.all(Array.from({ length: connections }, run));
agent.destroy();
console.log(JSON.stringify({ errors, latencies }));
