// The wasm instance dies while requests are at every possible place. Each test has a workerd of its own: three traps
// within ten seconds close a gateway for five. The faults come from `?fault=KIND-PLACE`, see pipeline/faults.rs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, head } from './lib/client.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually, within } from './lib/poll.mjs';
import { SEQUENCE, mark } from './lib/signals.mjs';
import { assertCareful, assertMadeId, assertProblem } from './lib/problems.mjs';

/** What "at once" means on a busy machine; well under every time that something is parked or closed for. */
const AT_ONCE_MS = 1000;
const PAGE = 'https://app.test';

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

/** A test with a gateway of its own. */
function trapTest(name, run) {
  test(name, async (t) => {
    const gateway = await startGateway({ origin, build: 'faults' });
    t.after(() => gateway.stop());
    await run(gateway);
  });
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const withId = (id) => ({ headers: { 'x-request-id': id } });

/** The gateway works, and its instance has been replaced this often. */
async function assertRecovered(gateway, resets) {
  assert.equal((await gateway.ask('/open/echo')).status, 200);
  assert.deepEqual(await gateway.memory().then(({ slots, resets: counted }) => ({ slots, counted })), { slots: 0, counted: resets });
}

for (const kind of ['trap', 'stack', 'memory']) {
  trapTest(`${kind} before the forward means 500, and the next request is served`, async (gateway) => {
    const answer = await gateway.ask(`/open/${kind}?fault=${kind}-begin`, withId('dead'));
    assertProblem(answer, 500, 'internal', 'dead');
    assert.deepEqual(origin.of(`/open/${kind}`), []);
    const lines = await gateway.linesOf('dead');
    assert.deepEqual(lines.map(({ level, status, code }) => ({ level, status, code })), [{ level: 'error', status: 500, code: 'internal' }]);
    await assertRecovered(gateway, 1);
    assert.equal((await gateway.reported('wasm trapped')).length, 1);
  });

  trapTest(`${kind} behind the upstream's head means 500 and not its answer, and the upstream was asked once`, async (gateway) => {
    const path = `/open/echo/${kind}-step`;
    const answer = await gateway.ask(`${path}?fault=${kind}-step`, { method: 'POST', body: 'once', headers: { 'x-request-id': 'dead' } });
    assertProblem(answer, 500, 'internal', 'dead');
    assert.equal(origin.of(path).length, 1);
    await assertRecovered(gateway, 1);
  });
}

trapTest('memory is given back after there was none left', async (gateway) => {
  const before = await gateway.memory();
  await gateway.ask('/open/echo?fault=memory-begin');
  await gateway.ask('/open/echo');
  const { bytes, resets } = await gateway.memory();
  assert.equal(resets, 1);
  assert.ok(bytes <= before.bytes + 1024 * 1024, `${before.bytes} bytes before, ${bytes} after`);
});

trapTest('a parked request gets its 500 at once when another one traps', async (gateway) => {
  const parked = gateway.ask('/health/ready?fault=pause-park', withId('parked'));
  await eventually(async () => (await gateway.memory()).slots === 1);
  const started = performance.now();
  assertProblem(await gateway.ask('/open/echo?fault=trap-begin'), 500, 'internal');
  const answer = await within(AT_ONCE_MS, parked, 'the parked request');
  assertProblem(answer, 500, 'internal', 'parked');
  assert.ok(performance.now() - started < AT_ONCE_MS);
  assert.equal((await gateway.linesOf('parked')).length, 1);
  await assertRecovered(gateway, 1);
});

trapTest('a parked request goes on when nothing traps', async (gateway) => {
  const answer = await gateway.ask('/health/ready?fault=pause-park', withId('parked'));
  assert.deepEqual([answer.status, answer.json()], [200, { status: 'pass' }]);
  assert.ok((await gateway.line('parked')).duration_ms >= 1900);
});

trapTest('a trap behind a wait means 500 at once and not a hang', async (gateway) => {
  const answer = await within(AT_ONCE_MS, gateway.ask('/health/ready?fault=late-park', withId('late')), 'the answer');
  assertProblem(answer, 500, 'internal', 'late');
  assert.equal((await gateway.linesOf('late')).length, 1);
  await assertRecovered(gateway, 1);
});

for (const kind of ['pages', 'watched']) {
  trapTest(`on /${kind} a forward that is out while another request traps ends with the upstream's answer and the plan's headers`, async (gateway) => {
    const path = `/${kind}/hang/orphan`;
    const out = gateway.ask(path, { headers: { 'x-request-id': 'orphan', origin: PAGE } });
    const call = await origin.arrival(path);
    assertProblem(await gateway.ask('/open/echo?fault=trap-begin'), 500, 'internal');
    call.response.writeHead(201, { 'x-frame-options': 'ALLOWALL', 'x-upstream': 'yes' });
    call.response.end('the upstream speaks');
    const answer = await within(AT_ONCE_MS, out, 'the orphan');
    assert.deepEqual([answer.status, answer.body, answer.headers['x-upstream']], [201, 'the upstream speaks', 'yes']);
    assert.equal(answer.headers['x-request-id'], 'orphan');
    assert.equal(answer.headers['access-control-allow-origin'], kind === 'pages' ? PAGE : undefined);
    assertCareful(answer);
    assert.equal(origin.of(path).length, 1);
    const [line, ...others] = await gateway.linesOf('orphan');
    assert.deepEqual([line.status, line.orphaned, others], [201, true, []]);
    await assertRecovered(gateway, 1);
  });
}

trapTest('a forward that is out and fails after a trap means 502', async (gateway) => {
  const path = '/open/hang/broken';
  const out = gateway.ask(path, withId('orphan'));
  const call = await origin.arrival(path);
  await gateway.ask('/open/echo?fault=trap-begin');
  call.response.destroy();
  assertProblem(await within(AT_ONCE_MS, out, 'the orphan'), 502, 'upstream_unreachable', 'orphan');
  assert.equal(origin.of(path).length, 1);
  await assertRecovered(gateway, 1);
});

trapTest('a forward that is out and hangs after a trap means 504 at its deadline', async (gateway) => {
  const path = '/slow/hang/orphan';
  const out = gateway.ask(path, withId('orphan'));
  await origin.arrival(path);
  await gateway.ask('/open/echo?fault=trap-begin');
  assertProblem(await within(AT_ONCE_MS, out, 'the orphan'), 504, 'upstream_timeout', 'orphan');
});

trapTest('a body that grows too large after a trap gets 413 and breaks off', async (gateway) => {
  const path = '/tight/sink/orphan';
  const socket = await connect(gateway.port);
  const answered = new Promise((resolve) => socket.once('data', resolve));
  const chunk = `258\r\n${'x'.repeat(600)}\r\n`;
  socket.write(head('POST', path, ['transfer-encoding: chunked', 'x-request-id: orphan']) + chunk);
  const call = await origin.arrival(path);
  await eventually(() => call.bytes === 600, () => `${call.bytes} bytes`);
  await gateway.ask('/open/echo?fault=trap-begin');
  socket.write(chunk);
  assert.match((await answered).toString(), /^HTTP\/1.1 413 /);
  assert.equal((await gateway.line('orphan')).code, 'body_too_large');
  await eventually(() => call.whole === false, () => `whole: ${call.whole}`);
  socket.destroy();
});

trapTest('an answer that streams while another request traps is cut off at its deadline all the same', async (gateway) => {
  const path = '/tight/drip/orphan';
  const streaming = Promise.withResolvers();
  const out = gateway.ask(path, { ...withId('cut'), onData: streaming.resolve });
  const call = await origin.arrival(path);
  await streaming.promise;
  await gateway.ask('/open/echo?fault=trap-begin');
  await assert.rejects(out, /aborted/);
  await eventually(() => call.cut, () => 'the origin still has the connection');
  assert.equal((await gateway.linesOf('cut')).length, 1);
  await assertRecovered(gateway, 1);
});

for (const kind of ['open', 'watched', 'raw']) {
  trapTest(`on /${kind} an answer that streams while another request traps arrives complete`, async (gateway) => {
    const path = `/${kind}/drip/through`;
    const streaming = Promise.withResolvers();
    const out = gateway.ask(path, { ...withId('through'), onData: streaming.resolve });
    const call = await origin.arrival(path);
    await streaming.promise;
    await gateway.ask('/open/echo?fault=trap-begin');
    call.response.end(' last');
    const answer = await within(AT_ONCE_MS, out, 'the answer');
    assert.deepEqual([answer.status, answer.body], [200, 'first last']);
    assert.equal((await gateway.linesOf('through')).length, 1);
    await assertRecovered(gateway, 1);
  });
}

/** How far the log of signals has come, as the object says it. */
const sequence = async (gateway) => (await gateway.object(hex(SEQUENCE))).answer;

trapTest('a trap inside an object fails its caller at once, and the object goes on with what it has stored', async (gateway) => {
  assert.equal((await gateway.object(hex(mark(1)))).status, 200);
  assert.equal(await sequence(gateway), '030001');
  const dead = await within(AT_ONCE_MS, gateway.object('ff'), 'the call');
  assert.equal(dead.status, 500);
  assert.equal(await sequence(gateway), '030001');
  await gateway.object(hex(mark(2)));
  assert.equal(await sequence(gateway), '030002');
  await assertRecovered(gateway, 1);
});

trapTest('a trap in a request does not disturb an object', async (gateway) => {
  await gateway.object(hex(mark(1)));
  await gateway.ask('/open/echo?fault=trap-begin');
  await gateway.object(hex(mark(2)));
  assert.equal(await sequence(gateway), '030002');
});

trapTest('two traps are not a loop', async (gateway) => {
  for (let trap = 0; trap < 2; trap++) await gateway.ask('/open/echo?fault=trap-begin');
  await assertRecovered(gateway, 2);
});

trapTest('three traps in ten seconds close the gateway, which says when it opens again and does', async (gateway) => {
  for (let trap = 0; trap < 3; trap++) assertProblem(await gateway.ask('/open/echo?fault=trap-begin'), 500, 'internal');
  const closed = await gateway.ask('/open/echo/closed', withId('closed'));
  assertProblem(closed, 503, 'restarting', 'closed');
  assert.match(closed.headers['retry-after'], /^[1-5]$/);
  assert.deepEqual(origin.of('/open/echo/closed'), []);
  await eventually(async () => (await gateway.ask('/open/echo')).status === 200, () => 'it stays closed', 7000);
  await assertRecovered(gateway, 3);
});

// Two traps leave the gateway open, so all the others must be served; the next test closes it in their midst.
trapTest('of 200 requests that meet two traps none gets anything of another', async (gateway) => {
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((number) => canary(gateway, number, number % 100 === 50)));
  for (const { number, answer } of answers) assertOwn(number, answer);
  const count = (status) => answers.filter(({ answer }) => answer.status === status).length;
  assert.deepEqual([count(200), count(500)], [198, 2]);
  await assertRecovered(gateway, 2);
});

