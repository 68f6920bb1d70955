// `npm run smoke -- --url URL`: about fifty checks that tell whether a gateway with the example's gateway.toml works
// where it stands: on Cloudflare's edge, or on this machine behind `npm start`. It changes nothing there. Node built-ins
// only, so that it runs where nothing is installed.

import { parseArgs } from 'node:util';
import { Complaint, fail } from './lib/progress.mjs';
import { Target } from './lib/smoke/client.mjs';
import { runChecks } from './lib/smoke/run.mjs';

const USAGE = `npm run smoke -- --url URL [options]

  --url URL            the gateway, for instance https://api.acme.example or http://127.0.0.1:8787
  --token TOKEN        a token with the scope orders:read orders:write; without it some checks are skipped
  --origin ORIGIN      a page that may call the API (https://app.shop.example)
  --host HOST          the host to ask for, if it is not the URL's
  --json               one JSON document instead of lines
  --help               this text

Exit code 1 when a check fails.`;

const EXAMPLE_PAGE = 'https://app.shop.example';

function options(args) {
  const text = { type: 'string' };
  try {
    const { values } = parseArgs({ args, options: { url: text, token: text, origin: { ...text, default: EXAMPLE_PAGE }, host: text, json: { type: 'boolean' }, help: { type: 'boolean' } } });
    return values;
  } catch (error) {
    throw new Complaint(`${error.message}\n\n${USAGE}`);
  }
}

function address(text) {
  const url = URL.canParse(text ?? '') ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new Complaint(`--url: expected a URL with http:// or https://, found ${text ?? 'none'}.\n\n${USAGE}`);
  return url;
}

async function smoke(args) {
  const { help, json, ...given } = options(args);
  if (help) return console.log(USAGE);
  const target = new Target({ ...given, url: address(given.url) });
  const checks = await runChecks(target, json ? () => {} : show);
  const count = (outcome) => checks.filter((check) => check.outcome === outcome).length;
  const sums = { passed: count('pass'), failed: count('fail'), skipped: count('skip') };
  console.log(json ? JSON.stringify({ url: target.url.href, ...sums, checks }, null, 2) : `\n${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
  if (sums.failed > 0) process.exitCode = 1;
}

function show({ outcome, name, reason }) {
  console.log(`${outcome}  ${name}${reason === undefined ? '' : `: ${reason}`}`);
}

smoke(process.argv.slice(2)).catch(fail);
