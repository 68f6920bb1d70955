// One request that has to wait: carries its plans out, one after another, until there is an answer. What to do is
// decided in wasm; here stands only how.
//
// Callbacks, so that the warm way makes one promise of ours and the order of things is plain to see.

import { namesHopByHop, stripHopByHop } from "./hop_by_hop.mjs";
import * as instances from "./instance.mjs";
import { failed, logLine, plain } from "./plain.mjs";
import { CLOSED, DELIVER, FORWARD, MADE, PARKED, RELAY } from "./plan.mjs";

/** Most answers come within this time. Only after it is the client watched, for a listener is dear (docs/performance.md);
 * the driver frees the slots of clients that leave earlier after a second. */
const PROMPT_MS = 25;

/** Goes on with a plan until there is an answer. */
export function carryOut(plan, request, env, ctx) {
  return new Promise((resolve) => new Call(request, env, ctx, resolve).advance(plan));
}

/** An answer made in wasm. A constant list of headers is there as Headers: copying those is the cheapest start. */
export function made(plan) {
  const log = plan.field();
  const body = plan.field();
  const constant = plan.constant();
  const response = new Response(body === "" ? null : body, { status: plan.number, headers: constant?.headers });
  plan.edit(response.headers, true);
  console.log(log);
  return response;
}

class Call {
  constructor(request, env, ctx, resolve) {
    this.request = request;
    this.env = env;
    this.ctx = ctx;
    this.resolve = resolve;
    this.response = undefined;
    this.late = false;
    this.sent = false;
  }

  /** Carries out one plan. Whatever goes wrong, there is an answer. */
  advance(plan) {
    try {
      this.carry(plan);
    } catch (error) {
      this.resolve(failed(error, this.request));
    }
  }

  carry(plan) {
    switch (plan.kind) {
      case MADE:
        return this.resolve(made(plan));
      case RELAY:
        return this.relay(plan);
      case FORWARD:
        return this.forward(plan);
      case PARKED:
        return this.park(plan);
      case DELIVER:
        return this.deliver(plan);
      default:
        // The slot of this request was needed by others: its answer, if there is one, has all that its plan named.
        return this.finishAlone();
    }
  }

