// The Durable Object classes, as the platform knows them. Each makes its Rust half when it is needed and anew when
// the wasm instance that held the old one is gone; the half loads its state from storage.

import { DurableObject } from "cloudflare:workers";
import { ObjectHalf, RelayHalf } from "../../build/release/ferrogate.js";
import { ASK_MS, send, within } from "./errands.mjs";
import { ERRAND_FAILED, addressed, generation, guard } from "./instance.mjs";

/** A half that is made when it is needed, as long as its wasm instance lives. */
class Half {
  #half;
  #generation = -1;

  constructor(make) {
    this.make = make;
  }

  /** Runs something on it. Whatever goes wrong, the next call finds a new half. */
  run(inside) {
    try {
      return guard(() => {
        if (this.#generation !== generation) this.#half = this.make();
        this.#generation = generation;
        return inside(this.#half);
      });
    } catch (error) {
      this.#generation = -1;
      throw error;
    }
  }
}

/** An object that runs one of the machines of gateway/src/fleet. */
class Machine extends DurableObject {
  #half;
  #due;
  #works = false;

  constructor(ctx, env, name) {
    super(ctx, env);
    this.#half = new Half(() => new ObjectHalf(name, ctx, Date.now()));
  }

  /** Answers a message: bytes in, bytes out. All that it changes is one transaction, and is stored before the platform
   * lets the answer go. */
  handle(message) {
    return this.#do((half) => half.handle(Date.now(), new Uint8Array(message)));
  }

  /** Wakes the machine, and does what it then wants done outside, one after another and never two at once. */
  async alarm() {
    this.#due = undefined;
    if (this.#works) return;
    this.#works = true;
    try {
      this.#do((half) => half.wake(Date.now()));
      await this.#work();
    } finally {
      this.#works = false;
    }
  }

  async #work() {
    for (;;) {
      const errand = addressed(this.#do((half) => half.errand(Date.now())));
      if (errand === undefined) return;
      const answer = await within(ERRAND_MS, send(errand, this.env)).catch(reported);
      this.#do((half) => half.returned(Date.now(), typeof answer === "number" ? undefined : answer));
    }
  }

  #do(inside) {
    const { storage } = this.ctx;
    return storage.transactionSync(() =>
      this.#half.run((half) => {
        const answer = inside(half);
        const due = half.next_wake();
        if (due !== this.#due) this.#wake(due);
        return answer;
      }),
    );
  }

  #wake(due) {
    this.#due = due;
    if (due === undefined) this.ctx.storage.deleteAlarm();
    else this.ctx.storage.setAlarm(due);
  }
}

/** Links the rows of the audit log to a chain. */
export class Audit extends Machine {
  constructor(ctx, env) {
    super(ctx, env, "Audit");
  }
}

/** The ordered log; also its relays, which are objects of the same class under other names. */
export class Signals extends Machine {
  #relay = new Half(() => new RelayHalf());
  #asking;

  constructor(ctx, env) {
    super(ctx, env, "Signals");
  }

  /** Answers a message as a relay: from what it knows, or from what the root says. */
  async relay(message) {
    const bytes = new Uint8Array(message);
    for (let asked = false; ; asked = true) {
      const reply = this.#relay.run((relay) => relay.serve(Date.now(), bytes));
      if (reply[0] === ANSWER) return reply.subarray(1);
      const root = this.env.SIGNALS.getByName("root");
      if (reply[0] === PASS_ON || asked) return root.handle(bytes);
      // All who come meanwhile wait for the same answer: inside one object that is allowed.
      this.#asking ??= this.#ask(root, reply.slice(1)).finally(() => (this.#asking = undefined));
      await this.#asking;
    }
  }

  async #ask(root, question) {
    const sent = Date.now();
    // A root that never answers must not hold up all who come from now on.
    const answer = await within(ASK_MS, root.handle(question));
    if (typeof answer === "number") throw new Error("the log did not answer in time");
    this.#relay.run((relay) => relay.absorb(Date.now(), sent, new Uint8Array(answer)));
  }
}

/** Where what isolates count comes together; there are a few under the names shard:0, shard:1, … */
export class Metrics extends Machine {
  constructor(ctx, env) {
    super(ctx, env, "Metrics");
  }
}

/** Counts requests for rate limits; there are some for each limit, and each key has its own. */
export class Limits extends Machine {
  constructor(ctx, env) {
    super(ctx, env, "Limits");
  }
}

/** Adds up what is reported of clients and users; there are a few under the names part:0, part:1, … */
export class Abuse extends Machine {
  constructor(ctx, env) {
    super(ctx, env, "Abuse");
  }
}

/** How long what an object wants done outside may take. */
const ERRAND_MS = 10_000;

function reported(error) {
  console.error(JSON.stringify({ level: "error", msg: "errand of an object failed", error: String(error?.message) }));
  return ERRAND_FAILED;
}

/** What becomes of a message to a relay; see src/objects/relay.rs. */
const ANSWER = 0;
const PASS_ON = 2;
