// The object that counts for the contenders: a sliding window from two counters, the last one weighed by how much of it is still
// in sight. In memory, as most write it: what it knows goes when it is evicted. One call, one decision.
import { DurableObject } from 'cloudflare:workers';

export class Counter extends DurableObject {
  #start = 0;
  #now = 0;
  #last = 0;

  /** Counts one request if there is room: { left, resetMs }, and `left` is below zero if there is not. */
  take(limit, windowMs) {
    const now = Date.now();
    const passed = Math.floor((now - this.#start) / windowMs);
    if (passed > 0) {
      this.#last = passed === 1 ? this.#now : 0;
      this.#now = 0;
      this.#start = this.#start === 0 ? now : this.#start + passed * windowMs;
    }
    const resetMs = this.#start + windowMs - now;
    const used = this.#now + (this.#last * resetMs) / windowMs;
    if (used + 1 > limit) return { left: -1, resetMs };
    this.#now += 1;
    return { left: Math.floor(limit - used - 1), resetMs };
  }
}
