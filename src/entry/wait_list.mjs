// Requests that need the same thing wait for one of them. This is the only way in which a request waits for another.
// It is no cache: a value reaches those who were waiting when it came, and nobody after them.
//
// The platform decides how. A promise, stream or response of one request is of no use to another: it fails, hangs or
// comes out empty once its own request has gone. So the one that leads leaves a plain value in a slot, and the others
// look at the slot, each by a timer of its own. And a request whose client resets the connection just stops: behind
// that point nothing of it runs, no `finally` either. Hence three rules:
//
// - The leader works inside `waitUntil`, which outlives its client.
// - Every slot has a deadline. Whoever meets a slot that is past it ends it, and the key is free.
// - Followers are counted in their slot, and the count goes when the slot does. Those who left without a word are then
//   no longer counted; those who are still there join the next slot and are counted in that.
//
// Followers hold the slot and the map forgets it as soon as it has ended. So the value lives as long as somebody has
// yet to look at it, and no longer.

/** What `work` gives when its outcome is for its own request only. */
export const UNSHAREABLE = Symbol("unshareable");

/** How a slot can end, beside UNSHAREABLE. */
const SHARED = Symbol("shared");
const FAILED = Symbol("failed");
const EXPIRED = Symbol("expired");

/** A follower looks again after a millisecond at first, and after these at most when it has waited for long. A look
 * takes about 20 microseconds, most of them for the timer. */
const LONGEST_STEP_MS = 8;
/** For how long it has waited for each millisecond more. */
const WIDER_AFTER_MS = 16;
/** How many looks a millisecond may have in all: a crowd looks less often, so that there is time left for work. */
const LOOKS_PER_MS = 8;
/** How deep a plain value may be. */
const DEEPEST = 4;

/** One attempt to get what a key stands for. It ends once: with a value, without one, or at its deadline. */
class Slot {
  /** How many callers lead, and how many wait for them; `seats` is how many may still begin to lead. */
  working = 0;
  waiting = 0;
  until = 0;
  /** How it ended; nothing as long as it has not. */
  verdict = undefined;
  value = undefined;
  /** Whether a leader has found out that there is nothing to share. */
  unshareable = false;
  /** The slot that its followers went on to, if it brought no value. Who looks late finds the way, even to one that has
   * ended meanwhile: without that each late look would begin anew. */
  next = undefined;

  constructor(key, seats) {
    this.key = key;
    this.seats = seats;
  }
}

export class WaitList {
  #limits;
  /** The slots that have not ended, by key. */
  #slots = new Map();
  #waiting = 0;
  /** When the first of them reaches its deadline, at the earliest. */
  #soonest = Infinity;
  #told = { led: 0, followed: 0, reelected: 0, expired: 0, overflowed: 0 };

  /**
   * `most` keys at once, `followers` for each and `inAll` together: a caller beyond these works for itself. A follower
   * waits for `followersMs`. When a leader fails, `few` followers lead in its place; a follower that has waited for
   * `rounds` of failures gives up.
   */
  constructor({ most = 1024, followers = 1000, inAll = 4000, followersMs = 5000, few = 4, rounds = 2 } = {}) {
    this.#limits = { most, followers, inAll, followersMs, few, rounds };
  }

