// The entry module as the platform sees it: what can be called on it and what cannot, and what it stands on when all
// its bindings are there (wrangler's test harness, with the wrangler.toml that is deployed).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestHarness } from 'wrangler';
import { ask } from './lib/client.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { SEQUENCE, SEQUENCE_BEFORE, mark } from './lib/signals.mjs';
import { SECRET } from './lib/tokens.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CALLER = fs.readFileSync(path.join(import.meta.dirname, 'lib', 'caller.js'), 'utf8');
/** Messages of gateway/src/fleet/signals.rs, with their format number in front. */

const ASKER = {
  name: 'asker',
  main: path.join(import.meta.dirname, 'lib', 'asker.js'),
  compatibility_date: '2026-10-20',
  durable_objects: { bindings: [{ name: 'SIGNALS', class_name: 'Signals', script_name: 'ferrogate' }] },
};

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

describe('a Worker with a service binding to the gateway', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ origin, caller: CALLER });
  });
  after(() => gateway?.stop());

  test('may send it requests', async () => {
    const answer = await ask(gateway.callerPort, '/through');
    assert.deepEqual([answer.status, answer.json()], [200, { status: 'pass' }]);
  });

  test('can call nothing of it over RPC, neither the exports of the wasm nor its own functions', async () => {
    const names = [...exportsOf('ferrogate.js'), 'serve', 'consume', 'queue', 'default', 'Signals', 'Audit', 'handle', 'run', 'guard', 'anything'];
    assert.ok(['begin', 'step', 'park', 'load', '__wbg_reset_state'].every((name) => names.includes(name)), names.join(' '));
    for (const name of names) {
      const { result, error } = (await ask(gateway.callerPort, `/call?name=${name}`)).json();
      assert.equal(result, undefined, `${name} answered`);
      assert.match(error, /does not implement|is not supported|RPC/, name);
    }
    assert.equal((await gateway.ask('/open/echo')).status, 200);
  });
});

/** The names that a module of the build gives away. */
function exportsOf(file) {
  const source = fs.readFileSync(path.join(ROOT, 'build', 'test', file), 'utf8');
  const single = source.matchAll(/^export (?:async )?(?:function|class|const|let) (\w+)/gm);
  const listed = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list.split(',').map((item) => item.trim().split(' as ').pop()));
  return [...[...single].map(([, name]) => name), ...listed].filter((name) => /^\w+$/.test(name));
}

test('the bundle exports its default and its object classes, and nothing else', () => {
  const bundle = fs.readFileSync(path.join(ROOT, 'build', 'test', 'bundle', 'index.js'), 'utf8');
  const [, list] = /^export \{([^}]*)\};\s*$/m.exec(bundle);
  assert.deepEqual(list.split(',').map((item) => item.trim().split(' as ').pop()).sort(), ['Abuse', 'Audit', 'Limits', 'Metrics', 'Signals', 'default']);
});

describe('the gateway with every binding of wrangler.toml', () => {
  let harness;
  let worker;
  before(async () => {
    const config = { configPath: path.join(ROOT, 'wrangler.toml'), vars: { SHOP_URL: origin.url }, secrets: { JWT_SECRET: SECRET } };
    harness = createTestHarness({ root: ROOT, workers: [config, { config: ASKER }] });
    await harness.listen();
    worker = harness.getWorker();
  });
  after(() => harness?.close());

  /** Asks the object as the gateway does. */
  async function object(message) {
    const answer = await harness.getWorker(ASKER.name).fetch('/', { method: 'POST', body: message });
    return [...new Uint8Array(await answer.arrayBuffer())];
  }

  test('is live', async () => {
    const answer = await worker.fetch('/health/live');
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'pass' }]);
  });

  test('is ready: database, key-value store and object answer', async () => {
    const answer = await worker.fetch('/health/ready');
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'pass' }]);
  });

  test('serves the routes of its gateway.toml', async () => {
    assert.equal((await worker.fetch('/v1/products')).status, 200);
    assert.equal((await worker.fetch('/v1/orders')).status, 401);
  });

  test('keeps what its object knows when the object is evicted, and where it says it does', async () => {
    await object(mark(7));
    await object(mark(8));
    assert.deepEqual(await object(SEQUENCE), [3, 0, 2]);
    await worker.evictDurableObject('Signals', { name: 'root' });
    assert.deepEqual(await object(SEQUENCE), [3, 0, 2]);
    await object(mark(9));
    assert.deepEqual(await object(SEQUENCE), [3, 0, 3]);
    const storage = await worker.getDurableObjectStorage('Signals', { name: 'root' });
    const [{ marks }] = await storage.exec("SELECT count(*) AS marks FROM entries WHERE key >= x'6d' AND key < x'6d65'");
    assert.equal(marks, 3);
    assert.equal((await worker.fetch('/health/ready')).status, 200);
  });

  test('answers a caller of the version before as that one understands it', async () => {
    assert.deepEqual(await object(SEQUENCE_BEFORE), [2, 0, 3]);
  });

  test('answers a message that its object does not understand', async () => {
    assert.deepEqual(await object(new Uint8Array([9, 9])), [0, 3]);
  });
});
