// One request that has to wait: carries its plans out, one after another, until there is an answer. What to do is
// decided in wasm; here stands only how.
//
// Callbacks, so that the warm way makes one promise of ours and the order of things is plain to see.

import { NOTHING, digest, readBody } from "./digest.mjs";
import { behind, refreshed, replenished, run, within } from "./errands.mjs";
import { namesHopByHop, stripHopByHop } from "./hop_by_hop.mjs";
import * as instances from "./instance.mjs";
import { stripOverrides } from "./overrides.mjs";
import { failed, logLine, plain } from "./plain.mjs";
import { CLOSED, DELIVER, DIGEST, FORWARD, MADE, PARKED, READ, REFRESH, RELAY, REPLENISH, RUN, VERIFY, writeLog } from "./plan.mjs";
import { verified } from "./verify.mjs";

/** Most answers come within this time. Only after it is the client watched, for a listener is dear (docs/performance.md);
 * the driver frees the slots of clients that leave earlier after a second. */
const PROMPT_MS = 25;

/** How much of a counted body is read at once: what comes by itself are 4 KiB, each with the same price. */
const PIECE_BYTES = 64 * 1024;

/** Methods whose requests have no body, as a rule, and none that `fetch` would take by itself. */
const BODILESS = new Set(["GET", "HEAD"]);

/** Goes on with a plan until there is an answer. `serve` begins a request anew. */
export function carryOut(plan, request, env, ctx, serve) {
  return new Promise((resolve) => new Call(request, env, ctx, resolve, serve).advance(plan));
}

/** An answer made in wasm. A constant list of headers is there as Headers: copying those is the cheapest start. */
export function made(plan) {
  const log = plan.field();
  const body = plan.field();
  const constant = plan.constant();
  const response = new Response(body === "" ? null : body, { status: plan.number, headers: constant?.headers });
  plan.edit(response.headers, true);
  writeLog(log);
  return response;
}

class Call {
  constructor(request, env, ctx, resolve, serve) {
    this.request = request;
    this.env = env;
    this.ctx = ctx;
    this.resolve = resolve;
    this.serve = serve;
    this.response = undefined;
    this.failure = undefined;
    this.sent = false;
    this.bytes = undefined;
    this.asks = "";
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
    if (plan.due) behind(plan, this.request, this.env, this.ctx);
    switch (plan.kind) {
      case MADE:
        return this.resolve(made(plan));
      case RELAY:
        return this.relay(plan);
      case FORWARD:
        return this.forward(plan);
      case PARKED:
        return this.park(plan);
      case DIGEST:
        return this.digest(plan);
      case DELIVER:
        return this.deliver(plan);
      case VERIFY:
        return this.verify(plan);
      case READ:
        return this.read(plan);
      case RUN:
        return this.run(plan);
      case REFRESH:
        return this.askForAll(plan, refreshed);
      case REPLENISH:
        return this.askForAll(plan, replenished);
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
    this.request.signal.addEventListener("abort", () => this.dropped(plan));
    plan.instance.watched(plan);
  }

  send(plan, tooLarge) {
    const { request } = this;
    const { method, headers } = request;
    const body = this.bytes ?? request.body;
    const url = plan.field();
    const binding = plan.field();
    this.asks = plan.field();
    const fetcher = binding === "" ? globalThis : this.env[binding];
    if (plan.limit !== 0 && body !== null) return this.sendCounted(plan, fetcher, url, tooLarge);
    if (plan.untouched && !namesHopByHop(headers)) return fetcher.fetch(url, request);
    if (body !== null && BODILESS.has(method)) return this.sendUnusual(plan, fetcher, url);
    const head = this.edited(plan, new Headers(headers));
    return fetcher.fetch(url, { method, headers: head, body, redirect: "manual" });
  }

  /** A body whose length nobody has announced: it goes on while it is counted. That of a GET or HEAD goes on as part of
   * a whole request or not at all (see `sendUnusual`), so nobody can count it and it counts as too large. */
  sendCounted(plan, fetcher, url, tooLarge) {
    const { method, headers, body } = this.request;
    if (BODILESS.has(method)) return Promise.resolve(instances.BODY_TOO_LARGE);
    const { readable, writable } = new IdentityTransformStream();
    const broken = new AbortController();
    const head = this.edited(plan, new Headers(headers));
    const sent = fetcher.fetch(url, { method, headers: head, body: readable, redirect: "manual", signal: broken.signal });
    this.ctx.waitUntil(count(body, writable, plan.limit, tooLarge).catch(() => broken.abort()));
    return sent;
  }

  /** GET or HEAD with a body: `fetch` takes one only as part of a whole request, which keeps its announced length. One
   * without a length would arrive empty, so it counts as too large. */
  sendUnusual(plan, fetcher, url) {
    if (!this.request.headers.has("content-length")) return Promise.resolve(instances.BODY_TOO_LARGE);
    const copy = new Request(url, this.request);
    this.edited(plan, copy.headers);
    return fetcher.fetch(copy);
  }

  /** Reads the body of the request before it is sent on, for no longer than the plan says. That of a GET or HEAD goes on
   * as part of a whole request or not at all (see `sendUnusual`), so nobody can read it and it counts as too large. */
  digest(plan) {
    const { request } = this;
    if (request.body === null) return this.advance(plan.instance.digested(plan, NOTHING));
    if (BODILESS.has(request.method)) return this.advance(plan.instance.step(plan, instances.BODY_TOO_LARGE));
    let timer;
    const settle = (read) => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      this.digested(plan, read);
    };
    timer = setTimeout(() => settle({ failure: instances.TIMEOUT }), plan.number);
    request.signal.addEventListener("abort", () => this.dropped(plan));
    digest(request.body, plan.limit).then(settle);
  }

