// What the rig can do to an isolate from inside: its clock, its log, its faults, the bindings that it hands out.
// Runs inside the Worker.

import { env as bindings } from 'cloudflare:workers';
import { Faults } from './faults.mjs';
import { shimming } from './shims.mjs';

/** The faults of this isolate. */
export const faults = new Faults((ms) => scheduler.wait(ms));

/** The bindings as the entry and the objects get them. */
export const shimmed = shimming(faults);

const RealDate = Date;
let skew = 0;

/** The clock of this isolate is off by so many milliseconds from now on. */
export function skewClock(ms) {
  skew = ms;
}

/** Does something at another time. */
export function at(time, act) {
  const before = skew;
  skew = time - RealDate.now();
  try {
    return act();
  } finally {
    skew = before;
  }
}

const now = () => RealDate.now() + skew;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: (target) => new target(now()).toString(),
  get: (target, name) => (name === 'now' ? now : target[name]),
});

// All isolates write to the log of one process: each line says whose it is (see rig.mjs).
for (const method of ['debug', 'error', 'info', 'log', 'warn']) {
  const real = console[method].bind(console);
  console[method] = (...given) => real(`${bindings.FLEET_ISOLATE}\t${given.map(shown).join(' ')}`);
}

function shown(value) {
  return value instanceof Error ? String(value.stack) : String(value);
}
