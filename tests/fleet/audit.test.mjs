// The audit log with a real queue, database and object: every row gets through once and into one chain, whatever fails
// on the way. The chain is checked by an implementation of its own, from docs/audit.md.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CLI } from '../../scripts/lib/paths.mjs';
import { compiled } from '../worker/lib/compile.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { startRig } from './lib/rig.mjs';

const CONFIG = `
[gateway]
name = "fleet"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."POST /orders/{id}"]
respond = "done"
auth = "none"
audit = { action = "order.create", resource = "order", resource_id = "{path.id}" }

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET /mine"]
respond = "yours"
auth = "main"
`;

/** A failed batch comes again at once, and after the second time goes to the dead letter queue, which the same consumer
 * reads: so a row that had to go there is seen to arrive. Batches are not waited for. */
const DEAD = 'ferrogate-dead-letters';
const impatient = (options) => {
  const consumers = Object.entries(options.queueConsumers ?? {}).map(([name, consumer]) => [name, { ...consumer, maxBatchTimeout: 0.05, retryDelay: 0, maxRetries: 1 }]);
  if (consumers.length > 0) consumers.push([DEAD, { maxBatchTimeout: 0.05, retryDelay: 0, maxRetries: 100 }]);
  return { ...options, queueConsumers: Object.fromEntries(consumers) };
};

/** Rows wait for two seconds, and a row that cannot be sent for one more. */
const PATIENCE_MS = 15_000;

let rig;
let origin;

before(async () => {
  origin = await startOrigin();
  rig = await startRig({ isolates: 2, origin, bin: compiled(CONFIG), adjust: impatient });
});

beforeEach(() => Promise.all(rig.isolates.map((isolate) => isolate.faults())));

after(async () => {
  await rig?.stop();
  await origin?.stop();
});

const rows = async (where = '1 = 1') => (await (await rig.database()).prepare(`SELECT * FROM audit_logs WHERE ${where} ORDER BY sequence`).all()).results;
const rowsOf = (id) => rows(`request_id = '${id}'`);

/** Waits until so many rows of a request are there, and gives them. */
function arrived(id, count = 1) {
  let found = [];
  return eventually(async () => (found = await rowsOf(id)).length >= count && found, () => `of ${id}: ${JSON.stringify(found)}\n${rig.iso(0).output}`, PATIENCE_MS);
}

/** Waits until all rows are linked. */
const linked = () => eventually(async () => (await rows('sequence IS NULL')).length === 0, () => `not linked\n${rig.iso(0).output}`, PATIENCE_MS);

const order = (isolate, id) => isolate.ask(`/orders/${id}`, { method: 'POST', headers: { 'x-request-id': id, 'user-agent': 'test/1', 'cf-connecting-ip': '192.0.2.60' } });

const U64 = (number) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(number)); return bytes; };
const COLUMNS = ['id', 'action', 'status', 'user_id', 'ip_address', 'user_agent', 'resource_type', 'resource_id', 'details', 'error_message', 'request_id'];

/** The hash of a row behind another. */
function hashOf(row, previous) {
  const texts = COLUMNS.flatMap((name) => {
    const text = Buffer.from(row[name] ?? '');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row[name] === null ? 0xffffffff : text.length);
    return [length, text];
  });
  const bytes = [Buffer.of(1), U64(row.sequence), Buffer.from(previous, 'hex'), Buffer.of(1), U64(row.timestamp), ...texts];
  return createHash('sha256').update(Buffer.concat(bytes)).digest('hex');
}

/** All rows are in one chain without gaps. */
async function assertChain() {
  await linked();
  let previous = '0'.repeat(64);
  for (const [at, row] of (await rows()).entries()) {
    assert.equal(row.sequence, at + 1);
    assert.equal(row.previous_hash, previous, row.id);
    assert.equal(row.hash, hashOf(row, previous), row.id);
    previous = row.hash;
  }
  return previous;
}