  digested(plan, { bytes, digest, failure }) {
    try {
      if (!instances.isCurrent(plan.instance)) return this.finishAlone();
      this.bytes = bytes;
      this.advance(failure === undefined ? plan.instance.digested(plan, digest) : plan.instance.step(plan, failure));
    } catch (error) {
      this.resolve(failed(error, this.request));
    }
  }

  /** Reads the body of a request that is for the gateway itself. */
  read(plan) {
    const { body } = this.request;
    this.returns(plan, body === null ? Promise.resolve(NOTHING) : readBody(body, plan.limit));
  }

  /** Has an errand done. */
  run(plan) {
    this.returns(plan, run(plan, plan.instance.message(), this.request, this.env));
  }

  /** Gives the bytes of a promise back, or why there are none, which is a number. */
  returns(plan, promise) {
    const { instance } = plan;
    this.goOn(plan, within(plan.number, promise), (bytes) =>
      typeof bytes === "number" ? instance.step(plan, bytes) : instance.returned(plan, bytes),
    );
  }

  /** Has something asked, once for all who wait for it. Nothing of the request has gone out yet: if the instance
   * dies meanwhile, it begins anew in the next one; a loop of traps is broken elsewhere. */
  askForAll(plan, ask) {
    const asked = ask(plan, this.request, this.env, this.ctx);
    this.goOn(plan, asked, () => plan.instance.step(plan, instances.NOTHING_TO_SAY), () => this.serve(this.request, this.env, this.ctx));
  }

  /** Goes on when something has come of a promise, which never rejects. */
  goOn(plan, promise, next, whenDead) {
    this.request.signal.addEventListener("abort", () => this.dropped(plan));
    promise.then((value) => {
      if (!instances.isCurrent(plan.instance)) return whenDead === undefined ? this.finishAlone() : this.resolve(whenDead());
      try {
        this.advance(next(value));
      } catch (error) {
        this.resolve(failed(error, this.request));
      }
    });
  }

  /** Makes of the client's head what the plan says. */
  edited(plan, head) {
    stripHopByHop(head);
    // The runtime has met it, and waits for no upstream before it sends a body.
    if (this.request.body !== null) head.delete("expect");
    if (!plan.untouched) {
      stripOverrides(head);
      plan.edit(head);
      plan.constant(); // fetches the list of the answer's edits: an instance that has died has none to give
    }
    return head;
  }

  /** The answer is there, with the edits that the plan named for it, or it will not come. */
  arrived(plan, outcome) {
    try {
      const answered = typeof outcome !== "number";
      this.failure = answered ? undefined : outcome;
      this.response = answered ? answerHead(plan, outcome) : undefined;
      if (!instances.isCurrent(plan.instance)) return this.finishAlone();
      const told = answered && this.asks !== "" ? number(outcome.headers.get(this.asks)) : undefined;
      this.advance(plan.instance.step(plan, answered ? instances.HEAD : outcome, this.response?.status, told));
    } catch (error) {
      this.resolve(failed(error, this.request));
    }
  }

