// The entry of the rig's Worker: the one of the faults build, with the bindings of shims.mjs, and a path by which the rig
// (rig.mjs) does things to this isolate. Never part of a deployed bundle.

import entry from '../../worker/lib/faults-entry.mjs';
import { guard } from '../../../src/entry/instance.mjs';
import { at, faults, shimmed, skewClock } from './inside.mjs';

export * from '../../worker/lib/faults-entry.mjs';
export { Probe } from './objects.mjs';

const withShims = (handler) => (event, env, ctx) => handler.call(entry, event, shimmed(env), ctx);
const handlers = Object.fromEntries(Object.entries(entry).map(([name, handler]) => [name, withShims(handler)]));

export default {
  ...handlers,
  fetch(request, env, ctx) {
    const [, order] = request.url.split('/__fleet/');
    if (order !== undefined) return obeyed(order, request, env);
    return handlers.fetch(cf === undefined ? request : new Request(request, { cf }), env, ctx);
  },
};

/** What the platform says of where requests come from; it says nothing in the rig, unless told to. */
let cf;

/** What the rig can order; each gets what the rig sent, and the real bindings. */
const ORDERS = {
  faults: (plans) => faults.set(plans),
  counts: () => faults.counts(),
  named: ({ binding }) => faults.named(binding),
  skew: ({ ms }) => skewClock(ms),
  place: (given) => {
    cf = given;
  },
  clock: () => ({ now: Date.now() }),
  wipe,
  /** Calls a binding as the Worker has it: one method after another, each of what the one before gave. */
  async call({ binding, steps }, env) {
    let made = shimmed(env)[binding];
    for (const [method, ...given] of steps) made = await made[method](...given);
    return made;
  },
  /** Calls a method of objects.mjs. */
  object: ({ binding, name, method, given }, env) => env[binding].getByName(name)[method](...given),
};

async function obeyed(order, request, env) {
  try {
    return Response.json({ result: await ORDERS[order](await request.json(), env) });
  } catch (error) {
    return Response.json({ error: String(error?.message ?? error) });
  }
}

let wipes = 0;

/** Ends the wasm instance as a trap does. The gateway must not take many of these for a loop of traps and pause: so
 * they happen long ago, and minutes apart. */
function wipe() {
  wipes += 1;
  at(wipes * 60_000, () => {
    try {
      guard(() => { throw new WebAssembly.RuntimeError('wiped'); });
    } catch {
      // The trap is what was wanted.
    }
  });
}
