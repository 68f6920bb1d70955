// Ten thousand requests of clients that mean harm, as bytes, on the built Worker: whatever they send, it answers or the
// platform closes, nothing traps, and what reaches the origin is what was decided on. FERROGATE_SEED=N repeats a run.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { converse } from './lib/conversation.mjs';
import { startGateway } from './lib/gateway.mjs';
import { conversations, hasOneMeaning, mayFail, sentPaths, shown } from './lib/hostile.mjs';
import { FORGED } from './lib/hostile/heads.mjs';
import { eventually } from './lib/poll.mjs';
import { startRawOrigin, valuesOf } from './lib/raw-origin.mjs';
import { token } from './lib/tokens.mjs';

const SEED = Number(process.env.FERROGATE_SEED ?? 20_261_121);
const REQUESTS = 10_000;
const TOGETHER = 24;
/** A mistake shows up many times; so many are enough to read. */
const SHOWN = 5;
/** Nothing in it could be taken for the end of the field. */
const FIELD = /^[!#$%&'*+\-.^_`|~\w]+:[^\0\r\n]*$/;
/** Who sent what was hidden in a body. */
const NOBODY = { target: '', hosts: [], named: [] };
/** What the platform answers itself, without our headers: what it cannot read, methods it does not know, CONNECT and a second Host. */
const PLATFORM = new Set([400, 500, 501]);

let origin;
let gateway;
/** Every request by its number, and what was answered on it: { request, answer }. */
const requests = new Map();
const answered = [];
/** What went wrong on connections: { error, cases }. */
const stuck = [];

before(async () => {
  origin = await startRawOrigin();
  gateway = await startGateway({ origin, build: 'faults' });
  const waiting = conversations(SEED, REQUESTS);
  for (const { cases } of waiting) for (const one of cases) requests.set(one.number, one);
  await Promise.all(Array.from({ length: TOGETHER }, () => hold(waiting)));
});

after(async () => {
  await gateway?.stop();
  await origin?.stop();
});

/** Holds one conversation after another until none is left. */
async function hold(waiting) {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    try {
      const { answers, rest } = await converse(gateway.port, next);
      answers.forEach((answer, at) => answered.push({ request: next.cases[at] ?? next.cases.at(-1), answer }));
      if (next.leaves) continue;
      const last = next.cases[Math.min(answers.length, next.cases.length - 1)];
      if (rest !== '') stuck.push({ error: `no whole answer: ${JSON.stringify(rest.slice(0, 400))}`, request: last });
      // The platform closes behind what it refuses: what stood behind that was not read, and is sent again.
      const unread = next.cases.slice(Math.max(answers.length, 1));
      if (unread.length > 0) waiting.push({ ...next, cases: unread });
    } catch (error) {
      stuck.push({ error: error.message, request: next.cases[0] });
    }
  }
}

/** Fails with some of what broke a rule, and the seed that shows it again. */
function none(broken, rule) {
  const list = broken.slice(0, SHOWN).map(({ what, request }) => `${what}\n  ${request === undefined ? '' : shown(request)}`);
  assert.ok(broken.length === 0, `${broken.length} break the rule "${rule}" with FERROGATE_SEED=${SEED}:\n${list.join('\n')}`);
}

/** The request that stands behind one at the origin. What names none was hidden in a body. */
const sender = (call) => requests.get(Number(valuesOf(call, 'x-case')[0]));

/** What rule the requests at the origin break: `check` gives it for one of them. */
function atOrigin(check) {
  return origin.seen.flatMap((call) => {
    const request = sender(call);
    const what = check(call, request);
    return what === undefined ? [] : [{ what: `${what}\n  at the origin: ${JSON.stringify(call.head)}`, request }];
  });
}

test('every connection ends in time, with whole answers', () => {
  none(stuck.map(({ error, request }) => ({ what: error, request })), 'an answer or a close');
  assert.ok(answered.length > REQUESTS * 0.9, `${answered.length} answers`);
});

test('no answer blames us, and one that blames the upstream has a reason', () => {
  const ours = ({ answer: { body, status } }) => (status >= 500 ? codeOf(body) : undefined);
  const broken = answered.filter((one) => ours(one) !== undefined && !(mayFail(one.request) && /^upstream_(unreachable|timeout)$/.test(ours(one))));
  none(broken.map((one) => ({ what: `${one.answer.status} ${ours(one)}`, request: one.request })), 'no 5xx of ours');
});

test('what is not answered by us is answered by the platform, with a status of its own', () => {
  const foreign = answered.filter(({ request, answer }) => answer.field('x-request-id').length === 0 && !reachesRaw(request));
  const broken = foreign.filter(({ request, answer }) => !PLATFORM.has(answer.status) || (answer.status === 500 && !isPlatforms500(request)));
  none(broken.map(({ request, answer }) => ({ what: `${answer.status} ${answer.body.slice(0, 200)}`, request })), 'ours or the platform\'s');
  assert.ok(answered.length - foreign.length > REQUESTS / 2, `${answered.length - foreign.length} answers are ours`);
});

test('our answers are clean heads with one id each, and refusals are problem documents', () => {
  const broken = answered.flatMap(({ request, answer }) => {
    const what = defectOf(request, answer);
    return what === undefined ? [] : [{ what: `${what}: ${JSON.stringify(answer.lines)}`, request }];
  });
  none(broken, 'clean answers');
});

test('nothing traps and nothing is reported', async () => {
  assert.equal((await gateway.memory()).resets, 0, `with FERROGATE_SEED=${SEED}`);
  for (const report of ['wasm trapped', 'entry failed', 'cannot start', 'Uncaught (in', 'unhandled']) assert.ok(!gateway.output.includes(report), `${report}, with FERROGATE_SEED=${SEED}`);
});