/** A message as rows travel. */
const message = (number, rest = {}) => `1 ${JSON.stringify({ id: `01980000-0000-7000-8000-${String(number).padStart(12, '0')}`, timestamp: 1_800_000_000_000 + number, action: 'test.sent', status: 'success', request_id: `sent-${number}`, ...rest })}`;
const send = async (...texts) => (await rig.queue()).sendBatch(texts.map((body) => ({ body, contentType: 'text' })));

describe('a row', () => {
  test('of a route gets into the database and into the chain', async () => {
    assert.equal((await order(rig.iso(1), 'o-1')).status, 200);
    const [row] = await arrived('o-1');
    assert.deepEqual({ ...row, id: '', timestamp: 0, sequence: 0, previous_hash: '', hash: '' }, {
      id: '', timestamp: 0, action: 'order.create', user_id: null, ip_address: '192.0.2.60', user_agent: 'test/1', resource_type: 'order',
      resource_id: 'o-1', details: '{"method":"POST","route":"POST /orders/{id}","status":200}', status: 'success', error_message: null,
      request_id: 'o-1', sequence: 0, previous_hash: '', hash: '',
    });
    await assertChain();
    const line = rig.iso(1).logged.map((text) => JSON.parse(text)).find(({ msg, request_id: id }) => msg === 'audit' && id === 'o-1');
    assert.equal(line.id, row.id);
  });

  test('tells of a token that is not believed, and none of one that is not there', async () => {
    await rig.iso(0).ask('/mine', { headers: { 'x-request-id': 'none' } });
    await rig.iso(0).ask('/mine', { headers: { 'x-request-id': 'bad', authorization: 'Bearer a.b.c' } });
    const [row] = await arrived('bad');
    assert.deepEqual([row.action, row.error_message, row.resource_id], ['security.token_refused', 'token_invalid', 'GET /mine']);
    assert.deepEqual(await rowsOf('none'), []);
  });

  test('that comes twice is kept once', async () => {
    await send(message(1), message(1), message(2));
    await send(message(1), message(3));
    await arrived('sent-3');
    for (const number of [1, 2, 3]) assert.equal((await arrived(`sent-${number}`)).length, 1);
    await assertChain();
  });

  test('with letters of all kinds keeps them', async () => {
    const text = "'; DROP TABLE audit_logs; -- \u202e\u{1f980}\"\\";
    await send(message(4, { user_id: text, details: JSON.stringify({ text }) }));
    const [row] = await arrived('sent-4');
    assert.deepEqual([row.user_id, JSON.parse(row.details)], [text, { text }]);
    await assertChain();
  });
});

describe('what is no row', () => {
  test('is reported and holds nobody up', async () => {
    await send('nonsense', '7 {}', '1 {"id":"x"}', message(10));
    await arrived('sent-10');
    const found = await rig.owner.reported('queue message not understood');
    assert.equal(found.length, 3);
    assert.equal((await rows("action = 'test.sent'")).filter(({ id }) => id === 'x').length, 0);
  });
});

