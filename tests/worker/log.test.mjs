// The log line of a request: which are written, as variables say, and what they hold.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "log"
log = { level = "\${LOG_LEVEL:-info}", sample = "\${LOG_SAMPLE:-100%}" }

[routes."GET /reset/{token}"]
auth = "none"
respond = "ok"
`;

let bin;
before(() => (bin = compiled(CONFIGURATION)));

async function start(t, variables) {
  const gateway = await startGateway({ bin, variables });
  t.after(() => gateway.stop());
  return gateway;
}

/** Whether each of these ids has a line, once the last of them must have one: a refusal is always written. */
async function written(gateway, ids) {
  for (const id of ids) await gateway.ask('/reset/1', { headers: { 'x-request-id': id } });
  await gateway.ask('/nowhere', { headers: { 'x-request-id': 'last' } });
  await gateway.line('last');
  return ids.filter((id) => gateway.lines.some((line) => line.request_id === id));
}

test('every request is written, without the values of parameters that promise secrets', async (t) => {
  const gateway = await start(t, {});
  await gateway.ask('/reset/s3cr3t?token=s3cr3t', { headers: { 'x-request-id': 'r', authorization: 'Bearer s3cr3t' } });
  assert.equal((await gateway.line('r')).path, '/reset/***');
  assert.ok(!gateway.output.includes('s3cr3t'));
});

test('a level leaves out what is less important', async (t) => {
  const gateway = await start(t, { LOG_LEVEL: 'WARN' });
  assert.deepEqual(await written(gateway, ['a', 'b']), []);
});

test('a sample keeps some of what went well, the same each time', async (t) => {
  const ids = Array.from({ length: 40 }, (_, number) => `request-${number}`);
  const gateway = await start(t, { LOG_SAMPLE: '50%' });
  const kept = await written(gateway, ids);
  assert.ok(kept.length > 8 && kept.length < 32, `${kept.length}`);
  const other = await start(t, { LOG_SAMPLE: '50%' });
  assert.deepEqual(await written(other, ids), kept);
});

test('a level that is none stops the gateway, and the log says which variable', async (t) => {
  const gateway = await start(t, { LOG_LEVEL: 'loud' });
  assert.equal((await gateway.ask('/reset/1')).status, 503);
  const [{ reason }] = await gateway.reported('cannot start');
  assert.match(reason, /log\.level/);
});