  /**
   * What `work` gives, from this caller or from another one with the same key. A caller whose own `work` ran gets what
   * that gave, UNSHAREABLE and errors too; all others get a value. It is undefined when there was none in time. Then
   * the caller decides anew, and many others may do so at the same moment.
   *
   * `work` may take `deadlineMs`. It is not stopped then, only not waited for, so it needs a limit of its own. It must
   * not use the body or the signal of its request: it goes on when the client has left. Who begins to lead at the end
   * of its wait has the whole deadline still before it. Values are plain, see `isPlain`, and nobody may change one.
   */
  async share(key, ctx, work, { deadlineMs }) {
    const { followersMs, few, rounds } = this.#limits;
    const patience = Date.now() + followersMs;
    let slot = this.#slotOf(key, 1);
    if (slot === undefined || !this.#takes(slot)) return this.#alone(work, deadlineMs);
    if (slot.seats > 0) return this.#lead(slot, ctx, work, deadlineMs);
    this.#told.followed += 1;
    for (let failures = 0; ; ) {
      await this.#follow(slot, patience);
      if (slot.verdict === SHARED) return slot.value;
      if (slot.verdict !== UNSHAREABLE) failures += 1;
      if (failures >= rounds || Date.now() >= patience) return undefined;
      // Who did not answer in time is not helped by being asked several times at once.
      slot = slot.next ??= this.#slotOf(key, slot.verdict === EXPIRED ? 1 : few);
      if (slot === undefined || !this.#takes(slot)) return undefined;
      if (slot.seats > 0 && slot.verdict === undefined) return this.#leadAgain(slot, ctx, work, deadlineMs);
    }
  }

  /** What there is now, and what has happened so far. */
  stats() {
    this.#sweep(Date.now());
    return { keys: this.#slots.size, waiting: this.#waiting, ...this.#told };
  }

  /** The slot of a key, made if there is none and room for one. */
  #slotOf(key, seats) {
    const now = Date.now();
    const found = this.#slots.get(key);
    if (found !== undefined && now < found.until) return found;
    if (found !== undefined) this.#end(found, EXPIRED);
    if (this.#slots.size >= this.#limits.most) this.#sweep(now);
    if (this.#slots.size >= this.#limits.most) return undefined;
    const slot = new Slot(key, seats);
    this.#slots.set(key, slot);
    return slot;
  }

  /** Whether a slot has room for one more, who leads, follows, or finds that it has ended. */
  #takes(slot) {
    const { followers, inAll } = this.#limits;
    if (this.#waiting >= inAll) this.#sweep(Date.now());
    return slot.seats > 0 || slot.verdict !== undefined || (slot.waiting < followers && this.#waiting < inAll);
  }

  #leadAgain(...rest) {
    this.#told.reelected += 1;
    return this.#lead(...rest);
  }

  #lead(slot, ctx, work, deadlineMs) {
    this.#told.led += 1;
    slot.seats -= 1;
    slot.working += 1;
    slot.until = Math.max(slot.until, Date.now() + deadlineMs);
    this.#soonest = Math.min(this.#soonest, slot.until);
    const job = begun(work);
    const shared = (value) => this.#report(slot, isPlain(value) ? SHARED : UNSHAREABLE, value);
    ctx.waitUntil(job.then(shared, () => this.#report(slot, FAILED)));
    return within(deadlineMs, job);
  }

  /** Beyond the bounds. Nobody else gains by this, so it may end with its client. */
  #alone(work, deadlineMs) {
    this.#told.overflowed += 1;
    return within(deadlineMs, begun(work));
  }

  /** Waits until a slot has ended, or for as long as this follower may. */
  async #follow(slot, patience) {
    if (slot.verdict !== undefined) return;
    const since = Date.now();
    slot.waiting += 1;
    this.#waiting += 1;
    for (let now = since; ; ) {
      await scheduler.wait(Math.min(this.#step(now - since), patience - now));
      now = Date.now();
      if (slot.verdict === undefined && now >= slot.until) this.#end(slot, EXPIRED);
      if (slot.verdict !== undefined) return;
      if (now >= patience) break;
    }
    slot.waiting -= 1;
    this.#waiting -= 1;
  }

  /** How long a follower of this age waits before it looks again. */
  #step(age) {
    return Math.max(Math.min(1 + age / WIDER_AFTER_MS, LONGEST_STEP_MS), this.#waiting / LOOKS_PER_MS);
  }

  /** A leader is done. The slot ends with the first value, or when nobody is left who could bring one. */
  #report(slot, verdict, value) {
    slot.working -= 1;
    if (slot.verdict !== undefined) return;
    if (verdict === UNSHAREABLE) slot.unshareable = true;
    if (verdict === SHARED) slot.value = value;
    else if (slot.working > 0) return;
    this.#end(slot, verdict === FAILED && slot.unshareable ? UNSHAREABLE : verdict);
  }

  /** The one way out for a slot. With it goes the count of its followers, those included who have left silently. */
  #end(slot, verdict) {
    slot.verdict = verdict;
    this.#slots.delete(slot.key);
    this.#waiting -= slot.waiting;
    slot.waiting = 0;
    if (verdict === EXPIRED) this.#told.expired += 1;
  }

  /** Ends what is past its deadline, if anything can be. */
  #sweep(now) {
    if (now < this.#soonest) return;
    this.#soonest = Infinity;
    for (const slot of this.#slots.values()) {
      if (now >= slot.until) this.#end(slot, EXPIRED);
      else this.#soonest = Math.min(this.#soonest, slot.until);
    }
  }
}

/** Begins work; what it throws at once is a rejection like any other. */
async function begun(work) {
  return work();
}

/** The outcome of a promise of this request, or undefined when it takes longer. */
function within(ms, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Whether a value means the same in every request: text, numbers, bytes, and frozen lists and records of those. What
 * is not counts as unshareable, so that a response or a stream never gets across by mistake. */
function isPlain(value, depth = 0) {
  if (value === null || value instanceof ArrayBuffer || ["string", "number", "boolean"].includes(typeof value)) return true;
  if (typeof value !== "object" || !Object.isFrozen(value) || depth === DEEPEST) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false;
  return Object.values(value).every((part) => isPlain(part, depth + 1));
}
