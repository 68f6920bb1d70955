// Several isolates of one Worker over one set of Durable Objects, D1, KV and queues, as a fleet has them: each has its
// own memory, wasm instance, clock, log and port; they share what they are bound to, which stands in wrangler.toml.
// They run in one workerd on one thread, under Miniflare, which brings D1, KV and queues: they take turns where they
// wait, and never run at the same moment. What can be done to one isolate stands in isolate.mjs.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { SECRET } from '../../worker/lib/tokens.mjs';
import { Isolate } from './isolate.mjs';
import { burst, hammer, load } from './load.mjs';
import { migrate, workerOptions } from './wrangler-toml.mjs';

const { Miniflare, NoOpLog, convertV4MiniflareOptions } = createRequire(import.meta.url)('miniflare');
const BUNDLE = path.resolve(import.meta.dirname, '../../../build/fleet/bundle');
/** Port 1 belongs to a service that nobody runs. */
const NOBODY = 'http://127.0.0.1:1';
/** The isolate of the objects, when none of those that take requests has them. */
const APART = 'objects';

/**
 * Starts it. The first isolate, iso0, has the objects and takes what comes out of queues; with `apart` an isolate of
 * its own has, which gets no requests: `rig.owner` is the one, either way. `variables` overrides or, by undefined,
 * takes away; `bin` replaces the compiled configuration; `adjust` may change the options of every isolate.
 */
