// Abuse in a fleet: whoever is blocked through one isolate is refused by all, whatever becomes of messages, and stays refused
// when isolates and objects begin anew.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { token } from '../worker/lib/tokens.mjs';
import { startRig } from './lib/rig.mjs';

const CONFIGURATION = `
[gateway]
name = "watched"
address_from = { header = "x-from" }
signals = { relays = false }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
roles = "roles"

[admin]
auth = "main"

[abuse]
threshold = 5

[routes."GET /here"]
respond = "here"
auth = "none"
when_stale = "wait"
freshness = "100ms"
`;

let rig;

before(async () => {
  rig = await startRig({ bin: compiled(CONFIGURATION) });
});

after(async () => {
  await rig?.stop();
});

const from = (address, more = {}) => ({ headers: { 'x-from': address, ...more } });
const status = async (isolate, address) => (await rig.iso(isolate).ask('/here', from(address))).status;
const ALL = [0, 1, 2, 3];

async function scan(isolate, address, count) {
  for (let left = count; left > 0; left--) await rig.iso(isolate).ask(`/nothing/${left}`, from(address));
}

async function refusedEverywhere(address) {
  for (const isolate of ALL) await eventually(async () => (await status(isolate, address)) === 403, () => `iso${isolate} serves ${address}`);
}

test('whoever is blocked through one isolate is refused by all, and nobody else is', async () => {
  await scan(1, '192.0.2.1', 5);
  await refusedEverywhere('192.0.2.1');
  for (const isolate of ALL) assert.equal(await status(isolate, '192.0.2.2'), 200);
});

test('what several isolates see comes together', async () => {
  for (const isolate of ALL) await scan(isolate, '192.0.2.3', 1);
  for (const isolate of ALL) assert.equal(await status(isolate, '192.0.2.3'), 200);
  await scan(0, '192.0.2.3', 1);
  await refusedEverywhere('192.0.2.3');
});

test('reports that come twice count once, and lost answers take no block with them', async () => {
  await rig.iso(2).faults({ ABUSE: { duplicate: 1, seed: 3 } });
  await scan(2, '192.0.2.4', 4);
  await rig.iso(2).faults({ ABUSE: { drop: 1, seed: 3 } });
  await scan(2, '192.0.2.5', 5);
  for (const isolate of ALL.filter((other) => other !== 2)) {
    await eventually(async () => (await status(isolate, '192.0.2.5')) === 403, () => `iso${isolate} serves who is blocked`);
  }
  await rig.iso(2).faults();
  for (const isolate of ALL) assert.equal(await status(isolate, '192.0.2.4'), 200, 'four are not eight');
});

test('blocks outlive isolates, and operators take them back everywhere', async () => {
  await rig.restartAll();
  await refusedEverywhere('192.0.2.1');
  const operator = { authorization: `Bearer ${token({ sub: 'ada', roles: ['operator'] })}` };
  const { blocked } = (await rig.iso(3).ask('/admin/v1/blocks', from('192.0.2.9', operator))).json();
  assert.deepEqual(blocked.map(({ name }) => name).sort(), ['192.0.2.1', '192.0.2.3', '192.0.2.5']);
  const answer = await rig.iso(3).ask('/admin/v1/blocks?address=192.0.2.1', { method: 'DELETE', ...from('192.0.2.9', operator) });
  assert.equal(answer.status, 204);
  for (const isolate of ALL) await eventually(async () => (await status(isolate, '192.0.2.1')) === 200, () => `iso${isolate} refuses who is not blocked`);
});
