// The configuration of the gateway under test, as the command line tells it: its routes, and what it makes of a request.
// Nothing here decides anything: `ferrogate explain` is the gateway's own code.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRepository } from '../paths.mjs';
import { Complaint } from '../progress.mjs';

/** A gateway.toml, in one of its environments or in none; `vars` are values of variables, `NAME=VALUE`. */
export class Configuration {
  #file;
  #env;
  #vars;

  constructor({ file, env, vars = [] }) {
    if (!fs.existsSync(file)) throw new Complaint(`--config: expected a gateway.toml, found no file ${file}.`);
    this.#file = file;
    this.#env = env === undefined ? [] : ['--env', env];
    this.#vars = vars.flatMap((text) => ['--var', text]);
  }

  /** Its routes, one for each method; see `ferrogate routes --format json`. */
  async routes() {
    return lines(await this.#ferrogate('routes', path.basename(this.#file), '--format', 'json', ...this.#env));
  }

  /** What it makes of these requests, in their order; see `Said`. */
  async says(requests) {
    if (requests.length === 0) return [];
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-smoke-'));
    try {
      const file = path.join(folder, 'requests.jsonl');
      fs.writeFileSync(file, requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
      const args = ['--config', path.basename(this.#file), '--requests', file, '--format', 'json', ...this.#vars, ...this.#env];
      return lines(await this.#ferrogate('explain', ...args)).map((explained) => new Said(explained));
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Runs a command in the folder of the file, where its variables are looked for too. */
  async #ferrogate(...args) {
    const child = spawn(process.execPath, [inRepository('scripts', 'ferrogate.mjs'), ...args], { cwd: path.dirname(this.#file), stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = [[], []];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Complaint(`the configuration cannot be used:\n${Buffer.concat(err).toString().trim().replace(/^ferrogate: /gm, '')}`);
    return Buffer.concat(out).toString();
  }
}

function lines(text) {
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** What the gateway makes of a request: the end of an explanation. */
class Said {
  constructor({ decisions, effects, ended, answer }) {
    const facts = Object.fromEntries(decisions.flatMap((decision) => decision.facts).map(({ name, value }) => [name, value]));
    const plan = effects.find(({ effect }) => effect === 'forward')?.plan;
    const head = answer?.head ?? plan?.response ?? {};
    /** Whether it goes on to an upstream or the assets. */
    this.isSent = ended === 'would_be_sent';
    /** `METHOD /path` of its route, the route's version, the code of a refusal, the status of the gateway's own answer. */
    Object.assign(this, { route: facts.route === '-' ? undefined : facts.route, version: facts.version ?? null, code: facts.code, status: answer?.status });
    /** The headers that the gateway sets on the answer, and those that it sets for the upstream. */
    this.head = Object.fromEntries((head.set ?? []).map(({ name, value }) => [name, value]));
    this.told = (plan?.request?.set ?? []).map(({ name }) => name);
    /** Why, in a sentence. */
    this.why = (decisions.findLast(({ outcome }) => outcome !== 'passed') ?? decisions.at(-1))?.why ?? 'Nothing is said of it.';
  }
}
