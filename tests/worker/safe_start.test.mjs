// A gateway in an environment does not start with secrets that are missing, short or from an example, and its log says
// all of it at once, with the commands that mend it. On a developer's machine an example secret is a warning.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { assertProblem } from './lib/problems.mjs';

const CONFIGURATION = `
[gateway]
name = "test"
requires = ["ENCRYPTION_KEY"]

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[upstreams.shop]
targets = ["\${ORIGIN_URL}"]
credentials = { bearer = "\${SHOP_TOKEN}" }

[routes."GET /greeting"]
auth = "none"
respond = "hello"

[routes."GET /shop"]
upstream = "shop"
auth = "main"

[env.production.gateway]
timeout = "5s"
`;

const RANDOM = '3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=';
const EXAMPLE = 'please-change-me-this-is-32-bytes';
const GOOD = { JWT_SECRET: RANDOM, ENCRYPTION_KEY: RANDOM, SHOP_TOKEN: RANDOM };

async function start(t, variables) {
  const gateway = await startGateway({ bin: compiled(CONFIGURATION), variables: { ...GOOD, ...variables } });
  t.after(() => gateway.stop());
  return gateway;
}

test('good secrets start it in an environment', async (t) => {
  const gateway = await start(t, { FERROGATE_ENV: 'production' });
  assert.equal((await gateway.ask('/greeting')).body, 'hello');
  assert.ok(!gateway.output.includes('weak secret'));
});

test('in an environment everything that is wrong is told at once, and none of it to callers', async (t) => {
  const gateway = await start(t, { FERROGATE_ENV: 'production', JWT_SECRET: EXAMPLE, ENCRYPTION_KEY: undefined, SHOP_TOKEN: 'changeme', ORIGIN_URL: undefined });
  const answer = await gateway.ask('/greeting');
  assertProblem(answer, 503, 'cannot_start');
  assert.doesNotMatch(answer.body, /JWT|ENCRYPTION|SHOP|ORIGIN/);
  const [{ reasons, reason }] = await gateway.reported('cannot start');
  for (const name of ['JWT_SECRET', 'ENCRYPTION_KEY', 'SHOP_TOKEN']) {
    assert.ok(reasons.some((one) => one.endsWith(`openssl rand -base64 48 | npx wrangler secret put ${name} --env production`)), `${name}: ${reason}`);
  }
  assert.ok(reasons.some((one) => one.includes('ORIGIN_URL') && one.includes('[env.production.vars]')), reason);
  assert.equal(reasons.length, 4);
  for (const value of [EXAMPLE, 'changeme', RANDOM]) assert.ok(!gateway.output.includes(value));
});

test('on a developer\'s machine an example is a warning, told once, and a missing secret is not', async (t) => {
  const gateway = await start(t, { JWT_SECRET: EXAMPLE });
  for (let request = 0; request < 3; request++) assert.equal((await gateway.ask('/greeting')).status, 200);
  const warnings = await gateway.reported('weak secret');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0].reason, /JWT_SECRET.*\.dev\.vars/);
  assert.ok(!gateway.output.includes(EXAMPLE));
  const without = await start(t, { ENCRYPTION_KEY: undefined });
  assertProblem(await without.ask('/greeting'), 503, 'cannot_start');
});
