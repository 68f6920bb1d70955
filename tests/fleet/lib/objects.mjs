// `cloudflare:workers` as the Worker's modules import it in the rig (scripts/lib/bundle.mjs sees to that): the real one,
// with Durable Objects that can be held and killed. So it is for every class, whatever its name. Runs inside the Worker.

import { DurableObject as RealObject, env as bindings } from 'cloudflare:workers';
import { shimmed } from './inside.mjs';

export { RpcTarget, WorkerEntrypoint, waitUntil } from 'cloudflare:workers';
export const env = shimmed(bindings);

const held = Symbol('held');
const throwing = Symbol('throwing');
const changed = new WeakSet();

export class DurableObject extends RealObject {
  constructor(ctx, env) {
    super(ctx, shimmed(env));
    change(new.target.prototype);
  }

  /** Ends this object at once. What it has in memory is lost, and calls in flight throw. */
  fleetKill() {
    this.ctx.abort('the rig killed this object');
  }

  /** From now on calls wait for so long before they are looked at; those that wait are in flight. */
  fleetHold(ms) {
    this[held] = ms;
  }

  /** From now on calls throw, until it is told otherwise or ends; every other one when it has done what was asked for. */
  fleetThrow(throws) {
    this[throwing] = throws ? { calls: 0 } : undefined;
  }

  /** Runs the handler of the alarm, whenever it is set for. */
  async fleetAlarm() {
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
  }
}

/** Lets calls of a class wait or throw where they have to; where not, they run as they did, in the turn in which they come. */
function change(prototype) {
  if (changed.has(prototype)) return;
  changed.add(prototype);
  for (const name of ['handle', 'fetch', 'alarm']) {
    const real = prototype[name];
    if (typeof real !== 'function') continue;
    prototype[name] = function (...given) {
      if (this[throwing] !== undefined) return thrown(this[throwing], () => real.apply(this, given));
      if (!(this[held] > 0)) return real.apply(this, given);
      return scheduler.wait(this[held]).then(() => real.apply(this, given));
    };
  }
}

async function thrown(state, work) {
  state.calls += 1;
  if (state.calls % 2 === 0) await work();
  throw new Error('the rig has this object throw');
}

/** An object of the rig's own, for what the Worker's objects do not show: alarms, and calls of an object. */
export class Probe extends DurableObject {
  /** Sets the alarm. */
  set(ms) {
    return this.ctx.storage.setAlarm(Date.now() + ms);
  }

  /** How often the alarm went off, and how much the clock said at last. */
  async rung() {
    return { times: 0, at: 0, ...(await this.ctx.storage.get('rung')) };
  }

  /** Writes to a table of D1, in one batch. */
  async write(table, values) {
    const statement = this.env.DB.prepare(`INSERT INTO ${table} VALUES (?)`);
    const results = await this.env.DB.batch(values.map((value) => statement.bind(value)));
    return results.length;
  }

  async alarm() {
    const { times } = await this.rung();
    await this.ctx.storage.put('rung', { times: times + 1, at: Date.now() });
  }
}
