// What `npm start` prints once the gateway answers: where it is, for the example a token to try it with, and requests to
// copy.

import { CLI } from './paths.mjs';
import { capture } from './processes.mjs';

const SCOPES = 'orders:read orders:write';
const SUBJECT = 'demo-customer';

/** A token that this gateway accepts; `undefined` if its configuration has no issuer that we can sign for. */
export async function demoToken(config, secrets) {
  const args = ['token', '--config', config, '--scope', SCOPES, '--sub', SUBJECT];
  const { code, stdout } = await capture(CLI, args, { env: { ...process.env, ...secrets } });
  return code === 0 ? stdout.trim() : undefined;
}

/** Requests for the example's gateway, to copy. */
export function exampleRequests(url, token) {
  const withToken = token ? [`-H "authorization: Bearer ${token}" ${url}/v1/orders`] : [];
  return [`${url}/v1/products/1`, `${url}/v1/orders`, ...withToken].map((request) => `curl -i ${request}`);
}

/** The text below the progress lines. */
export function welcome({ url, originUrl, token, requests }) {
  const lines = ['', `gateway  ${url}`];
  if (originUrl) lines.push(`origin   ${originUrl}`);
  if (token) lines.push('', `export TOKEN=${token}`);
  lines.push('', ...requests, '', 'Ctrl-C ends everything. Requests are logged below.', '');
  return lines.join('\n');
}
