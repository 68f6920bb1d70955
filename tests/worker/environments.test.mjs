// The variable FERROGATE_ENV chooses what of the file holds: an overlay, or the file as it stands. A name that is not
// there stops the gateway, for the wrong configuration would be worse than none.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { assertProblem } from './lib/problems.mjs';

const CONFIGURATION = `
[gateway]
name = "environments"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /greeting"]
auth = "none"
respond = "the file as it stands"

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"
response_headers = { set = { "x-env" = "none" } }

[env.staging.routes."GET /greeting"]
respond = "staging"

[env.staging.routes."GET /open/{rest...}".response_headers.set]
"x-env" = "staging"

[env.staging.routes."GET /only-staging"]
auth = "none"
respond = "only here"

[env.production.gateway]
security_headers = { x-frame-options = "SAMEORIGIN" }

[env.production.upstreams.origin]
targets = ["\${PRODUCTION_URL}"]

[env.closed.routes."GET /greeting"]
respond = { status = 410, body = "gone" }
`;

/** Where the magic word, the format, the hash and the length of the index end; see gateway/src/config/binary.rs. */
const INDEX_AT = 20;

let origin;
let bin;

before(async () => {
  origin = await startOrigin();
  bin = compiled(CONFIGURATION);
});

after(() => origin?.stop());

async function start(t, environment, options = {}) {
  const variables = { FERROGATE_ENV: environment, ...options.variables };
  const gateway = await startGateway({ origin, bin, ...options, variables });
  t.after(() => gateway.stop());
  return gateway;
}

async function cannotStart(t, environment, reason, options) {
  const gateway = await start(t, environment, options);
  assertProblem(await gateway.ask('/greeting'), 503, 'cannot_start');
  assertProblem(await gateway.ask('/health/ready'), 503, 'cannot_start');
  const reasons = await gateway.reported('cannot start');
  assert.equal(reasons.length, 1);
  assert.match(reasons[0].reason, reason);
}

for (const [environment, greeting, header, onlyStaging] of [
  [undefined, 'the file as it stands', 'none', 404],
  ['', 'the file as it stands', 'none', 404],
  ['staging', 'staging', 'staging', 200],
]) {
  test(`FERROGATE_ENV = ${JSON.stringify(environment)} is served by ${greeting}`, async (t) => {
    const gateway = await start(t, environment);
    assert.equal((await gateway.ask('/greeting')).body, greeting);
    assert.equal((await gateway.ask('/open/echo')).headers['x-env'], header);
    const answer = await gateway.ask('/only-staging');
    assert.equal(answer.status, onlyStaging);
  });
}

test('what an environment does not say holds as in the file', async (t) => {
  const gateway = await start(t, 'production', { variables: { PRODUCTION_URL: origin.url } });
  const answer = await gateway.ask('/greeting');
  assert.deepEqual([answer.body, answer.headers['x-frame-options']], ['the file as it stands', 'SAMEORIGIN']);
  assert.equal((await gateway.ask('/open/echo')).headers['x-env'], 'none');
});

test('an environment needs the variables that it names itself, and others do not', async (t) => {
  await cannotStart(t, 'production', /PRODUCTION_URL/);
});

test('variables that an environment has replaced are not needed', async (t) => {
  const gateway = await start(t, 'production', { variables: { PRODUCTION_URL: origin.url, ORIGIN_URL: undefined } });
  assert.equal((await gateway.ask('/open/echo')).status, 200);
});

for (const name of ['stagin', 'Staging', 'staging ', 'none', '../staging', 'toString']) {
  test(`the unknown environment ${JSON.stringify(name)} means 503, and the log names it and what there is`, async (t) => {
    const known = ['closed', 'production', 'staging'];
    await cannotStart(t, name, new RegExp(`FERROGATE_ENV is \`${name.replaceAll('.', '\\.')}\`.*only (?=.*${known.join(')(?=.*')})`));
  });
}

test('an environment where the file has none means 503, and the log says so', async (t) => {
  const plain = compiled('[gateway]\nname = "plain"\n\n[routes."GET /greeting"]\nauth = "none"\nrespond = "plain"\n');
  await cannotStart(t, 'staging', /FERROGATE_ENV is `staging`.*nor any other/, { bin: plain });
});

test('damage to one environment stops that one only', async (t) => {
  const damaged = Buffer.from(bin);
  damaged[damaged.length - 10] ^= 0xff;
  const outcomes = [];
  for (const environment of [undefined, 'staging', 'closed']) {
    const gateway = await start(t, environment, { bin: damaged });
    outcomes.push((await gateway.ask('/greeting')).status);
  }
  assert.deepEqual(outcomes.filter((status) => status === 503).length, 1, `${outcomes}`);
});

test('damage to the index stops all of them', async (t) => {
  const damaged = Buffer.from(bin);
  damaged[INDEX_AT + 3] ^= 0xff;
  for (const environment of [undefined, 'staging']) await cannotStart(t, environment, /hash/, { bin: damaged });
});