  /** Sends a request and waits for the head of the answer, for no longer than the plan says. */
  forward(plan) {
    let timer;
    const settle = (outcome) => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      this.arrived(plan, outcome);
    };
    const sent = this.send(plan, () => settle(instances.BODY_TOO_LARGE));
    this.sent = true;
    const late = () => settle(instances.TIMEOUT);
    const patient = () => {
      timer = setTimeout(late, plan.number - PROMPT_MS);
      this.watch(plan);
    };
    timer = plan.number > PROMPT_MS ? setTimeout(patient, PROMPT_MS) : setTimeout(late, plan.number);
    sent.then(settle, () => settle(instances.UNREACHABLE));
  }

  /** The answer is slow to come: from now on somebody notices when the client leaves. */
  watch(plan) {
    if (!instances.isCurrent(plan.instance)) return;
    this.request.signal.addEventListener("abort", () => dropped(plan));
    plan.instance.watched(plan);
  }

  send(plan, tooLarge) {
    const { request } = this;
    const { method, headers } = request;
    const url = plan.field();
    const binding = plan.field();
    const body = plan.limit === 0 ? request.body : counted(request.body, plan.limit, tooLarge);
    const untouched = plan.untouched && body === request.body && !namesHopByHop(headers);
    const init = untouched ? request : { method, headers: this.head(plan), body, redirect: "manual" };
    return binding === "" ? fetch(url, init) : this.env[binding].fetch(url, init);
  }

  /** The head that the plan makes of the client's. */
  head(plan) {
    const { headers } = this.request;
    const head = new Headers(headers);
    stripHopByHop(head);
    if (!plan.untouched) {
      plan.edit(head);
      plan.constant(); // fetches the list of the answer's edits: an instance that has died has none to give
    }
    return head;
  }

  /** The answer is there, with the edits that the plan named for it, or it will not come. */
  arrived(plan, outcome) {
    try {
      const answered = typeof outcome !== "number";
      this.late = outcome === instances.TIMEOUT;
      this.response = answered ? answerHead(plan, outcome) : undefined;
      if (!instances.isCurrent(plan.instance)) return this.finishAlone();
      this.advance(plan.instance.step(plan, answered ? instances.HEAD : outcome, this.response?.status));
    } catch (error) {
      this.resolve(failed(error, this.request));
    }
  }

  /** The upstream's answer, with whatever edits came on top of those that the forward plan named. */
  relay(plan) {
    const log = plan.field();
    if (!plan.untouched) plan.edit(this.response.headers);
    console.log(log);
    this.resolve(this.response);
  }

  /** The slot or the instance of this request is gone. What has come is handed on and nothing is tried again. */
  finishAlone() {
    const { request, response } = this;
    if (response === undefined) return this.resolve(plain(this.fault(), request));
    this.logAlone();
    this.resolve(response);
  }

  /** Why there is no answer, as far as JavaScript knows. */
  fault() {
    if (!this.sent) return "internal";
    return this.late ? "upstream_timeout" : "upstream_unreachable";
  }

  /** What can be said about an answer without the instance that knew its request. */
  logAlone() {
    const { request, response } = this;
    const id = response.headers.get("x-request-id");
    logLine(request, { level: "warn", request_id: id, status: response.status, orphaned: true });
  }

  /** Waits for the platform. A promise, because a trap ends the wait from within another request: only the
   * continuation of a promise comes back into the context of its own. */
  park(plan) {
    const { request } = this;
    request.signal.addEventListener("abort", () => dropped(plan));
    plan.instance.park(plan).then((result) => {
      if (result === instances.DEAD) return this.resolve(plain("internal", request));
      if (result !== instances.LATE) return this.advance(result);
      dropped(plan);
      this.resolve(plain("dependency_timeout", request));
    });
  }

  /** Hands the answer on through a pipe and reports the end of its body behind the response. */
  deliver(plan) {
    const { response } = this;
    if (!plan.untouched) plan.edit(response.headers);
    const { body } = response;
    if (body === null) {
      this.ended(plan, instances.BODY_COMPLETE);
      return this.resolve(response);
    }
    const { readable, writable } = new IdentityTransformStream();
    const cut = plan.number === 0 ? undefined : AbortSignal.timeout(plan.number);
    const complete = () => this.ended(plan, instances.BODY_COMPLETE);
    const broken = () => this.ended(plan, instances.BODY_BROKEN);
    this.ctx.waitUntil(body.pipeTo(writable, { signal: cut }).then(complete, broken));
    this.resolve(new Response(readable, response));
  }

  /** The body has ended, one way or the other: the log line can be written. */
  ended(plan, how) {
    if (!instances.isCurrent(plan.instance)) return this.logAlone();
    const last = plan.instance.step(plan, how);
    if (last.kind === CLOSED) console.log(last.field());
  }
}

/** A body that may have so many bytes; one that has more is broken off, and reported. */
function counted(body, limit, tooLarge) {
  if (body === null) return null;
  let seen = 0;
  const count = (chunk, controller) => {
    seen += chunk.byteLength;
    if (seen <= limit) return controller.enqueue(chunk);
    tooLarge();
    controller.error(new Error("the body is too large"));
  };
  return body.pipeThrough(new TransformStream({ transform: count }));
}

/** The answer with the edits that the forward plan named for it. */
function answerHead(plan, answer) {
  if (plan.untouched && !namesHopByHop(answer.headers)) return answer;
  const response = new Response(answer.body, answer);
  stripHopByHop(response.headers);
  if (!plan.untouched) plan.edit(response.headers);
  return response;
}

/** Nobody waits for this request any more: its slot is freed and its log line written. */
function dropped(plan) {
  if (!instances.isCurrent(plan.instance)) return;
  const last = plan.instance.drop(plan);
  if (last.kind === MADE || last.kind === CLOSED) console.log(last.field());
}
