// A gateway under test: one of the two builds of ../gateway.toml in a workerd of its own, with an origin behind it.

import { ask } from './client.mjs';
import { eventually } from './poll.mjs';
import { SECRET } from './tokens.mjs';
import { startWorkerd } from './workerd.mjs';

/** Port 1 belongs to a service that nobody runs. */
const NOBODY = 'http://127.0.0.1:1';

/** Starts it. `build` is test (the wasm as it ships) or faults; `variables` overrides or, by undefined, takes away. */
export async function startGateway({ origin, build = 'test', variables = {}, ...rest }) {
  const all = { JWT_SECRET: SECRET, ORIGIN_URL: origin?.url ?? NOBODY, REFUSING_URL: NOBODY, ...variables };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Gateway(await startWorkerd({ build, variables: given, ...rest }));
}

export class Gateway {
  #workerd;

  constructor(workerd) {
    this.#workerd = workerd;
    this.port = workerd.ports.http;
    this.callerPort = workerd.ports.caller;
  }

  /** Sends a request; see `ask`. */
  ask(target, options) {
    return ask(this.port, target, options);
  }

  stop() {
    return this.#workerd.stop();
  }

  /** The process id of its runtime. */
  get pid() {
    return this.#workerd.child.pid;
  }

  /** All that the Worker wrote, as text. */
  get output() {
    return [...this.#workerd.stdout, ...this.#workerd.stderr].join('\n');
  }

  /** All lines that the Worker has logged, as text. */
  get logged() {
    return this.#workerd.stdout;
  }

  /** The log lines of requests so far. */
  get lines() {
    return this.#workerd.stdout.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  }

  /** What the Worker reported with console.error under this heading, once there is something. */
  reported(heading) {
    const found = () => this.#workerd.stderr.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)).filter(({ msg }) => msg === heading);
    return eventually(() => found().length > 0 && found(), () => `no "${heading}":\n${this.output}`);
  }

  /** Waits for the log line of a request that has this id. */
  line(id) {
    return eventually(() => this.lines.find((line) => line.request_id === id), () => `no line of ${id}:\n${this.output}`);
  }

  /** All lines of a request, once lines that came before a later request's must be there. */
  async linesOf(id) {
    const later = `after-${id}-${this.lines.length}`;
    await this.ask('/health/live', { headers: { 'x-request-id': later } });
    await this.line(later);
    return this.lines.filter((line) => line.request_id === id);
  }

  /** What the faults build says about its insides: { bytes, slots, resets }. */
  async memory() {
    return (await this.ask('/__ferrogate/memory')).json();
  }

  /** Waits until no request is in flight. */
  async idle(withinMs) {
    let last;
    const none = async () => (last = await this.memory()).slots === 0;
    await eventually(none, () => `still in flight: ${last?.slots}`, withinMs);
    return last;
  }

  /** Sends the object of a name a message of hexadecimal bytes. Gives { status, answer } or { status, error }. */
  async object(message, name = 'root', binding = 'SIGNALS') {
    const answer = await this.ask(`/__ferrogate/object?message=${message}&name=${name}&binding=${binding}`);
    return { status: answer.status, ...answer.json() };
  }
}
