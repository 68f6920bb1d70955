// Carries plans out: answers, forwards, waits. One request, from `fetch` to its Response. What to do is decided in
// wasm; here stands only how.

import { hasHopByHop, stripHopByHop } from "./hop_by_hop.mjs";
import * as instances from "./instance.mjs";
import { URL_TOO_LONG, fieldsOf, pack } from "./pack.mjs";
import { plain } from "./plain.mjs";
import { CLOSED, DELIVER, FORWARD, MADE, PARKED } from "./plan.mjs";

/** Most answers come within this time. Only after it is the client watched: a listener costs more than most stages,
 * and the slot of a client that left earlier is freed by its deadline, or before if slots run short. */
const PROMPT_MS = 25;

/** The Worker's `fetch`. Answers without a promise where nothing has to be waited for. */
export function serve(request, env, ctx) {
  const now = Date.now();
  const closed = instances.closedFor(now);
  if (closed > 0) return plain("restarting", request, { "retry-after": String(Math.ceil(closed / 1000)) });
  try {
    const instance = instances.running(env);
    if (instance.problem !== undefined) return plain("cannot_start", request, { "retry-after": "60" });
    const packed = pack(instance, request);
    if (packed < 0) return plain(packed === URL_TOO_LONG ? "url_too_long" : "headers_too_large", request);
    const plan = instance.begin(now, packed, fieldsOf(instance, request.method));
    return plan.kind === MADE ? made(plan) : follow(plan, request, ctx);
  } catch (error) {
    return failed(error, request);
  }
}

/** Goes on until there is an answer. */
async function follow(plan, request, ctx) {
  let response;
  try {
    for (;;) {
      switch (plan.kind) {
        case MADE:
          return made(plan);
        case FORWARD:
          [plan, response] = await forward(plan, request);
          if (plan === undefined) return response;
          break;
        case PARKED:
          plan = await parked(plan, request);
          if (plan instanceof Response) return plan;
          break;
        case DELIVER:
          return deliver(plan, response, ctx);
        default:
          return plan.kind === CLOSED ? response : relay(plan, response);
      }
    }
  } catch (error) {
    return failed(error, request);
  }
}

function failed(error, request) {
  if (!(error instanceof instances.Trap)) console.error(JSON.stringify({ level: "error", msg: "entry failed", error: String(error?.stack ?? error) }));
  return plain("internal", request);
}

/** An answer made in wasm. A constant list of headers is there as Headers: copying those is the cheapest start. */
function made(plan) {
  const log = plan.field();
  const body = plan.field();
  const constant = plan.constant();
  const response = new Response(body === "" ? null : body, { status: plan.number, headers: constant?.headers });
  plan.edit(response.headers, true);
  console.log(log);
  return response;
}

/** The upstream's answer, with whatever edits came on top of those that the forward plan named. */
function relay(plan, response) {
  const log = plan.field();
  if (!plan.untouched) plan.edit(response.headers);
  console.log(log);
  return response;
}

/** Sends a request. Gives the next plan and the answer, or no plan and an answer that was finished without wasm. */
async function forward(plan, request) {
  const { instance, number: timeout, untouched } = plan;
  const url = plan.field();
  const sent = send(url, request, untouched && !hasHopByHop(request.headers) ? undefined : requestHead(plan, request));
  const answer = await within(sent, timeout, plan, request);
  const response = typeof answer === "number" ? undefined : answerHead(plan, answer);
  if (!instances.isCurrent(instance)) return [undefined, orphaned(response, request)];
  const kind = response === undefined ? answer : instances.HEAD;
  return [instance.step(plan, kind, response?.status), response];
}

/** The head to send: the client's, without what ends at this hop, with the plan's edits. */
function requestHead(plan, request) {
  const headers = new Headers(request.headers);
  stripHopByHop(headers);
  if (!plan.untouched) plan.edit(headers);
  return headers;
}

function send(url, request, headers) {
  if (headers === undefined) return fetch(url, request);
  return fetch(url, { method: request.method, headers, body: request.body, redirect: "manual" });
}

/** The answer with the edits that the forward plan named for it. */
function answerHead(plan, answer) {
  if (plan.untouched && !hasHopByHop(answer.headers)) return answer;
  const response = new Response(answer.body, answer);
  stripHopByHop(response.headers);
  if (!plan.untouched) plan.edit(response.headers);
  return response;
}

/** The outcome of a fetch, or what kind of failure it was, within a time. */
function within(sent, timeout, plan, request) {
  return new Promise((resolve) => {
    const late = () => resolve(instances.TIMEOUT);
    const patient = () => {
      request.signal.addEventListener("abort", () => dropped(plan));
      timer = setTimeout(late, timeout - PROMPT_MS);
    };
    let timer = timeout > PROMPT_MS ? setTimeout(patient, PROMPT_MS) : setTimeout(late, timeout);
    const settle = (outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    sent.then(settle, () => settle(instances.UNREACHABLE));
  });
}

/** The instance that sent this request has died: the answer is finished with the plan's edits and not retried. */
function orphaned(response, request) {
  if (response === undefined) return plain("upstream_unreachable", request);
  const id = response.headers.get("x-request-id");
  console.log(JSON.stringify({ level: "warn", msg: "request", request_id: id, method: request.method, status: response.status, orphaned: true }));
  return response;
}

/** Waits for the platform. Gives the next plan, or an answer when there will be none. */
async function parked(plan, request) {
  const { instance } = plan;
  request.signal.addEventListener("abort", () => dropped(plan));
  const result = await instance.park(plan);
  if (result === instances.DEAD) return plain("internal", request);
  if (result !== instances.LATE) return result;
  dropped(plan);
  return plain("dependency_timeout", request);
}

/** Nobody waits for this request any more: its slot is freed and its log line written. */
function dropped(plan) {
  if (!instances.isCurrent(plan.instance)) return;
  const last = plan.instance.drop(plan);
  if (last.kind === MADE || last.kind === CLOSED) console.log(last.field());
}

/** Hands the answer on through a pipe and reports the end of its body behind the response. */
function deliver(plan, response, ctx) {
  if (!plan.untouched) plan.edit(response.headers);
  const { body } = response;
  if (body === null) {
    ended(plan, instances.BODY_COMPLETE);
    return response;
  }
  const { readable, writable } = new IdentityTransformStream();
  const piped = body.pipeTo(writable).then(() => ended(plan, instances.BODY_COMPLETE), () => ended(plan, instances.BODY_BROKEN));
  ctx.waitUntil(piped);
  return new Response(readable, response);
}

function ended(plan, how) {
  if (!instances.isCurrent(plan.instance)) return;
  const last = plan.instance.step(plan, how);
  if (last.kind === CLOSED) console.log(last.field());
}
