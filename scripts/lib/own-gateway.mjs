// What `npm start` needs to know of a gateway that is not the example's: the values that stand beside its gateway.toml,
// as `wrangler dev` would find them there; which of its variables have none; and requests that it answers.

import fs from 'node:fs';
import path from 'node:path';
import { CLI, inRepository, ROOT } from './paths.mjs';
import { capture } from './processes.mjs';
import { Complaint } from './progress.mjs';
import { addRandomValues, ensureDevVars, readVars } from './secrets.mjs';

/** These keys are ours to invent: whoever makes tokens for this machine reads them where the gateway does. */
const OURS = ['issuer', 'explain', 'metrics'];

/** Whether this is the gateway in front of the example shop. */
export const isExample = (config) => config === inRepository('gateway.toml');

/**
 * The values for a gateway: `{ devVars, vars, written, missing, environment, variables }`. Keys that nobody has set and
 * that nobody else issues are written to its `.dev.vars`; `missing` has what else lacks a value, with what to do.
 */
export async function settle(config, given) {
  const folder = path.dirname(config);
  const devVars = path.join(folder, '.dev.vars');
  // In the checkout itself, the file of the checkout is used, with all that it always has.
  if (folder === ROOT) ensureDevVars();
  const beside = folder === ROOT ? {} : await varsOf(path.join(folder, 'wrangler.toml'));
  const named = given.map(({ name }) => name);
  const local = readVars(devVars);
  const own = Object.entries(beside).filter(([name, value]) => typeof value === 'string' && !(name in local) && !named.includes(name));
  const vars = [...own.map(([name, value]) => ({ name, value })), ...given];
  const environment = [...vars].reverse().find(({ name }) => name === 'FERROGATE_ENV')?.value || local.FERROGATE_ENV || undefined;
  const variables = await told(['variables', config, ...inEnvironment(environment)]);
  const known = new Set([...Object.keys(await varsOf(inRepository('wrangler.toml'))), ...vars.map(({ name }) => name), ...Object.keys(local)]);
  const unset = variables.filter(({ name, has_default: hasDefault }) => !hasDefault && !known.has(name));
  const written = unset.filter(({ role }) => OURS.includes(role)).map(({ name }) => name);
  addRandomValues(devVars, written);
  const missing = unset.filter(({ role }) => !OURS.includes(role)).map((variable) => ({ name: variable.name, line: lacking(variable, devVars) }));
  return { devVars: fs.existsSync(devVars) ? devVars : undefined, vars, written, missing, environment, variables };
}

function lacking({ name, role, of }, devVars) {
  const line = `write ${name}=… into ${devVars}`;
  if (role === 'credentials') return `${name} is not set: whoever runs the upstream \`${of}\` gives it; ${line}`;
  if (role === 'secret') return `the secret ${name} is not set: ${line}`;
  return `${name} is not set: ${line}, or start with --var ${name}:…`;
}

/** `[vars]` of a wrangler.toml, as wrangler reads it; nothing where there is none. */
async function varsOf(file) {
  if (!fs.existsSync(file)) return {};
  const { unstable_readConfig: readConfig } = await import('wrangler');
  try {
    return readConfig({ config: file }, { hideWarnings: true }).vars;
  } catch (error) {
    throw new Complaint(`${file} cannot be used: ${error.message}`);
  }
}

/** What the command line tells in JSON, one object in each line. */
async function told(args) {
  const { code, stdout, stderr } = await capture(CLI, [...args, '--format', 'json']);
  if (code !== 0) throw new Complaint(stderr.trim());
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const inEnvironment = (environment) => (environment === undefined ? [] : ['--env', environment]);

/** Requests to copy, and how a token is made where one can be: the lines of the greeting. */
export async function suggestions(url, config, { environment, variables }) {
  const routes = await told(['routes', config, ...inEnvironment(environment)]);
  const plain = routes.filter((route) => ['GET', 'ANY'].includes(route.method) && !/[{}]/.test(route.path) && isOpen(route));
  const isPublic = ({ auth }) => auth.split(' or ').includes('none');
  const first = plain.find(isPublic);
  const lines = [`curl -i ${url}${first?.path ?? '/health/ready'}`];
  const signs = variables.filter(({ role }) => role === 'issuer').map(({ of }) => of);
  const issuerOf = (route) => route.auth.split(' or ').find((name) => signs.includes(name));
  const protectedRoute = plain.find((route) => !isPublic(route) && issuerOf(route)) ?? routes.find(issuerOf);
  if (!protectedRoute) return lines;
  const scope = protectedRoute.scopes.length === 0 ? [] : ['--scope', protectedRoute.scopes.join(' ')];
  const token = ['token', '--config', config, ...inEnvironment(environment), '--issuer', issuerOf(protectedRoute), ...scope];
  const words = ['npm', '--prefix', ROOT, 'run', '--silent', 'ferrogate', '--', ...token];
  lines.push('', `export TOKEN=$(${words.map(quoted).join(' ')})`);
  if (plain.includes(protectedRoute)) lines.push(`curl -i -H "authorization: Bearer $TOKEN" ${url}${protectedRoute.path}`);
  return lines;
}

/** A request without further ado gets there. */
const isOpen = ({ hosts, version, action }) => hosts.length === 0 && version === null && action.kind !== 'closed';

/** A word for a shell. */
const quoted = (word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
