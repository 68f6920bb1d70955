// The command line of `npm start`.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { inRepository } from './paths.mjs';
import { Complaint } from './progress.mjs';

const DEFAULT_PORT = '8787';

export const USAGE = `npm start -- [options]

  --port N             port of the gateway (${DEFAULT_PORT}; 0: any free one)
  --config FILE        the gateway to run (gateway.toml), with the values of .dev.vars and of [vars] of wrangler.toml
                       beside it; keys of HS256 issuers and of explain that are missing are written to that .dev.vars
  --no-origin          without the example shop; name your own upstreams with --var
  --persist DIR        where D1, KV, Durable Objects and Queues keep their data (.wrangler/state)
  --var NAME:value     a Worker variable, for instance SHOP_URL:http://127.0.0.1:4000; may be repeated
  --help               this text`;

/** Reads the arguments; a mistake in them is a complaint that names it. */
export function startOptions(args) {
  const values = parse(args);
  const config = fromCaller(values.config ?? inRepository('gateway.toml'));
  if (!values.help && !fs.existsSync(config)) throw new Complaint(`--config: there is no file ${values.config ?? 'gateway.toml'}.`);
  return {
    help: values.help,
    port: portNumber(values.port),
    config,
    origin: !values['no-origin'],
    persist: fromCaller(values.persist ?? inRepository('.wrangler', 'state')),
    vars: values.var.map(variable),
  };
}

function parse(args) {
  const text = (fallback) => ({ type: 'string', default: fallback });
  const flag = { type: 'boolean', default: false };
  const options = {
    port: text(DEFAULT_PORT), config: { type: 'string' }, persist: { type: 'string' },
    var: { type: 'string', multiple: true, default: [] }, 'no-origin': flag, help: flag,
  };
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Complaint(`${error.message}\n\n${USAGE}`);
  }
}

function portNumber(text) {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Complaint(`--port: expected a number from 0 to 65535, found ${text}.`);
  return port;
}

function variable(text) {
  const found = /^([A-Za-z_][A-Za-z0-9_]*):(.*)$/s.exec(text);
  if (!found) throw new Complaint(`--var: expected NAME:value, found ${text}.`);
  return { name: found[1], value: found[2] };
}

/** npm changes into the repository before it runs a script; paths are meant from where the user stands. */
function fromCaller(file) {
  const folder = process.env.npm_lifecycle_event === 'start' ? process.env.INIT_CWD : undefined;
  return path.resolve(folder ?? process.cwd(), file);
}
