// `npm run smoke -- --url URL`: some fifty checks that tell whether a gateway does where it stands what its gateway.toml
// says: on Cloudflare's edge, or on this machine behind `npm start`. It changes nothing there. What checks look at is
// picked from the configuration. Node built-ins only, so that it runs where no packages are installed.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { inRepository } from './lib/paths.mjs';
import { Complaint, fail } from './lib/progress.mjs';
import { Target } from './lib/smoke/client.mjs';
import { Configuration } from './lib/smoke/configuration.mjs';
import { findPlaces } from './lib/smoke/places.mjs';
import { runChecks } from './lib/smoke/run.mjs';

const USAGE = `npm run smoke -- --url URL [options]

  --url URL            the gateway, for instance https://api.acme.example or http://127.0.0.1:8787
  --config FILE        its configuration (gateway.toml of this checkout): checks look at routes of it
  --env NAME           the configuration as it is in [env.NAME]
  --var NAME=VALUE     a variable that the configuration names and neither the environment, .dev.vars nor wrangler.toml
                       has; may be repeated
  --public PATH        a path to GET without a token, when no route of the configuration does as it is; see below
  --protected PATH     a path to GET with a token
  --token TOKEN        a token that the gateway believes; without it some checks are skipped
  --origin ORIGIN      a page that may call the API (default: an origin that stands in the configuration)
  --host HOST          the host to ask for, if it is not the URL's
  --json               one JSON document instead of lines
  --help               this text

Places are picked from the configuration, those first that need no parameters; parameters get made-up values (1, smoke,
a UUID), and a 404 of the upstream is an answer of the upstream. --public and --protected name better paths. A check
without a place to look at is skipped, with the reason. Exit code 1 when a check fails.`;

function options(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  try {
    return parseArgs({ args, options: { url: text, config: text, env: text, var: { ...text, multiple: true }, public: text, protected: text, token: text, origin: text, host: text, json: flag, help: flag } }).values;
  } catch (error) {
    throw new Complaint(`${error.message}\n\n${USAGE}`);
  }
}

function address(text) {
  const url = URL.canParse(text ?? '') ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new Complaint(`--url: expected a URL with http:// or https://, found ${text ?? 'none'}.\n\n${USAGE}`);
  return url;
}

/** npm changes into the repository before it runs a script; paths are meant from where the user stands. */
function configFile(given) {
  const folder = process.env.npm_lifecycle_event === 'smoke' ? process.env.INIT_CWD : undefined;
  return given === undefined ? inRepository('gateway.toml') : path.resolve(folder ?? process.cwd(), given);
}

async function smoke(args) {
  const { help, json, ...given } = options(args);
  if (help) return console.log(USAGE);
  const target = new Target({ ...given, url: address(given.url) });
  const file = configFile(given.config);
  const configuration = new Configuration({ file, env: given.env, vars: given.var });
  target.places = await findPlaces(configuration, { target, public: given.public, protected: given.protected });
  const places = Object.entries(target.places).map(([name, { method, path: where, missing }]) => [name, missing === undefined ? `${method} ${where}` : null]);
  if (!json) console.log(`${target.url.href} as ${given.config ?? 'gateway.toml'} says${given.env === undefined ? '' : ` in ${given.env}`}\n${looksAt(target.places)}\n`);
  const checks = await runChecks(target, json ? () => {} : show);
  const count = (outcome) => checks.filter((check) => check.outcome === outcome).length;
  const sums = { passed: count('pass'), failed: count('fail'), skipped: count('skip') };
  console.log(json ? JSON.stringify({ url: target.url.href, places: Object.fromEntries(places), ...sums, checks }, null, 2) : `\n${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
  if (sums.failed > 0) process.exitCode = 1;
}

/** The two places that most checks look at. */
function looksAt({ open, guarded }) {
  const line = (name, { method, path: where, missing }) => `${name}  ${missing === undefined ? `${method} ${where}` : `none: ${missing}`}`;
  return [line('public   ', open), line('protected', guarded)].join('\n');
}

function show({ outcome, name, reason }) {
  console.log(`${outcome}  ${name}${reason === undefined ? '' : `\n      ${reason}`}`);
}

smoke(process.argv.slice(2)).catch(fail);