trapTest('of 200 requests of which every tenth traps none gets anything of another', async (gateway) => {
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((number) => canary(gateway, number, number % 10 === 5)));
  for (const { number, answer } of answers) assertOwn(number, answer);
  const statuses = new Set(answers.map(({ answer }) => answer.status));
  assert.ok([...statuses].every((status) => [200, 500, 503].includes(status)), [...statuses].join(', '));
  assert.ok(answers.some(({ answer }) => answer.status === 500));
});

async function canary(gateway, number, traps) {
  const headers = { 'x-request-id': `id-${number}-`, 'x-canary': `header-${number}-` };
  const fault = traps ? `?fault=trap-${number % 20 === 5 ? 'step' : 'begin'}` : '';
  return { number, answer: await gateway.ask(`/open/echo/path-${number}-${fault}`, { method: 'POST', headers, body: `body-${number}-` }) };
}

/** Every canary in the answer is its own, and so is the id. */
function assertOwn(number, answer) {
  assert.equal(answer.headers['x-request-id'], `id-${number}-`);
  const canaries = answer.body.match(/(path|header|body|id)-\d+-/g) ?? [];
  assert.deepEqual(canaries.filter((canary) => canary.split('-')[1] !== String(number)), []);
  if (answer.status === 200) assert.deepEqual([...new Set(canaries)].sort(), ['body', 'header', 'id', 'path'].map((kind) => `${kind}-${number}-`));
}

trapTest('an answer after a trap has an id of its own when the client sent none', async (gateway) => {
  assertMadeId((await gateway.ask('/open/echo?fault=trap-begin')).headers['x-request-id']);
});
