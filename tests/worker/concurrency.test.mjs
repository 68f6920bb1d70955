// Limits on requests at once, on the built Worker: a place in flight is taken when a request comes and given back when it is
// over, however it ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { connect, head } from './lib/client.mjs';
import { eventually } from './lib/poll.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const route = (name, more) => `
[routes."ANY /${name}/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = { limit = 2, algorithm = "concurrency", per = "route", name = "${name}"${more} }
`;

const CONFIGURATION = `
[gateway]
name = "busy"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
timeout = { first_byte = "20s", whole = "60s" }
${route('head', '')}
${route('body', ', until = "body"')}
${route('left', '')}
${route('late', '')}
[routes."ANY /many/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = { limit = 40, algorithm = "concurrency", per = "global" }
`;

let gateway, origin;
withGateway(
  () => ({ bin: compiled(CONFIGURATION) }),
  (both) => ({ gateway, origin } = both),
);

/** Asks until there is a place. A place that is given back takes a moment to be known. */
const letIn = (path) => eventually(async () => {
  const { status } = await gateway.ask(path);
  return status === 200;
}, () => `${path} never has a place`);

test('the third of two at once is refused, and let in when one is over', async () => {
  const first = gateway.ask('/head/hang/1');
  const second = gateway.ask('/head/hang/2');
  const call = await origin.arrival('/head/hang/1');
  await origin.arrival('/head/hang/2');
  const refused = await gateway.ask('/head/echo');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['ratelimit-policy'], '"head";q=2;qu="concurrent-requests"');
  assert.equal(refused.json().code, 'rate_limited');
  call.response.end('over');
  assert.equal((await first).status, 200);
  await letIn('/head/echo');
  (await origin.arrival('/head/hang/2')).response.end();
  assert.equal((await second).status, 200);
});

test('a request is in flight until the head of its answer is there, or its body, as the limit says', async () => {
  for (const [name, third] of [['head', 200], ['body', 429]]) {
    await letIn(`/${name}/echo`);
    const dripping = [1, 2].map((number) => gateway.ask(`/${name}/drip/${number}`));
    const calls = await Promise.all([1, 2].map((number) => origin.arrival(`/${name}/drip/${number}`)));
    if (third === 200) await letIn(`/${name}/echo`);
    else assert.equal((await gateway.ask(`/${name}/echo`)).status, third);
    calls.forEach((call) => call.response.end('rest'));
    for (const answer of await Promise.all(dripping)) assert.equal(answer.body, 'firstrest');
    await letIn(`/${name}/echo`);
  }
});

test('a client that leaves gives its place back', async () => {
  const sockets = await Promise.all([1, 2].map(async (number) => {
    const socket = await connect(gateway.port);
    socket.write(head('GET', `/left/hang/${number}`));
    return socket;
  }));
  await Promise.all([1, 2].map((number) => origin.arrival(`/left/hang/${number}`)));
  assert.equal((await gateway.ask('/left/echo')).status, 429);
  sockets.forEach((socket) => socket.resetAndDestroy());
  await letIn('/left/echo');
});

test('an answer that never comes gives its place back', async () => {
  const broken = [1, 2].map((number) => gateway.ask(`/late/hang/${number}`));
  const calls = await Promise.all([1, 2].map((number) => origin.arrival(`/late/hang/${number}`)));
  calls.forEach((call) => call.response.destroy());
  for (const answer of await Promise.all(broken)) assert.equal(answer.status, 502);
  await letIn('/late/echo');
});

test('a larger limit is reached and never passed by many at once', async () => {
  const hanging = Array.from({ length: 60 }, (_, number) => gateway.ask(`/many/hang/${number}`));
  const refused = await eventually(async () => {
    const settled = await Promise.all(hanging.map((answer) => Promise.race([answer, Promise.resolve(undefined)])));
    const answers = settled.filter((answer) => answer !== undefined);
    return answers.length >= 20 && answers;
  }, () => 'not as many were refused as are too many');
  assert.deepEqual([refused.length, new Set(refused.map(({ status }) => status))], [20, new Set([429])]);
  const inFlight = await eventually(() => {
    const calls = origin.seen.filter(({ path }) => path.startsWith('/many/hang/'));
    return calls.length >= 40 && calls;
  }, () => 'not as many get through as there are places');
  assert.equal(inFlight.length, 40);
  inFlight.forEach((call) => call.response.end());
  await Promise.all(hanging);
});
