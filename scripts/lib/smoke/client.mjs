// Requests of the smoke checks, on Node's own HTTP so that a path goes out as it is written. Each has a connection of its
// own unless an agent says otherwise; nothing is followed, and nothing takes longer than ten seconds.

import http from 'node:http';
import https from 'node:https';

const WITHIN_MS = 10_000;

/** The gateway under test: `url` is a URL, `host` what stands in `Host` if not what the URL says. */
export class Target {
  constructor({ url, host, token, origin }) {
    Object.assign(this, { url, host, token, origin });
    this.secure = url.protocol === 'https:';
  }

  /** Sends a request. Gives { status, headers, localPort, body, json() }. */
  ask(path, options = {}) {
    return ask(this.url, path, { ...options, headers: this.#headers(options) });
  }

  #headers({ headers = {}, token }) {
    const host = this.host === undefined ? {} : { host: this.host };
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return { ...host, ...authorization, ...headers };
  }
}

/** Sends a request to a server, with its body in pieces if that is a list; see `Target.ask`. */
export function ask(url, path, { method = 'GET', headers = {}, body, agent = false } = {}) {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    // A name in the certificate belongs to the host that is asked for, wherever that is.
    const servername = headers.host?.split(':')[0];
    const request = client.request(url, { path, method, headers, agent, servername, signal: AbortSignal.timeout(WITHIN_MS) });
    // Who has an answer need not mind that the rest of the body is not wanted.
    let answered = false;
    request.on('error', (error) => { if (!answered) reject(new Error(`no answer: ${error.message}`)); });
    request.once('response', (response) => {
      answered = true;
      read(response).then(resolve, reject);
    });
    if (Array.isArray(body)) for (const piece of body) request.write(piece);
    request.end(Array.isArray(body) ? undefined : body);
  });
}

async function read(response) {
  const { statusCode: status, headers } = response;
  const { localPort } = response.socket;
  const chunks = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (error) {
    // A refusal may end the connection under the body of the request.
    if (!response.complete) throw new Error(`the answer ${status} broke off: ${error.message}`);
  }
  const bytes = Buffer.concat(chunks);
  return { status, headers, localPort, body: bytes.toString(), json: () => parsed(bytes.toString()) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`expected JSON, found ${JSON.stringify(text.slice(0, 100))}`);
  }
}
