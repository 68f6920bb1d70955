// An isolate of the rig, as tests have it: a gateway like that of the Worker's tests (ask, line, object, memory, idle),
// and what can be done to it. The other end of the wire is entry.mjs.

import { ask } from '../../worker/lib/client.mjs';
import { Gateway } from '../../worker/lib/gateway.mjs';
import { checkPlan } from './faults.mjs';

export class Isolate extends Gateway {
  #stdout;
  #stderr;

  constructor(name, rig) {
    const written = { stdout: [], stderr: [] };
    super({ ...written, ports: {}, stop: () => rig.stop() });
    this.name = name;
    this.#stdout = written.stdout;
    this.#stderr = written.stderr;
  }

  /** Takes a line of its log. */
  wrote(level, line) {
    (['warn', 'error'].includes(level) ? this.#stderr : this.#stdout).push(line);
  }

  /** Kills its wasm instance as a trap does: all wasm memory is lost, what JavaScript holds stays. However often: the
   * gateway's pause after a loop of traps is not meant by this. */
  wipe() {
    return this.order('wipe');
  }

  /** From now on its clock is off by so much. What waits, waits as long as before. */
  skew(ms) {
    return this.order('skew', { ms });
  }

  /** From now on the platform says that its requests come in here: `{ continent: 'EU', colo: 'AMS' }`. */
  place(cf) {
    return this.order('place', cf);
  }

  /** Milliseconds since 1970, as it sees them. */
  async clock() {
    return (await this.order('clock')).now;
  }

  /**
   * From now on its calls to these bindings go by these plans (faults.mjs), and all others go well:
   * `faults({ SIGNALS: { drop: 0.1, delay: [0, 50], seed: 7 } })`. Without plans all go well.
   */
  faults(plans = {}) {
    Object.values(plans).forEach(checkPlan);
    return this.order('faults', plans);
  }

  /** Its calls to bindings, in `total` and since this was asked last, in `recent`: by binding, { calls, and each fault }. */
  counts() {
    return this.order('counts');
  }

  /** The names of the objects of a binding that it has called by their names. */
  named(binding) {
    return this.order('named', { binding });
  }

  /** Calls a binding as the Worker would, faults included: `call('DB', ['prepare', 'SELECT 1'], ['first'])`. */
  call(binding, ...steps) {
    return this.order('call', { binding, steps });
  }

  /** Sends an order to entry.mjs. */
  async order(name, given = {}) {
    const answer = await ask(this.port, `/__fleet/${name}`, { method: 'POST', body: JSON.stringify(given) });
    const { result, error } = answer.json();
    if (error !== undefined) throw new Error(error);
    return result;
  }
}
