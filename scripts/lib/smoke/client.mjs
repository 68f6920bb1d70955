// Requests of the smoke checks, on Node's own HTTP so that a path goes out as it is written. Each has a connection of its
// own unless an agent says otherwise; nothing is followed, and nothing takes longer than ten seconds.

import http from 'node:http';
import https from 'node:https';
import { Complaint } from '../progress.mjs';
import { shown } from './expect.mjs';

const WITHIN_MS = 10_000;

/** The gateway under test: `url` is a URL, `host` what stands in `Host` if not what the URL says; `places` come later. */
export class Target {
  places;

  constructor({ url, host, token, origin }) {
    Object.assign(this, { url, host, token, origin });
    this.secure = url.protocol === 'https:';
    this.claims = token === undefined ? undefined : claimsOf(token);
  }

  /** Sends the request of a place, with more. */
  visit({ method, path, headers }, { headers: more, ...options } = {}) {
    return this.ask(path, { method, headers: { ...headers, ...more }, ...options });
  }

  /** Sends a request. Gives { asked, status, headers, localPort, body, json() }. */
  ask(path, options = {}) {
    return ask(this.url, path, { ...options, headers: this.#headers(options) });
  }

  #headers({ headers = {}, token }) {
    const host = this.host === undefined ? {} : { host: this.host };
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return { ...host, ...authorization, ...headers };
  }
}

/** What a token says, whether it is believed or not. */
function claimsOf(token) {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    if (token.split('.').length === 3 && typeof claims === 'object' && claims !== null) return claims;
  } catch {
    // It is said below what it should have been.
  }
  throw new Complaint('--token: expected a JSON Web Token, three parts with dots between them; found something else.');
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
    request.on('error', (error) => { if (!answered) reject(new Error(`${named(method, path)}: expected an answer, found none: ${error.message}`)); });
    request.once('response', (response) => {
      answered = true;
      read(response, named(method, path)).then(resolve, reject);
    });
    if (Array.isArray(body)) for (const piece of body) request.write(piece);
    request.end(Array.isArray(body) ? undefined : body);
  });
}

/** A request as messages name it. */
function named(method, path) {
  return `${method} ${path.length > 200 ? `${path.slice(0, 200)}…` : path}`;
}

async function read(response, asked) {
  const { statusCode: status, headers } = response;
  const { localPort } = response.socket;
  const chunks = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (error) {
    // A refusal may end the connection under the body of the request.
    if (!response.complete) throw new Error(`${asked}: expected a whole answer, but the one with the status ${status} broke off: ${error.message}`);
  }
  const bytes = Buffer.concat(chunks);
  const body = bytes.toString();
  return { asked, status, headers, localPort, body, json: () => parsed(asked, body) };
}

function parsed(asked, text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${asked}: expected JSON, found an answer ${shown(text)}`);
  }
}
