// Errands: carries the messages of the gateway to objects, the database and the queue, and brings their answers back. What
// a message says, and what becomes of the answer, is decided in wasm. Not here: the classes of the objects (objects.mjs).

import * as instances from "./instance.mjs";
import { bindingOf, isCurrent } from "./instance.mjs";
import { uncounted } from "./plain.mjs";
import { ASKS, FLUSHES, FLUSHES_NOW, REPLENISH, REPLENISHES } from "./plan.mjs";
import { WaitList } from "./wait_list.mjs";

/** The number of the nearest relay, in gateway/src/driver/wire.rs. */
const RELAY = 255;

/** Places in the list of bindings: the log, and those who are no objects. */
const LOG = 0;
const DATABASE = 1;
const QUEUE = 2;

/** How long the log is waited for. */
export const ASK_MS = 2000;

/** How long it is waited for those who get what an isolate has to tell, and how long before it is sent once more. */
const FLUSH_MS = 2000;
const AGAIN_MS = 1000;

/** How long it is waited for those who count. */
const LEASE_MS = 1000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Relays of a continent: a few, so that the root has about twenty readers and no relay has all of a continent. */
const RELAYS = 3;

/** Where relays of a continent stand, as hints for the platform. */
const HINTS = { AF: "afr", AS: "apac", EU: "weur", NA: "enam", OC: "oc", SA: "sam" };

/** Has the errand of a plan done. Gives bytes, or the number of what `step` takes. Never rejects. */
export async function run(plan, message, request, env) {
  try {
    return await send({ place: plan.limit, name: plan.words.length > 0 ? plan.field() : "", message }, env, request.cf);
  } catch (error) {
    return reason(error);
  }
}

