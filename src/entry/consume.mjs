// The consumer of the queue: puts what it brings into the database. What a message says is decided in wasm.

import { chain, not_understood, poke, taken } from "../../build/release/ferrogate.js";
import { send, within } from "./errands.mjs";
import { TIMEOUT, Trap, addressed, guard } from "./instance.mjs";

/** How long the database, and the object, are waited for. */
const WITHIN_MS = 15_000;

/** The Worker's `queue`. A message that nobody understands is logged and gone: it would never get through, and must not
 * hold others up. A batch that could not be put there comes again; wrangler.toml says when, and how often before it goes to
 * the dead letter queue. */
export async function consume(batch, env) {
  const texts = batch.messages.map(({ body }) => (typeof body === "string" ? body : ""));
  try {
    for (const place of guard(() => not_understood(texts))) refuse(batch.messages[place]);
    const answer = await within(WITHIN_MS, send(addressed(guard(() => taken(texts))), env));
    if (typeof answer === "number") throw new Error(answer === TIMEOUT ? "the database did not answer" : "there is no database");
  } catch (error) {
    if (!(error instanceof Trap)) report("audit rows wait", { error: String(error?.message), messages: texts.length });
    return batch.retryAll();
  }
  await linkSoon(env);
}

function refuse(message) {
  report("queue message not understood", { id: message.id, attempts: message.attempts });
  message.ack();
}

/** Tells the object that links rows. Should that fail, it finds them within an hour by itself. */
async function linkSoon(env) {
  try {
    await within(WITHIN_MS, send({ ...addressed(guard(poke)), name: guard(chain) }, env));
  } catch (error) {
    report("audit rows are linked later", { error: String(error?.message) });
  }
}

function report(msg, rest) {
  console.error(JSON.stringify({ level: "error", msg, ...rest }));
}