export async function startRig({ isolates = 4, origin, variables = {}, bin, apart = false, adjust = (options) => options } = {}) {
  const names = Array.from({ length: isolates }, (_, index) => `iso${index}`);
  if (apart) names.unshift(APART);
  const all = { JWT_SECRET: SECRET, ORIGIN_URL: origin?.url ?? NOBODY, ...variables };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const modules = bundled(bin);
  const workers = names.map((name) => adjust({ ...workerOptions({ name, owner: names[0], variables: given }), modules, modulesRoot: BUNDLE }));
  const rig = new Rig(workers);
  try {
    await rig.start();
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

function bundled(bin) {
  const types = { 'index.js': 'ESModule', 'ferrogate_bg.wasm': 'CompiledWasm', 'gateway.bin': 'Data' };
  const contents = (name) => (name === 'gateway.bin' && bin !== undefined ? new Uint8Array(bin) : undefined);
  return Object.entries(types).map(([name, type]) => ({ type, path: path.join(BUNDLE, name), contents: contents(name) }));
}

const remove = (folder) => fs.rmSync(folder, { recursive: true, force: true });

/** Where rigs that run now keep what they store: nothing of it is left when a test file is ended early. */
const folders = new Set();
process.once('exit', () => folders.forEach((folder) => remove(folder)));

/** Where `what` names an object, it is by its class or by its binding. */
class Rig {
  /** What the runtime says by itself, and no isolate. */
  runtime = [];
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-rig-'));
  #workers;
  #options;
  #miniflare;

  constructor(workers) {
    folders.add(this.#folder);
    this.#workers = workers;
    const all = workers.map(({ name }) => new Isolate(name, this));
    this.owner = all[0];
    /** Those that take requests. */
    this.isolates = all.filter(({ name }) => name !== APART);
    this.#options = convertV4MiniflareOptions({
      workers,
      cf: false,
      log: new NoOpLog(),
      logRequests: false,
      resourcePersistencePath: this.#folder,
      unsafeInspectDurableObjects: true,
      handleStructuredLogs: ({ level, message }) => this.#logged(all, level, message),
    });
  }

  async start() {
    this.#miniflare = new Miniflare(this.#options);
    await this.#findPorts();
    await migrate((binding) => this.database(binding));
  }

  /** The isolate of this number, from 0. */
  iso(number) {
    const isolate = this.isolates.at(number);
    if (isolate === undefined) throw new Error(`there are ${this.isolates.length} isolates, and no ${number}`);
    return isolate;
  }

  /** New isolates at the old ports. All that they had in memory is gone, requests in flight too; what is stored stays. */
  async restartAll() {
    await this.#miniflare.setOptions(this.#options);
    await this.#findPorts();
  }

  /** Ends everything at once, whatever hangs. */
  async stop() {
    await this.#miniflare?.dispose();
    remove(this.#folder);
    folders.delete(this.#folder);
  }

  /** Ends an object at once. What it has in memory is lost, and calls in flight throw. */
  async kill(what, name) {
    const sent = this.#order(what, name, 'fleetKill');
    const message = await sent.then(() => 'nothing', (error) => error.message);
    if (!message.includes('the rig killed this object')) throw new Error(`${what} ${name} was not killed: ${message}`);
  }

  /** Ends an object, if it runs, when calls in flight are done. What it has in memory is lost. */
  async evict(what, name) {
    try {
      await this.#miniflare.unsafeEvictDurableObject(this.owner.name, this.#object(what).className, { name });
    } catch (error) {
      if (!error.message.includes('it is not currently running')) throw error;
    }
  }

  /** From now on calls of an object wait inside it for so long before it looks at them, until it ends or is told 0. */
  hold(what, name, ms) {
    return this.#order(what, name, 'fleetHold', ms);
  }

  /** From now on calls of an object throw, every other one when it has done what was asked for, until it ends or is told false. */
  throwing(what, name, throws) {
    return this.#order(what, name, 'fleetThrow', throws);
  }

  /** Has an object wake now, whenever its alarm is set for. Alarms themselves go by the clock of the machine. */
  alarm(what, name) {
    return this.#order(what, name, 'fleetAlarm');
  }

  /** Runs SQL in the storage of an object. Gives its rows. */
  async sql(what, name, query, ...values) {
    const storage = await this.#miniflare.unsafeGetDurableObjectStorage(this.owner.name, this.#object(what).className, { name });
    return storage.exec(query, ...values);
  }

  #order(what, name, method, ...given) {
    return this.owner.order('object', { binding: this.#object(what).binding, name, method, given });
  }

  #object(what) {
    const objects = Object.entries(this.#workers[0].durableObjects).map(([binding, { className }]) => ({ binding, className }));
    const found = objects.find(({ binding, className }) => what === binding || what === className);
    if (found === undefined) throw new Error(`there is no object ${what}, but ${objects.map(({ className }) => className).join(', ')}`);
    return found;
  }

  /** A D1 database, without faults and without an isolate. Like the next two it must be asked for anew after a restart. */
  database(binding = 'DB') {
    return this.#miniflare.getD1Database(binding, this.owner.name);
  }

  /** A KV namespace, likewise. */
  keyValue(binding = 'CACHE') {
    return this.#miniflare.getKVNamespace(binding, this.owner.name);
  }

  /** A queue to send to, likewise. */
  queue(binding = 'EVENTS') {
    return this.#miniflare.getQueueProducer(binding, this.owner.name);
  }

  /** Sends requests at a fixed rate; see load.mjs. `iso` is the number of an isolate or several; without it all take turns. */
  load({ iso, ...rest }) {
    return load({ ports: this.#ports(iso), ...rest });
  }

  /** Sends requests all at once; see load.mjs. */
  burst({ iso, ...rest }) {
    return burst({ ports: this.#ports(iso), ...rest });
  }

  /** Sends requests as fast as they are answered; see load.mjs. */
  hammer({ iso, ...rest }) {
    return hammer({ ports: this.#ports(iso), ...rest });
  }

  #ports(iso) {
    const chosen = iso === undefined ? this.isolates : [iso].flat().map((number) => this.iso(number));
    return chosen.map(({ port }) => port);
  }

  async #findPorts() {
    for (const isolate of new Set([this.owner, ...this.isolates])) {
      const { port } = await this.#miniflare.unsafeGetDirectURL(isolate.name);
      isolate.port = Number(port);
    }
  }

  /** Each line begins with the name of the isolate that wrote it (inside.mjs). */
  #logged(all, level, message) {
    const [name, ...rest] = message.split('\t');
    const isolate = all.find((one) => one.name === name);
    if (isolate === undefined) this.runtime.push(message);
    else isolate.wrote(level, rest.join('\t'));
  }
}
