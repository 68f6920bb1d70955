// The consumer of the queue: puts what it brings into the database. What a message says is decided in wasm.

import { chain, not_understood, poke, taken } from "../../build/release/ferrogate.js";
import { send } from "./errands.mjs";
import { Trap, addressed, guard } from "./instance.mjs";

/** Seconds until a batch comes again that could not be put there. After wrangler.toml's `max_retries` it goes to the dead
 * letter queue. */
const AGAIN_SECONDS = 30;

/** The Worker's `queue`. A message that nobody understands is logged and gone: it would never get through, and must not
 * hold others up. */
export async function consume(batch, env) {
  const texts = batch.messages.map(({ body }) => (typeof body === "string" ? body : ""));
  try {
    for (const place of guard(() => not_understood(texts))) refuse(batch.messages[place]);
    const answer = await send(addressed(guard(() => taken(texts))), env);
    if (typeof answer === "number") throw new Error("there is no database");
  } catch (error) {
    if (!(error instanceof Trap)) report("audit rows wait", { error: String(error?.message), messages: texts.length });
    return batch.retryAll({ delaySeconds: AGAIN_SECONDS });
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
    await send({ ...addressed(guard(poke)), name: guard(chain) }, env);
  } catch (error) {
    report("audit rows are linked later", { error: String(error?.message) });
  }
}

function report(msg, rest) {
  console.error(JSON.stringify({ level: "error", msg, ...rest }));
}
