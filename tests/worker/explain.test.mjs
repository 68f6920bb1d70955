// A request with a token of the operator's is told how its answer came about; one without is told nothing.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const SECRET = 'a secret of thirty-two bytes or so';
const CONFIGURATION = `
[gateway]
name = "explained"
explain = { secret = "\${EXPLAIN_SECRET}" }

[issuers.main]
algorithm = "HS256"
issuer = "i"
audience = "a"
secret = "\${JWT_SECRET}"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET /raw/{rest...}"]
upstream = "origin"
auth = "none"
pass_through = true

[routes."GET /closed"]
upstream = "origin"
auth = "main"
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION), variables: { EXPLAIN_SECRET: SECRET } }), (both) => ({ origin, gateway } = both));

/** As `ferrogate explain-token` makes it. */
function token(expires = Math.floor(Date.now() / 1000) + 60) {
  const mac = createHmac('sha256', SECRET).update(`ferrogate explain v1\nexplained\n${expires}`).digest('base64url');
  return `v1.${expires}.${mac}`;
}

const asking = (sent, path) => gateway.ask(path, { headers: { 'x-ferrogate-explain': sent } });

for (const path of ['/open/echo', '/raw/echo']) {
  test(`an answer of the origin says how it came about: ${path}`, async () => {
    const answer = await asking(token(), path);
    assert.equal(answer.status, 200);
    const told = answer.headers['ferrogate-explain'];
    assert.match(told, new RegExp(`^trace;outcome=passed;.*routing;outcome=passed;why="[^"]+";route="GET ${path.slice(0, 5)}`));
    assert.match(told, /authz;outcome=passed;.*forward;outcome=decided;.*cost;total_ms=\d+;upstream_ms=\d+$/);
    assert.equal(origin.of(path).at(-1).headers['x-ferrogate-explain'], undefined, 'the token stays here');
  });
}

test('a refusal says which stage refused, in its document too if asked', async () => {
  const answer = await asking(`${token()};body`, '/closed');
  assert.equal(answer.status, 401);
  assert.match(answer.headers['ferrogate-explain'], /authn;outcome=refused;why="[^"]+";code="token_missing"/);
  const document = answer.json();
  assert.equal(document.code, 'token_missing');
  assert.deepEqual(document.explain.filter(({ outcome }) => outcome === 'refused').map(({ stage }) => stage), ['authn']);
  assert.equal((await asking(token(), '/closed')).json().explain, undefined);
});

test('nobody else is told anything', async () => {
  const past = token(Math.floor(Date.now() / 1000) - 1);
  const late = token(Math.floor(Date.now() / 1000) + 200_000);
  for (const sent of [past, late, `${token()}x`, 'v1', 'x'.repeat(5000)]) {
    const answer = await asking(sent, '/open/echo');
    assert.deepEqual([answer.status, answer.headers['ferrogate-explain']], [200, undefined], sent.slice(0, 80));
    assert.equal(origin.of('/open/echo').at(-1).headers['x-ferrogate-explain'], undefined);
  }
  assert.equal((await gateway.ask('/closed')).headers['ferrogate-explain'], undefined);
});

test('a secret that is too short stops the gateway, and the log says so', async (t) => {
  const weak = await startGateway({ origin, bin: compiled(CONFIGURATION), variables: { EXPLAIN_SECRET: 'short' } });
  t.after(() => weak.stop());
  assert.equal((await weak.ask('/open/echo')).status, 503);
  assert.ok((await weak.reported('cannot start')).length > 0);
});