  /** The upstream's answer, with whatever edits came on top of those that the forward plan named. */
  relay(plan) {
    const log = plan.field();
    const response = withStatus(this.response, plan.limit);
    if (!plan.untouched) plan.edit(response.headers);
    writeLog(log);
    this.resolve(response);
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
    if (this.failure === instances.BODY_TOO_LARGE) return "body_too_large";
    return this.failure === instances.TIMEOUT ? "upstream_timeout" : "upstream_unreachable";
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
    request.signal.addEventListener("abort", () => this.dropped(plan));
    plan.instance.park(plan).then((result) => {
      if (result === instances.DEAD) return this.resolve(plain("internal", request));
      if (result !== instances.LATE) return this.advance(result);
      this.dropped(plan);
      this.resolve(plain("dependency_timeout", request));
    });
  }

  /** Has a signature checked and goes on. Nothing has been sent yet: if the instance dies meanwhile, so does the request. */
  verify(plan) {
    verified(plan).then((outcome) => {
      if (!instances.isCurrent(plan.instance)) return this.finishAlone();
      try {
        this.advance(plan.instance.step(plan, outcome));
      } catch (error) {
        this.resolve(failed(error, this.request));
      }
    });
  }

  /** Hands the answer on through a pipe and reports the end of its body behind the response. */
  deliver(plan) {
    const response = withStatus(this.response, plan.limit);
    if (!plan.untouched) plan.edit(response.headers);
    const { body } = response;
    if (body === null) {
      this.ended(plan, instances.BODY_COMPLETE, 0);
      return this.resolve(response);
    }
    const { readable, writable } = new IdentityTransformStream();
    const cut = plan.number === 0 ? undefined : AbortSignal.timeout(plan.number);
    const complete = (bytes) => this.ended(plan, instances.BODY_COMPLETE, bytes);
    const broken = () => this.ended(plan, instances.BODY_BROKEN);
    const handedOn = plan.counts ? countOut(body, writable, cut) : body.pipeTo(writable, { signal: cut });
    this.ctx.waitUntil(handedOn.then(complete, broken));
    this.resolve(new Response(readable, response));
  }

  /** Nobody waits for this request any more: its slot is freed and its log line written. */
  dropped(plan) {
    if (!instances.isCurrent(plan.instance)) return;
    const last = plan.instance.drop(plan);
    if (last.kind === MADE || last.kind === CLOSED) writeLog(last.field());
    // What it held is given back, if the runtime leaves time for that.
    if (last.due) behind(last, this.request, this.env, this.ctx);
  }

  /** The body has ended, one way or the other: the log line can be written. */
  ended(plan, how, bytes) {
    if (!instances.isCurrent(plan.instance)) return this.logAlone();
    const last = plan.instance.step(plan, how, 0, bytes);
    if (last.kind === CLOSED) writeLog(last.field());
    if (last.due) behind(last, this.request, this.env, this.ctx);
  }
}

/** Hands a body on that may have so many bytes. Fails when it has more, or breaks off itself. The caller then ends the
 * whole exchange: the upstream may have answered already, and the platform would end such a request as if it were
 * complete and let the answer go on. */
async function count(body, writable, limit, tooLarge) {
  const reader = body.getReader({ mode: "byob" });
  const writer = writable.getWriter();
  let buffer = new ArrayBuffer(Math.min(PIECE_BYTES, limit + 1));
  for (let left = limit; ; ) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) return writer.close();
    left -= value.byteLength;
    if (left < 0) {
      tooLarge();
      throw new Error("the body is too large");
    }
    await writer.write(value);
    ({ buffer } = value);
  }
}

/** Hands the body of an answer on and gives its length in bytes. A length that is too large for a word is the largest. */
async function countOut(body, writable, cut) {
  const reader = body.getReader();
  const writer = writable.getWriter();
  cut?.addEventListener("abort", () => reader.cancel());
  try {
    for (let bytes = 0; ; ) {
      const { done, value } = await reader.read();
      if (cut?.aborted) throw new Error("the body is late");
      if (done) return writer.close().then(() => Math.min(bytes, instances.UNTOLD));
      bytes += value.byteLength;
      await writer.write(value);
    }
  } catch (error) {
    await Promise.allSettled([reader.cancel(error), writer.abort(error)]);
    throw error;
  }
}

/** The whole number that a header tells; nothing for anything else. */
function number(text) {
  return text !== null && /^[0-9]{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

/** The answer with the edits that the forward plan named for it. */
function answerHead(plan, answer) {
  if (plan.untouched && !namesHopByHop(answer.headers)) return answer;
  const response = new Response(answer.body, answer);
  stripHopByHop(response.headers);
  if (!plan.untouched) plan.edit(response.headers);
  return response;
}

/** The answer under the status that the plan names; 0 stands for its own. */
function withStatus(response, status) {
  return status === 0 ? response : new Response(response.body, { status, headers: response.headers });
}
