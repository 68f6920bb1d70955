// Abuse on the built Worker: what is refused often enough blocks its address, the objects remember it, operators see it and
// are never locked out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { eventually } from './lib/poll.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "watched"
address_from = { header = "x-from" }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
roles = "roles"

[admin]
auth = "main"

[abuse]
threshold = 4
exempt = ["198.51.100.0/24"]

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /here"]
respond = "here"
auth = "none"

[routes."GET /login/status/{code}"]
upstream = "origin"
auth = "none"
login = "{request.headers.x-user}"

[routes."GET /careful"]
respond = "here"
auth = "none"
condition = "client.suspicious == false"

[routes."GET /there"]
respond = "there"
auth = "none"
countries = { allow = ["DE"] }
`;

let gateway;
withGateway(
  () => ({ bin: compiled(CONFIGURATION) }),
  (both) => ({ gateway } = both),
);

const from = (address, more = {}) => ({ headers: { 'x-from': address, ...more } });
const operator = { authorization: `Bearer ${token({ sub: 'ada', roles: ['operator'] })}` };
const operate = async (path, more = {}) => (await gateway.ask(`/admin/v1${path}`, { ...from('192.0.2.9', operator), ...more })).json();

async function scan(address, count) {
  for (let left = count; left > 0; left--) assert.equal((await gateway.ask(`/nothing/${left}`, from(address))).status, 404);
}

test('whoever scans is blocked for an hour, and nobody else is', async () => {
  await scan('192.0.2.66', 4);
  const refused = await eventually(async () => {
    const answer = await gateway.ask('/here', from('192.0.2.66'));
    return answer.status === 403 ? answer : undefined;
  });
  assert.equal(refused.json().code, 'address_blocked');
  const after = Number(refused.headers['retry-after']);
  assert.ok(after > 3590 && after <= 3600, `${after}`);
  assert.equal((await gateway.ask('/here', from('192.0.2.67'))).status, 200);
  assert.equal((await gateway.ask('/health/live', from('192.0.2.66'))).status, 200);
  const { blocked } = (await gateway.ask('/admin/v1/blocks', from('192.0.2.66', operator))).json();
  assert.deepEqual(blocked.map(({ name, by }) => [name, by]), [['192.0.2.66', 'gateway']]);
});

test('who is exempt is served, whatever he asks for', async () => {
  await scan('198.51.100.1', 8);
  assert.equal((await operate('/abuse')).blocked_addresses, 1);
  assert.equal((await gateway.ask('/here', from('198.51.100.1'))).status, 200);
});

test('failed logins make an address suspicious, which a condition knows', async () => {
  const address = '192.0.2.70';
  assert.equal((await gateway.ask('/careful', from(address))).status, 200);
  for (let left = 11; left > 0; left--) assert.equal((await gateway.ask('/login/status/401', from(address, { 'x-user': `u${left}` }))).status, 401);
  await eventually(async () => (await operate('/suspicious')).suspicious.length > 0 || undefined);
  const { suspicious } = await operate('/suspicious');
  assert.deepEqual(suspicious.map(({ type, name }) => [type, name]), [['address', address]]);
  assert.equal((await gateway.ask('/careful', from(address))).json().code, 'condition_failed');
  assert.equal((await gateway.ask('/careful', from('192.0.2.71'))).status, 200);
});

test('the country is what the platform says, and no header of a client', async () => {
  assert.equal((await gateway.ask('/there', from('192.0.2.1', { 'cf-ipcountry': 'DE' }))).json().code, 'country_refused');
});
