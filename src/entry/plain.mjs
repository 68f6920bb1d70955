// Answers that JavaScript makes without wasm: what does not fit, what cannot start, what is left after a trap.
// Their heads are constant but for the request id, and name no origin: no policy has been asked.

import { Trap } from "./instance.mjs";

const HEAD = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  vary: "Origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Status, family, title and detail. Always a document: who wants text instead (gateway/src/http/accept.rs) is not asked. */
const KINDS = {
  body_too_large: [413, "VAL", "The body is too large", "The body of the request is larger than this route takes."],
  url_too_long: [414, "VAL", "The URL is too long", "A URL may have 16,384 characters."],
  headers_too_large: [431, "VAL", "The headers are too large", "The headers that the gateway reads may have 65,536 bytes together."],
  internal: [500, "SRV", "The gateway failed", "The request was not finished. It may or may not have reached the upstream."],
  upstream_unreachable: [502, "NET", "The upstream did not answer", "The connection to the upstream failed before it answered."],
  cannot_start: [503, "SRV", "The gateway cannot start", "Its configuration is incomplete; the log says what is missing."],
  restarting: [503, "SRV", "The gateway is restarting", "It failed several times in a row and pauses for a moment."],
  upstream_timeout: [504, "NET", "The upstream did not answer in time", "The upstream did not answer before its deadline."],
  dependency_timeout: [504, "SRV", "The gateway waited too long", "A service that the gateway stands on did not answer in time."],
};

/** The answer after an exception. A trap has been reported where it was caught. */
export function failed(error, request) {
  if (!(error instanceof Trap)) console.error(JSON.stringify({ level: "error", msg: "entry failed", error: String(error?.stack ?? error) }));
  return plain("internal", request);
}

/** The id that the client sent, if it is 1 to 128 visible characters, else a new one. */
function requestId(request) {
  const sent = request.headers.get("x-request-id");
  return sent !== null && /^[!#-[\]-~]{1,128}$/.test(sent) ? sent : crypto.randomUUID();
}

/** What is refused because it is too long is not logged whole. */
const LONGEST_PATH = 1024;

/** What a line is made of, as in gateway/src/stages/log.rs: everything else is escaped. */
const INVISIBLE = /[^ -~]/g;
const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The log line of a request whose route is not known here. Like any other, it says nothing of the query. */
export function logLine(request, rest) {
  const { method, url } = request;
  const path = url.slice(url.indexOf("/", "https://".length)).split("?", 1)[0].slice(0, LONGEST_PATH);
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), msg: "request", method, path, route: "-", ...rest }).replace(INVISIBLE, escape));
}

/** The answer of a gateway that cannot start. That the code runs is true all the same: `/health/live` says so, as it does
 * in wasm (gateway/src/stages/health), so that nobody restarts for ever what a restart does not mend. */
export function cannotStart(request) {
  const { pathname } = new URL(request.url);
  if (pathname !== "/health/live" || !["GET", "HEAD"].includes(request.method)) return plain("cannot_start", request, { "retry-after": "60" });
  const id = requestId(request);
  logLine(request, { level: "info", request_id: id, status: 200 });
  return new Response('{"status":"pass"}', { headers: { ...HEAD, "content-type": "application/health+json", "x-request-id": id } });
}

/** How many of each kind nobody has counted yet. */
let made = new Map();

/** Gives that away, to be counted with what wasm has answered. */
export function uncounted() {
  const given = made;
  made = new Map();
  return given;
}

/** A problem document (RFC 9457) of one of the kinds above, and its log line. */
export function plain(code, request, extra) {
  made.set(code, (made.get(code) ?? 0) + 1);
  const [status, family, title, detail] = KINDS[code];
  const id = requestId(request);
  const type = `urn:ferrogate:problem:${code}`;
  const body = { type, title, status, detail, instance: `urn:ferrogate:request:${id}`, code, family: `${family}-${status}` };
  logLine(request, { level: "error", request_id: id, status, code });
  return new Response(JSON.stringify(body), { status, headers: { ...HEAD, ...extra, "x-request-id": id } });
}
