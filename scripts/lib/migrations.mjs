// The migrations of the database, applied by wrangler.

import path from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { BIN, inRepository } from './paths.mjs';
import { capture } from './processes.mjs';
import { Complaint } from './progress.mjs';

export const USAGE = `npm run migrate -- [options]

  --env NAME       the environment of wrangler.toml: staging, production (the top of the file)
  --remote         the database that is deployed, by the account that wrangler is logged in to (the one of this machine)
  --persist DIR    where the database of this machine is (.wrangler/state)
  --help           this text`;

/** Reads the arguments; a mistake in them is a complaint that names it. */
export function migrateOptions(args) {
  const flag = { type: 'boolean', default: false };
  let values;
  try {
    ({ values } = parseArgs({ args, options: { env: { type: 'string' }, persist: { type: 'string' }, remote: flag, help: flag } }));
  } catch (error) {
    throw new Complaint(`${error.message}\n\n${USAGE}`);
  }
  if (values.remote && values.persist !== undefined) throw new Complaint('--persist is for the database of this machine, and --remote for the other one.');
  return values;
}

/** The binding of the database, as wrangler.toml and src/bindings.rs have it. */
const BINDING = 'DB';

/** Applies what is missing. Gives the names of what was applied, and where. */
export async function applyMigrations({ env, remote = false, persist = inRepository('.wrangler', 'state') } = {}) {
  const place = remote ? ['--remote'] : ['--local', '--persist-to', persist];
  const args = ['d1', 'migrations', 'apply', BINDING, ...place, ...(env === undefined ? [] : ['--env', env])];
  // Without a terminal, wrangler asks nothing.
  const { code, output } = await capture(path.join(BIN, 'wrangler'), args, {
    cwd: inRepository(),
    env: { ...process.env, CI: 'true', FORCE_COLOR: '0', WRANGLER_SEND_METRICS: 'false' },
  });
  const text = stripVTControlCharacters(output);
  if (code !== 0) throw new Complaint(`the migrations could not be applied:\n${text.trim()}`);
  return { applied: appliedIn(text), where: `${remote ? 'remote' : 'local'} database${env === undefined ? '' : ` of ${env}`}` };
}

/** The names in wrangler's table that have a tick. */
export function appliedIn(text) {
  return [...text.matchAll(/│ *([\w.-]+\.sql) *│ *✅/gu)].map(([, name]) => name);
}
