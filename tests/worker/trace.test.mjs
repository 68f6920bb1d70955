// Traces on the wire: what an origin gets of `traceparent`, `tracestate` and `baggage`, byte by byte as clients send them,
// and what the client and the log are told. The grammar itself is tested in gateway/src/http/trace_context.rs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SENT = `00-${TRACE}-${PARENT}-01`;

const route = (name, keys = '') => `
[routes."GET /${name}/{rest...}"]
upstream = "origin"
auth = "none"
${keys}
`;

const CONFIGURATION = `
[gateway]
name = "traces"
trace = "continue"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
${route('traced')}
${route('told', 'trace_headers = true\nserver_timing = true')}
${route('watched', 'server_timing = true\nobserve = "body"')}
${route('edge', 'trace = "restart"\nbaggage = "drop"')}
${route('apart', 'trace = "pass"')}
${route('checked', 'baggage = "check"')}
${route('unsampled', 'trace_sample = "0%"')}
${route('raw', 'pass_through = true')}
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

/** What the origin got in the fields about traces, for a request with these lines in its head. */
async function received(target, lines = []) {
  // Bytes, so that \u00ff is one that is not UTF-8.
  const answer = await speak(gateway.port, Buffer.from(head('GET', target, lines), 'latin1'));
  assert.equal(answer.status, 200);
  const { fields } = JSON.parse(answer.body.toString());
  const of = (name) => fields.filter(([known]) => known === name).map(([, value]) => value);
  return { parent: of('traceparent'), state: of('tracestate'), baggage: of('baggage'), of, answer };
}

/** The parts of the one traceparent that the origin got. */
function parts({ parent }) {
  assert.equal(parent.length, 1);
  const found = /^00-(?<trace>[0-9a-f]{32})-(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})$/.exec(parent[0]);
  assert.ok(found, parent[0]);
  return found.groups;
}

for (const [what, line] of [
  ['as it is sent', `traceparent: ${SENT}`],
  ['under a name in capitals', `TRACEPARENT: ${SENT}`],
  ['under a name in mixed case', `TrAcEpArEnT: ${SENT}`],
  ['with blanks around it', `traceparent: \t ${SENT} \t`],
  ['of a later version', `traceparent: cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`],
]) {
  test(`a traceparent ${what} is continued with another span`, async () => {
    const { trace, span, flags } = parts(await received('/traced/echo', [line]));
    assert.deepEqual([trace, flags], [TRACE, '01']);
    assert.notEqual(span, PARENT);
  });
}

for (const [what, lines] of [
  ['no traceparent', []],
  ['two of them', [`traceparent: ${SENT}`, `traceparent: ${SENT}`]],
  ['one that is too short', [`traceparent: ${SENT.slice(1)}`]],
  ['one in capitals', [`traceparent: ${SENT.toUpperCase()}`]],
  ['one of other names', [`trace-parent: ${SENT}`, `trace.parent: ${SENT}`]],
  ['one that is not UTF-8', [`traceparent: ${SENT}\u00ff`]],
]) {
  test(`a request with ${what} begins a trace, and its tracestate goes no further`, async () => {
    const seen = await received('/traced/echo', [...lines, 'tracestate: foo=1']);
    const { trace, flags } = parts(seen);
    assert.notEqual(trace, TRACE);
    assert.deepEqual([flags, seen.state], ['03', []]);
  });
}

test('every request gets a span of its own, and new traces differ', async () => {
  const seen = await Promise.all([1, 2, 3].map(() => received('/traced/echo')));
  const of = (name) => new Set(seen.map((one) => parts(one)[name]));
  assert.deepEqual([of('trace').size, of('span').size], [3, 3]);
});

test('a tracestate of several lines goes on in their order', async () => {
  const lines = [`traceparent: ${SENT}`, 'tracestate: foo=1,bar=2', 'tracestate: ', 'TraceState: rojo=1 \t ,congo=2'];
  const { state } = await received('/traced/echo', lines);
  const members = state.join(',').split(',').map((member) => member.trim());
  assert.deepEqual(members.filter((member) => member !== ''), ['foo=1', 'bar=2', 'rojo=1', 'congo=2']);
});

test('a malformed tracestate goes no further, and the trace does', async () => {
  for (const state of ['FOO=1', 'foo=1,bar', 'foo=\u00ff', ' ']) {
    const seen = await received('/traced/echo', [`traceparent: ${SENT}`, `tracestate: ${state}`]);
    assert.deepEqual([parts(seen).trace, seen.state], [TRACE, []], JSON.stringify(state));
  }
});

test('a tracestate of more than 512 characters goes on whole', async () => {
  const state = Array.from({ length: 32 }, (_, at) => `k${at}=${'v'.repeat(200)}`).join(',');
  assert.deepEqual((await received('/traced/echo', [`traceparent: ${SENT}`, `tracestate: ${state}`])).state, [state]);
});

test('an edge begins a new trace and drops baggage', async () => {
  const seen = await received('/edge/echo', [`traceparent: ${SENT}`, 'tracestate: foo=1', 'baggage: a=1', 'x-request-id: edge-1']);
  const { trace, span } = parts(seen);
  assert.notEqual(trace, TRACE);
  assert.deepEqual([seen.state, seen.baggage], [[], []]);
  const line = await gateway.line('edge-1');
  assert.deepEqual([line.trace_id, line.span_id, line.linked_trace_id, line.sampled], [trace, span, TRACE, true]);
});

for (const kind of ['apart', 'raw']) {
  test(`on /${kind} the gateway takes no part and changes nothing`, async () => {
    const lines = ['traceparent: nonsense', 'tracestate: FOO', 'baggage: a b', `x-request-id: ${kind}-1`];
    const seen = await received(`/${kind}/echo`, lines);
    assert.deepEqual([seen.parent, seen.state, seen.baggage], [['nonsense'], ['FOO'], ['a b']]);
    assert.equal('trace_id' in (await gateway.line(`${kind}-1`)), false);
  });
}

test('baggage is looked at where the route says so', async () => {
  const good = 'userId=alice;p=1, server = DF%2028';
  for (const [sent, seen] of [[good, [good]], ['a b', []], [`a=${'b'.repeat(8191)}`, []], ['a=\u00ff', []]]) {
    assert.deepEqual((await received('/checked/echo', [`baggage: ${sent}`])).baggage, seen, sent.slice(0, 40));
  }
});

test('a share of none marks no new trace as sampled and leaves the decision of others alone', async () => {
  assert.equal(parts(await received('/unsampled/echo')).flags, '02');
  assert.equal(parts(await received('/unsampled/echo', [`traceparent: ${SENT}`])).flags, '01');
});

test('the older headers tell both sides the same, whatever they say themselves', async () => {
  const forged = ['x-span-id: forged', 'x-parent-span-id: forged'];
  const { of, answer, parent } = await received('/told/echo', [`x-trace-id: ${TRACE}`, ...forged]);
  const { trace, span } = parts({ parent });
  assert.equal(trace, TRACE);
  assert.deepEqual(['x-trace-id', 'x-span-id', 'x-parent-span-id'].map((name) => of(name)), [[TRACE], [span], []]);
  assert.deepEqual(['x-trace-id', 'x-span-id', 'x-parent-span-id'].map(answer.field), [TRACE, span, undefined]);
});

for (const kind of ['told', 'watched']) {
  test(`on /${kind} the times stand beside those of the origin`, async () => {
    const { headers } = await gateway.ask(`/${kind}/timed`);
    assert.match(headers['server-timing'], /^db;dur=53, gateway;dur=\d+, upstream;dur=\d+$/);
  });
}

test('a refusal is traced like any other answer', async () => {
  await gateway.ask('/nowhere', { headers: { traceparent: SENT, 'x-request-id': 'refused-1' } });
  const line = await gateway.line('refused-1');
  assert.deepEqual([line.status, line.trace_id, line.parent_span_id], [404, TRACE, PARENT]);
});
