// What operators change about single keys of rate limits holds in all isolates: a reset lets in who was refused, another
// limit counts everywhere, and what was refused comes together on one page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { token } from '../worker/lib/tokens.mjs';
import { startRig } from './lib/rig.mjs';

const CONFIGURATION = `
[gateway]
name = "fleet"
address_from = { header = "x-from" }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
roles = "roles"

[admin]
on = true
auth = "main"

[metrics]
operator = { auth = "main", scopes = ["operate"] }
shards = 2

[routes."GET /few"]
respond = "here"
auth = "none"
rate_limit = { limit = "3/hour", name = "few" }
`;

let rig;

before(async () => {
  rig = await startRig({ bin: compiled(CONFIGURATION) });
});

after(async () => rig?.stop());

const ask = async (isolate, from) => rig.iso(isolate).ask('/few', { headers: { 'x-from': from } });
const status = async (isolate, from) => (await ask(isolate, from)).status;
const statuses = async (count, isolate, from) => {
  const seen = [];
  for (let left = count; left > 0; left--) seen.push(await status(isolate, from));
  return seen;
};

/** What isolate 0 answers the operator. */
async function operate(method, below, body) {
  const headers = { authorization: `Bearer ${token({ sub: 'ada', roles: ['operator'] })}` };
  const answer = await rig.iso(0).ask(`/admin/v1${below}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.status < 300, `${answer.status} ${answer.body}`);
  return answer.status === 204 ? undefined : JSON.parse(answer.body);
}

test('a reset lets in who was refused, in the isolate that answers at once and in the others soon', async () => {
  const from = '192.0.2.1';
  assert.deepEqual([...(await statuses(3, 1, from)), ...(await statuses(2, 2, from)), await status(0, from)], [200, 200, 200, 429, 429, 429]);
  const key = `/limits/key?limit=few&address=${from}`;
  const full = await operate('GET', key);
  assert.deepEqual([full.left, full.limit, full.key], [0, 3, `address=${from}`]);
  assert.ok(Date.parse(full.free_at) > Date.now());
  await operate('DELETE', key);
  assert.equal((await operate('GET', key)).left, 3);
  assert.equal(await status(0, from), 200);
  // Isolate 2 remembers for an hour that it was refused, unless it hears of the reset.
  await eventually(async () => (await status(2, from)) === 200, () => 'the isolate has not heard of it');
});

test('another limit for a key holds in all isolates, for that key alone', async () => {
  const [from, other] = ['192.0.2.2', '192.0.2.3'];
  assert.deepEqual(await statuses(4, 3, from), [200, 200, 200, 429]);
  const path = `/limits/override?limit=few&address=${from}`;
  const made = await operate('PUT', path, { limit: 6, reason: 'A training.', for: '10m' });
  assert.deepEqual([made.limit, made.by, made.reason], [6, 'ada', 'A training.']);
  assert.match((await ask(0, from)).headers['ratelimit-policy'], /^"few";q=6;/);
  await eventually(async () => (await ask(3, from)).headers['ratelimit-policy'].startsWith('"few";q=6;'), () => 'it is not known there');
  const rest = await Promise.all([1, 2, 3].map((isolate) => statuses(6, isolate, from)));
  const stands = await operate('GET', `/limits/key?limit=few&address=${from}`);
  assert.deepEqual([stands.left, stands.limit, stands.override.limit], [0, 6, 6]);
  assert.ok(rest.flat().includes(429));
  assert.deepEqual(await statuses(4, 1, other), [200, 200, 200, 429]);
  await operate('DELETE', path);
  assert.match((await ask(0, from)).headers['ratelimit-policy'], /^"few";q=3;/);
  assert.deepEqual((await operate('GET', '/limits')).overrides, []);
});

test('what all isolates have refused comes together for whoever asks', async () => {
  const from = '192.0.2.4';
  for (const isolate of [0, 1, 2, 3]) await statuses(5, isolate, from);
  const document = await eventually(
    async () => {
      // What is counted goes behind a response.
      await Promise.all([0, 1, 2, 3].map((isolate) => status(isolate, '192.0.2.5')));
      const told = await operate('GET', '/limits');
      return told.refused_keys.some(({ key, refused }) => key === `address=${from}` && refused === 17) && told;
    },
    () => 'not all have told what they have refused',
    15_000,
  );
  const [few] = document.limits;
  assert.deepEqual([few.name, few.routes, few.window, document.shards_missing, document.refused_error], ['few', ['GET /few'], '1h', 0, 0]);
  assert.ok(few.counts.refused >= 17 && few.counts.passed >= 3, JSON.stringify(few.counts));
  const headers = { authorization: `Bearer ${token({ scope: 'operate' })}` };
  const page = (await rig.iso(2).ask('/metrics', { headers })).body;
  assert.match(page, /^ferrogate_rate_limit_refused_keys\{limit="few",key="address=192\.0\.2\.4"\} 17$/m);
  assert.match(page, /^ferrogate_rate_limit_requests_total\{route="GET \/few",limit="few",plan="",outcome="refused",shard="\d"\} \d+$/m);
});