describe('when something fails, no row is lost and no request notices', () => {
  test('a queue that fails once is asked again', async () => {
    await rig.iso(1).faults({ EVENTS: { fail: 1, calls: 1 } });
    assert.equal((await order(rig.iso(1), 'o-queue')).status, 200);
    await arrived('o-queue');
  });

  test('a database that fails gets the row again, from the dead letter queue in the end', async () => {
    await rig.owner.faults({ DB: { fail: 1, calls: 3 } });
    assert.equal((await order(rig.iso(1), 'o-database')).status, 200);
    await arrived('o-database');
    assert.ok((await rig.owner.reported('audit rows wait')).length >= 2);
    await assertChain();
  });

  test('a database that has the row although its answer was lost does not get it twice', async () => {
    await rig.owner.faults({ DB: { drop: 1, hang: 50, calls: 2 } });
    await send(message(20));
    await arrived('sent-20');
    await assertChain();
    assert.equal((await rowsOf('sent-20')).length, 1);
  });

  test('an object that is killed, evicted or cannot be told goes on where it was', async () => {
    for (let round = 0; round < 8; round++) {
      if (round % 4 === 1) await rig.owner.faults({ AUDIT: { fail: 1, calls: 1 } });
      await send(message(30 + round));
      await arrived(`sent-${30 + round}`);
      if (round % 2 === 0) await rig.kill('Audit', 'chain');
      else await rig.evict('Audit', 'chain');
    }
    await rig.alarm('Audit', 'chain');
    await assertChain();
  });

  test('an object whose calls of the database fail in all ways makes one chain', async () => {
    await rig.owner.faults({ DB: { fail: 0.2, lose: 0.1, drop: 0.2, duplicate: 0.1, hang: 50, seed: 11 } });
    for (let number = 50; number < 70; number++) await send(message(number));
    for (let number = 50; number < 70; number++) await arrived(`sent-${number}`);
    await rig.owner.faults();
    await rig.alarm('Audit', 'chain');
    await assertChain();
  });

  test('the wasm instance that dies under the object and the consumer changes nothing', async () => {
    await send(message(80));
    await rig.owner.wipe();
    await send(message(81));
    await rig.owner.wipe();
    for (const number of [80, 81]) await arrived(`sent-${number}`);
    await rig.alarm('Audit', 'chain');
    await assertChain();
  });
});

describe('an export', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-audit-'));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const verify = (kept, ...more) => {
    const file = path.join(folder, 'audit.jsonl');
    fs.writeFileSync(file, kept.map((row) => `${JSON.stringify({ ...row, timestamp: new Date(row.timestamp).toISOString() })}\n`).join(''));
    try {
      return { code: 0, out: execFileSync(CLI, ['audit', 'verify', file, ...more], { encoding: 'utf8', stdio: 'pipe' }) };
    } catch (error) {
      return { code: error.status, out: error.stderr };
    }
  };

  test('holds on the command line, and does not when a row was changed behind the gateway\'s back', async () => {
    const last = await assertChain();
    const kept = await rows();
    const anchor = `${kept.length}:${last}`;
    const good = verify(kept, '--anchor', anchor);
    assert.deepEqual([good.code, good.out.includes(`anchor ${anchor}`)], [0, true], good.out);
    const { sequence } = kept[2];
    await (await rig.database()).prepare('UPDATE audit_logs SET user_id = ? WHERE sequence = ?').bind('somebody else', sequence).run();
    const bad = verify(await rows());
    assert.equal(bad.code, 1);
    assert.match(bad.out, new RegExp(`broken at ${sequence} .*not the one that was linked`));
    assert.match(verify(kept.slice(0, -1), '--anchor', anchor).out, /does not lead to the row that the anchor names/);
  });
});

describe('migrations', () => {
  test('that wrangler has not written down are pending', async () => {
    const before = (await rig.iso(1).ask('/health/migrations')).json();
    assert.deepEqual(before, { status: 'pending', current: null, head: '0001_audit_logs.sql', pending: ['0001_audit_logs.sql'], unknown: [] });
    const database = await rig.database();
    // As wrangler makes it.
    await database.exec('CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)');
    await database.prepare('INSERT INTO d1_migrations (name) VALUES (?), (?)').bind('0001_audit_logs.sql', '0002_later.sql').run();
    const answer = await rig.iso(1).ask('/health/migrations');
    assert.deepEqual([answer.status, answer.json().status, answer.json().unknown], [200, 'current', ['0002_later.sql']]);
  });

  test('of a database that is away are not known', async () => {
    await rig.iso(1).faults({ DB: { fail: 1, calls: 1 } });
    const answer = await rig.iso(1).ask('/health/migrations');
    assert.deepEqual([answer.status, answer.json().code], [503, 'not_ready']);
  });
});
