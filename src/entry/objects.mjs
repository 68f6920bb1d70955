// The Durable Object classes, as the platform knows them. Each makes its Rust half when it is needed and anew when
// the wasm instance that held the old one is gone; the half loads its state from storage.

import { DurableObject } from "cloudflare:workers";
import { SignalsHalf } from "../../build/release/ferrogate.js";
import { generation, guard } from "./instance.mjs";

class Halved extends DurableObject {
  #half;
  #generation = -1;

  /** Runs something on the Rust half. A trap throws, and the next call finds a new half. */
  run(Half, inside) {
    return guard(() => {
      if (this.#generation !== generation) {
        this.#half = new Half(this.ctx);
        this.#generation = generation;
      }
      return inside(this.#half);
    });
  }
}

export class Signals extends Halved {
  /** Answers a message of gateway/src/fleet/signals.rs: bytes in, bytes out. */
  handle(message) {
    return this.run(SignalsHalf, (half) => half.handle(new Uint8Array(message)));
  }
}
