// The one wasm instance of this isolate and all that belongs to it. A trap ends an instance: it is then replaced
// whole, and what JavaScript still holds of the old one is recognised by its object and never reaches the new one.
// Not here: what plans mean (drive.mjs) and how requests are packed (pack.mjs).

import * as wasm from "../../build/release/ferrogate.js";
import compiled from "../../build/release/gateway.bin";
import { Plan, PARKED } from "./plan.mjs";

/** Answers that `step` takes, by their position in the list of `boundary.rs`. */
export const HEAD = 0;
export const UNREACHABLE = 1;
export const TIMEOUT = 2;
export const BODY_COMPLETE = 3;
export const BODY_BROKEN = 4;
export const BODY_TOO_LARGE = 5;
export const SIGNED = 6;
export const UNSIGNED = 7;
export const KEY_UNUSABLE = 8;
const DIGESTED = 9;
export const ERRAND_ABSENT = 10;
export const ERRAND_FAILED = 11;
export const NOTHING_TO_SAY = 12;

/** For a number that nobody has told. */
export const UNTOLD = 0xffffffff;

/** What a parked request gets when its instance has died, and when it has waited too long. */
export const DEAD = Symbol("dead");
export const LATE = Symbol("late");

/** Thrown when wasm has trapped. The instance is gone by then. */
export class Trap extends Error {}

/** Three traps within ten seconds are a loop: it is broken by refusing for five seconds. */
const TRAPS = 3;
const WITHIN_MS = 10_000;
const PAUSE_MS = 5_000;

const INPUT_BYTES = 64 * 1024;
const INPUT_WORDS = 64;

const decoder = new TextDecoder();

let current = null;
let traps = [];
let closedUntil = 0;

/** The instance that serves now, if it is this one. */
export const isCurrent = (instance) => instance === current;

/** Milliseconds until requests are taken again after a loop of traps; 0 when they are. */
export const closedFor = (now) => (now < closedUntil ? closedUntil - now : 0);

/** The running instance, made if there is none. Its `problem` says why it cannot serve, if so. */
export const running = (env) => current ?? (current = new Instance(env));

/** Runs something in wasm. A trap replaces the instance and throws `Trap`; other errors pass. */
export function guard(inside) {
  try {
    return inside();
  } catch (error) {
    if (!isTrap(error)) throw error;
    recover(error);
    throw new Trap("wasm trapped", { cause: error });
  }
}

/** A stack overflow inside wasm is a RangeError, everything else that ends an instance a RuntimeError. */
const isTrap = (error) => error instanceof WebAssembly.RuntimeError || error instanceof RangeError;

function recover(error) {
  const now = Date.now();
  const dead = current;
  traps = [...traps.filter((at) => now - at < WITHIN_MS), now];
  if (traps.length >= TRAPS) closedUntil = now + PAUSE_MS;
  current = null;
  generation += 1;
  wasm.__wbg_reset_state();
  console.error(JSON.stringify({ level: "error", msg: "wasm trapped", error: String(error?.message), traps: traps.length }));
  dead?.abandon();
}

let places;

/** The binding of those who do errands, by the number of their place; nothing where the Worker has none. */
export const bindingOf = (env, place) => env[(places ??= wasm.places())[place]];

/** Counts instances, so that halves of objects notice that theirs is gone. */
export let generation = 0;

class Instance {
  constructor(env) {
    this.parked = new Map();
    this.lists = [];
    this.keys = new Map();
    const reasons = this.#start(env);
    this.problem = reasons.length === 0 ? undefined : reasons.join("; ");
    if (this.problem !== undefined) console.error(JSON.stringify({ level: "error", msg: "cannot start", reason: this.problem, reasons }));
  }

  /** Loads the compiled gateway and gives it its variables. Returns all reasons why it cannot serve. */
  #start(env) {
    try {
      return guard(() => this.#load(env));
    } catch (error) {
      if (error instanceof Trap) throw error;
      return [typeof error === "string" ? error : String(error?.message)];
    }
  }

  #load(env) {
    const environment = env.FERROGATE_ENV || undefined;
    this.layout = wasm.load(new Uint8Array(compiled), environment, env, (index) => this.#wake(index)) >>> 2;
    wasm.variables().forEach((name, index) => {
      if (typeof env[name] === "string") wasm.set_variable(index, env[name]);
    });
    this.parkMs = wasm.park_ms();
    this.flushMs = wasm.flush_ms();
    const absent = missing(env, wasm.bindings());
    const reasons = [...wasm.start(Date.now()), ...absent];
    for (const reason of wasm.warnings()) console.warn(JSON.stringify({ level: "warn", msg: "weak secret", reason }));
    this.names = wasm.headers();
    // The country of the client is what the platform says, not what somebody wrote into a header.
    this.country = this.names.indexOf("cf-ipcountry");
    this.askedOfBodies = wasm.asked_of_bodies();
    this.askedOfOptions = wasm.asked_of_options();
    this.bind();
    return reasons;
  }

  /** Makes new views when memory has grown: the old ones are then empty. Objects and lists make it grow too, so this
   * is looked at before each request and after each turn. */
  refresh() {
    if (this.bytes.byteLength === 0) this.bind();
  }