test('every line of the log is one JSON object of visible text', () => {
  const broken = gateway.logged.filter((line) => !/^\{[ -~]*\}$/.test(line) || !isObject(line));
  none(broken.map((line) => ({ what: JSON.stringify(line) })), 'a line is an object');
  assert.ok(gateway.logged.length > REQUESTS / 2, `${gateway.logged.length} lines`);
});

test('what reaches the origin is a head of whole fields', () => {
  assert.ok(origin.seen.length > REQUESTS / 10, `${origin.seen.length} reached it`);
  none(origin.broken.map((head) => ({ what: JSON.stringify(head) })), 'requests');
  none(atOrigin(({ lines }) => (lines.every((line) => FIELD.test(line)) ? undefined : 'a line')), 'a line is a field');
});

// Other control characters in fields that no policy names go on as the client wrote them: looking for them on every
// head would cost every request (RFC 9110 section 5.5 leaves it to the recipient).
test('what the gateway writes for the origin is visible', () => {
  const written = ({ target }) => [...(target.startsWith('/raw') ? [] : ['x-request-id']), ...(target.startsWith('/mine') ? ['x-user-id'] : []), ...(target.startsWith('/things') ? ['x-thing'] : [])];
  none(atOrigin((call) => written(call).find((name) => valuesOf(call, name).some((value) => /[^!-~]/.test(value)))), 'visible');
  none(atOrigin((call) => (/[^!-~]/.test(call.target) ? 'the target' : undefined)), 'a visible target');
});

test('nothing that hid in the body of a request became one', () => {
  const hidden = (call) => (valuesOf(call, 'x-case').join().includes('hidden') || call.target.includes('hidden') ? 'hidden' : undefined);
  none(atOrigin(hidden), 'a body stays a body');
  none(atOrigin((call, request) => (request === undefined ? 'nobody sent it' : undefined)), 'each request has been sent');
});

test('the path at the origin is the one that was sent, byte for byte, and has one meaning', () => {
  none(atOrigin(({ target }, request = NOBODY) => {
    const [path] = target.split('?');
    if (!hasOneMeaning(path)) return 'two meanings';
    return sentPaths(request).includes(path) ? undefined : `sent ${sentPaths(request)}`;
  }), 'one path');
});

test('nobody reaches what needs a token without one, and the token stays here', () => {
  const mine = (call) => call.target.startsWith('/mine');
  none(atOrigin((call, request) => (mine(call) && request?.believed !== true ? 'no good token' : undefined)), 'a token');
  none(atOrigin((call) => (mine(call) && valuesOf(call, 'authorization').length > 0 ? 'the token' : undefined)), 'the token stays');
  assert.ok(origin.seen.filter(mine).length > 20, `${origin.seen.filter(mine).length} got through with a token`);
});

test('what a client forges under the names of a policy, or for this hop only, never gets through', () => {
  none(atOrigin((call, request) => {
    const forged = call.lines.filter((line) => line.includes(FORGED)).map((line) => line.split(':')[0].toLowerCase());
    const theirs = forged.filter((name) => !mayGoOn(name, call, request ?? NOBODY));
    return theirs.length === 0 ? undefined : `forged ${theirs}`;
  }), 'nothing forged');
  none(atOrigin((call) => (isRaw(call) || valuesOf(call, 'x-request-id').filter((id) => /^[!#-[\]-~]{1,128}$/.test(id)).length === 1 ? undefined : 'its id')), 'one id');
});

test('afterwards nothing is in flight, and a good request is served', async () => {
  const idle = async () => {
    await gateway.ask('/health/live');
    return (await gateway.memory()).slots === 0;
  };
  await eventually(idle, () => 'slots are still taken');
  const answer = await gateway.ask('/mine/echo', { headers: { authorization: `Bearer ${token()}`, 'x-case': '1' } });
  assert.deepEqual([answer.status, answer.body], [200, 'ok']);
});

const isRaw = ({ target }) => target.startsWith('/raw');
const reachesRaw = (request) => sentPaths(request).some((path) => path.startsWith('/raw'));

/** `x-user-id` and `x-thing` are names of two groups of routes only; a route that hands all on keeps what proxies said. */
function mayGoOn(name, call, request) {
  if (request.named.includes(name)) return false;
  if (name === 'x-user-id') return !call.target.startsWith('/mine');
  if (name === 'x-thing') return !call.target.startsWith('/things');
  return name.startsWith('proxy-') && isRaw(call);
}

/** The platform's own: a second Host, CONNECT. */
function isPlatforms500({ method, hosts }) {
  return hosts.length > 1 || method === 'CONNECT';
}

function defectOf(request, answer) {
  if (answer.lines.some((line) => /[^ -~]/.test(line))) return 'not visible';
  const ids = answer.field('x-request-id');
  if (ids.length === 0) return undefined;
  if (ids.length > 1 || !/^[!#-[\]-~]{1,128}$/.test(ids[0])) return 'its id';
  if (answer.status < 400 || request.method === 'HEAD') return undefined;
  const document = isObject(answer.body) ? JSON.parse(answer.body) : {};
  if (document.instance !== `urn:ferrogate:request:${ids[0]}` || document.status !== answer.status) return 'no problem document';
  return answer.field('content-type')[0] === 'application/problem+json' ? undefined : 'its type';
}

function codeOf(body) {
  return isObject(body) ? JSON.parse(body).code : undefined;
}

function isObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