/** What a promise comes to if it does so in time, else the number of being late. */
export function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve(instances.TIMEOUT), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Does behind the response what a plan says is due. */
export function behind({ instance, due, kind }, request, env, ctx) {
  if ((due & ASKS) !== 0) ctx.waitUntil(refresh(instance, request, env));
  // Who waits for an answer has it asked for himself.
  if ((due & REPLENISHES) !== 0 && kind !== REPLENISH) ctx.waitUntil(replenish(instance, env, ctx));
  if ((due & FLUSHES_NOW) !== 0) ctx.waitUntil(flush(instance, env));
  else if ((due & FLUSHES) !== 0) ctx.waitUntil(pause(instance.flushMs).then(() => flush(instance, env)));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends what the isolate has to tell. What does not arrive is lost, and counted as that. Never rejects. */
async function flush(instance, env) {
  if (!isCurrent(instance)) return;
  try {
    for (const [code, count] of uncounted()) instance.countOthers(code, count);
    const sent = [];
    for (let message = instance.flush(); message !== undefined; message = instance.flush()) sent.push(handOver(instance, message, env));
    await Promise.all(sent);
  } catch (error) {
    reportUnlessTrap(error, "flush failed");
  }
}

/** Sends one message, and once more if that fails: whoever gets it twice notices. */
async function handOver(instance, { number, ...errand }, env) {
  const attempt = () => within(FLUSH_MS, send(errand, env)).catch(reason);
  let answer = await attempt();
  if (typeof answer === "number") {
    await pause(AGAIN_MS);
    answer = await attempt();
  }
  if (isCurrent(instance)) instance.flushed(number, typeof answer === "number" ? undefined : answer);
}

/** Asks those who count for what will be needed before long, and says what was used. Never rejects. Comes back when the
 * object of this name has answered, the others go on behind the response; without a name, when all have. */
async function replenish(instance, env, ctx, name) {
  if (!isCurrent(instance)) return;
  try {
    const sent = Date.now();
    const [own, others] = [[], []];
    for (let need = instance.need(sent); need !== undefined; need = instance.need(sent)) {
      (name === undefined || need.name === name ? own : others).push(hear(instance, need, env).catch(untold));
    }
    if (others.length > 0) ctx.waitUntil(Promise.all(others));
    await Promise.all(own);
  } catch (error) {
    untold(error);
  }
}

const untold = (error) => reportUnlessTrap(error, "limits failed");

async function hear(instance, { number, ...errand }, env) {
  const answer = await within(LEASE_MS, send(errand, env)).catch(reason);
  if (isCurrent(instance)) instance.heard(number, typeof answer === "number" ? undefined : answer);
}

/** Asks what is new in the log of signals. Never rejects. */
async function refresh(instance, request, env) {
  if (!isCurrent(instance)) return;
  try {
    const sent = Date.now();
    const question = instance.question(sent);
    if (question === undefined) return;
    const answer = await within(ASK_MS, send(question, env, request.cf)).catch(reason);
    if (isCurrent(instance)) instance.learn(sent, typeof answer === "number" ? undefined : answer);
  } catch (error) {
    reportUnlessTrap(error, "signals failed");
  }
}

/** A trap has been reported, and there is nobody to tell. */
function reportUnlessTrap(error, msg) {
  if (!(error instanceof instances.Trap)) console.error(JSON.stringify({ level: "error", msg, error: String(error?.message) }));
}

/** Requests that wait for the log: one asks for all. */
const waiting = new WaitList({ most: 1, followersMs: ASK_MS, few: 1, rounds: 1 });

/** Asks it for requests that wait. Whether something was learnt is found out in wasm. */
export function refreshed(plan, request, env, ctx) {
  const asked = () => refresh(plan.instance, request, env).then(() => true);
  return waiting.share("signals", ctx, asked, { deadlineMs: ASK_MS });
}

/** Requests that wait for the same count: one asks for all. */
const lacking = new WaitList({ followersMs: LEASE_MS, few: 1, rounds: 1 });

/** Asks for requests that lack the same. Whether they have it then is found out in wasm. */
export function replenished(plan, request, env, ctx) {
  const what = plan.field();
  const asked = () => replenish(plan.instance, env, ctx, what.slice(0, what.indexOf("/"))).then(() => true);
  return lacking.share(what, ctx, asked, { deadlineMs: LEASE_MS });
}

/** Does an errand. Gives bytes, or a number where nobody does such errands. */
export async function send({ place, name, message }, env, cf) {
  if (place === RELAY) return bytes(await askNearest(bindingOf(env, LOG), message, cf));
  const binding = bindingOf(env, place);
  if (binding === undefined) return instances.ERRAND_ABSENT;
  if (place === DATABASE) return transact(binding, JSON.parse(decoder.decode(message)));
  if (place === QUEUE) return enqueue(binding, JSON.parse(decoder.decode(message)));
  return bytes(await binding.getByName(name || "root").handle(message));
}

/** Runs statements as one batch, which is a transaction. Gives the rows of each. */
async function transact(database, statements) {
  const results = await database.batch(statements.map(({ sql, values }) => database.prepare(sql).bind(...values)));
  return encoder.encode(JSON.stringify(results.map(({ results: rows }) => rows)));
}

async function enqueue(queue, texts) {
  await queue.sendBatch(texts.map((body) => ({ body, contentType: "text" })));
  return new Uint8Array();
}

/** The relay of the continent that this isolate is on; the root where nobody knows. */
function askNearest(signals, message, cf) {
  const { continent, colo = "" } = cf ?? {};
  const locationHint = HINTS[continent];
  if (locationHint === undefined) return signals.getByName("root").handle(message);
  const number = [...colo].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % RELAYS;
  return signals.getByName(`relay:${continent}:${number}`, { locationHint }).relay(message);
}

const bytes = (answer) => new Uint8Array(answer);

function reason(error) {
  console.warn(JSON.stringify({ level: "warn", msg: "errand failed", error: String(error?.message) }));
  return instances.ERRAND_FAILED;
}