  /** Views on wasm memory. */
  bind() {
    const { buffer } = wasm.__wasm.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    const [text, lengths] = this.words.subarray(this.layout, this.layout + 2);
    this.input = this.bytes.subarray(text, text + INPUT_BYTES);
    this.lengths = this.words.subarray(lengths >>> 2, (lengths >>> 2) + INPUT_WORDS);
  }

  begin(now, text, fields) {
    return this.#turn(() => wasm.begin(now, text, fields));
  }

  step(plan, kind, value = 0, told = UNTOLD) {
    return this.#turn(() => wasm.step(Date.now(), plan.index, plan.generation, kind, value, told));
  }

  /** The body of this request has been read; its digest is nothing where there is no body. */
  digested(plan, digest) {
    this.refresh();
    this.input.set(digest);
    return this.step(plan, DIGESTED, digest.length);
  }

  /** An errand of this request has been done, or its body has been read. */
  returned(plan, bytes) {
    return this.#turn(() => wasm.returned(Date.now(), plan.index, plan.generation, bytes));
  }

  /** What the errand of the last plan is told. */
  message() {
    return guard(() => wasm.message());
  }

  /** The question what is new in the log of signals: who is asked, and the message. */
  question(sent) {
    return addressed(guard(() => wasm.question(sent)));
  }

  /** What came of that question; undefined: nothing. */
  learn(sent, answer) {
    return guard(() => wasm.learn(Date.now(), sent, answer));
  }

  /** The next message of the outbox; undefined when there is none. */
  flush() {
    return numbered(guard(() => wasm.flush(Date.now())));
  }

  /** The next question to those who count; undefined when there is none. */
  need(sent) {
    return numbered(guard(() => wasm.need(sent)));
  }

  /** What came of the question of this number; undefined: nothing. */
  heard(number, answer) {
    guard(() => wasm.heard(Date.now(), number, answer));
  }

  /** What came of the message of this number; undefined: it has not arrived. */
  flushed(number, answer) {
    guard(() => wasm.flushed(number, answer));
  }

  /** So many requests were answered here with a problem of this code. */
  countOthers(code, count) {
    guard(() => wasm.count_others(code, count));
  }

  /** The client of this request is watched from now on. */
  watched(plan) {
    guard(() => wasm.watched(Date.now(), plan.index, plan.generation));
  }

  drop(plan) {
    return this.#turn(() => wasm.drop_slot(Date.now(), plan.index, plan.generation));
  }

  /** Waits until a parked request is done or has an effect: its next plan, or DEAD, or LATE. */
  park(plan) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(plan.index, LATE), this.parkMs);
      this.parked.set(plan.index, { generation: plan.generation, resolve, timer });
    });
  }

  /** A constant list of headers, as pairs, and as Headers to start an answer from. */
  list(index) {
    return (this.lists[index] ??= constantList(guard(() => wasm.header_list(index))));
  }

  /** A public key as JWK, by its number. */
  publicKey(number) {
    return guard(() => wasm.public_key(number));
  }

  /** Tells every parked request that its instance is dead. Each goes on in its own context. */
  abandon() {
    for (const index of [...this.parked.keys()]) this.#settle(index, DEAD);
  }

  #turn(inside) {
    guard(inside);
    this.refresh();
    return new Plan(this);
  }

  /** Called from inside a turn or from a promise of the platform: the poll comes after it. */
  #wake(index) {
    queueMicrotask(() => this.#poll(index));
  }

  #poll(index) {
    const waiting = this.parked.get(index);
    if (this !== current || waiting === undefined) return;
    try {
      const plan = this.#turn(() => wasm.park(Date.now(), index, waiting.generation));
      if (plan.kind !== PARKED) this.#settle(index, plan);
    } catch (error) {
      // A trap has settled everything that was parked, this request included.
      if (!(error instanceof Trap)) throw error;
    }
  }

  #settle(index, result) {
    const { resolve, timer } = this.parked.get(index) ?? {};
    this.parked.delete(index);
    clearTimeout(timer);
    resolve?.(result);
  }
}

/** Bindings that the configuration asks, services and classes of objects, and wrangler.toml does not have. */
function missing(env, bindings) {
  const names = bindings.filter((name) => typeof (env[name]?.fetch ?? env[name]?.idFromName) !== "function");
  return names.length === 0 ? [] : [`these bindings are not in wrangler.toml: ${names.join(", ")}`];
}

/** The number of a place with a message behind it. */
export function addressed(errand) {
  return errand === undefined ? undefined : { place: errand[0], message: errand.subarray(1) };
}

/** A message with its number, the number of a place and the name of an object in front. */
function numbered(bytes) {
  if (bytes === undefined) return undefined;
  const [number, place, length] = bytes;
  return { number, place, name: decoder.decode(bytes.subarray(3, 3 + length)), message: bytes.subarray(3 + length) };
}

function constantList(flat) {
  const pairs = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at], flat[at + 1]]);
  return { pairs, headers: new Headers(Object.fromEntries(pairs)) };
}
