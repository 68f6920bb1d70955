// From `fetch` to the first plan: refuses what cannot be served, packs the request and begins it in wasm. What needs
// no waiting is answered here, without a promise; the rest goes on in call.mjs.

import { carryOut, made } from "./call.mjs";
import { behind } from "./errands.mjs";
import * as instances from "./instance.mjs";
import { URL_TOO_LONG, fieldsOf, pack } from "./pack.mjs";
import { cannotStart, failed, plain } from "./plain.mjs";
import { MADE } from "./plan.mjs";

/** The Worker's `fetch`. */
export function serve(request, env, ctx) {
  const now = Date.now();
  const closed = instances.closedFor(now);
  if (closed > 0) return plain("restarting", request, { "retry-after": String(Math.ceil(closed / 1000)) });
  try {
    const instance = instances.running(env);
    if (instance.problem !== undefined) return cannotStart(request);
    const fields = fieldsOf(instance, request);
    const packed = pack(instance, request, fields);
    if (packed < 0) return plain(packed === URL_TOO_LONG ? "url_too_long" : "headers_too_large", request);
    const plan = instance.begin(now, packed, fields);
    if (plan.kind !== MADE) return carryOut(plan, request, env, ctx, serve);
    if (plan.due) behind(plan, request, env, ctx);
    return made(plan);
  } catch (error) {
    return failed(error, request);
  }
}
