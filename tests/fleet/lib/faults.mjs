// What becomes of a call to a binding: an isolate has a plan for each of its bindings, and counts its calls. Which
// calls come by here is a matter of shims.mjs. Runs inside the Worker; Node checks plans with it.

import { randomFrom } from './seed.mjs';

/** The faults that can strike a call; a plan has the probability of each. The first one that is drawn strikes.
 *
 * `fail`: throws; whoever is called has heard nothing. `lose`: whoever is called hears nothing, nor does the caller,
 * who waits. `drop`: it is done, and the caller never hears so. `duplicate`: it is done twice, and the caller gets
 * the first answer. */
const STRIKES = ['fail', 'lose', 'drop', 'duplicate'];

/** Milliseconds, one number or the least and the most: before the call, behind it, and until a caller who waits for
 * what never comes is told that the connection is lost. */
const TIMES = ['delay', 'after', 'hang'];

/** `seed` repeats what is drawn; `calls` is how many calls the plan holds for, else all. */
const OTHERS = ['seed', 'calls'];

/** What a connection that nobody has closed takes to be noticed. Longer than anything of ours should wait. */
const HANG_MS = 30_000;

/** Throws when something in a plan is not known or not possible. */
export function checkPlan(plan) {
  for (const [key, value] of Object.entries(plan)) {
    if (STRIKES.includes(key) && value >= 0 && value <= 1) continue;
    if (TIMES.includes(key) && [value].flat().every((ms) => Number.isFinite(ms) && ms >= 0)) continue;
    if (OTHERS.includes(key) && Number.isSafeInteger(value)) continue;
    throw new Error(`a plan of faults cannot have ${key} = ${JSON.stringify(value)}`);
  }
}

/** The faults of one isolate. `pause` waits for so many milliseconds. */
export class Faults {
  #plans = new Map();
  #total = {};
  #recent = {};
  #named = {};
  #pause;

  constructor(pause) {
    this.#pause = pause;
  }

  /** From now on these plans hold, by the name of the binding, and no others. */
  set(plans) {
    this.#plans = new Map(Object.entries(plans).map(([binding, plan]) => {
      checkPlan(plan);
      return [binding, { ...plan, random: randomFrom(plan.seed ?? 0), left: plan.calls ?? Infinity }];
    }));
  }

  /** The calls so far and those since the last time that somebody asked: by binding, how many were made, and how many of
   * them each fault struck. */
  counts() {
    const recent = this.#recent;
    this.#recent = {};
    return { total: structuredClone(this.#total), recent };
  }

  /** The names of the objects of a binding that were called by one. */
  named(binding) {
    return [...(this.#named[binding] ?? [])];
  }

  /** An object of a binding is about to be called by its name. */
  names(binding, name) {
    (this.#named[binding] ??= new Set()).add(name);
  }

  /** Makes a call to a binding, as its plan has it. */
  call(binding, send) {
    this.#count(binding, 'calls');
    const plan = this.#plans.get(binding);
    if (plan === undefined || plan.left === 0) return send();
    plan.left -= 1;
    return this.#strike(binding, plan, send);
  }

  async #strike(binding, plan, send) {
    // Always as many draws for a call, so that a probability that is changed changes nothing else.
    const drawn = STRIKES.map((kind) => [kind, plan.random()]);
    const [delay, after] = [drawnTime(plan.delay, plan.random()), drawnTime(plan.after, plan.random())];
    const [fault] = drawn.find(([kind, number]) => number < (plan[kind] ?? 0)) ?? [];
    if (fault !== undefined) this.#count(binding, fault);
    if (delay > 0) await this.#pause(delay);
    if (fault === 'fail') throw new Error(`a fault of ${binding} was asked for`);
    if (fault === 'lose') return this.#hang(plan);
    const answer = await (fault === 'duplicate' ? twice(send) : send());
    if (after > 0) await this.#pause(after);
    return fault === 'drop' ? this.#hang(plan) : answer;
  }

  async #hang(plan) {
    await this.#pause(drawnTime(plan.hang ?? HANG_MS, plan.random()));
    throw new Error('Network connection lost.');
  }

  #count(binding, what) {
    for (const counts of [this.#total, this.#recent]) {
      counts[binding] ??= { calls: 0 };
      counts[binding][what] = (counts[binding][what] ?? 0) + 1;
    }
  }
}

/** What the second one comes to is nobody's answer. */
async function twice(send) {
  const [first] = await Promise.all([send(), Promise.resolve(send()).catch(() => {})]);
  return first;
}

function drawnTime(time = 0, number) {
  const [least, most = least] = [time].flat();
  return least + (most - least) * number;
}
