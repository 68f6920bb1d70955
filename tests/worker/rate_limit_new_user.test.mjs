// Limits as somebody meets them who has just started the example: a line in gateway.toml, six requests, and one more when the
// answer says so. By `npm start`, so with wrangler and a real object; time passes by itself.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inRepository } from '../../scripts/lib/paths.mjs';
import { npmStart, temporaryFolder, until } from './lib/start.mjs';

/** Two routes of the example: what one has counted is nothing to the other. */
const LIST = { table: '[routes."GET /v1/products"]', path: '/v1/products' };
const ITEM = { table: '[routes."GET /v1/products/{id}"]', path: '/v1/products/1' };
const RELOADED_WITHIN_MS = 60_000;

test('the sixth request of five is refused, and let in when Retry-After has passed', async (t) => {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'gateway.toml');
  const example = fs.readFileSync(inRepository('gateway.toml'), 'utf8');
  fs.writeFileSync(config, example);
  const started = await npmStart(t, ['--port', '0', '--persist', path.join(folder, 'state'), '--config', config]).ready();
  const get = ({ path: target }) => fetch(started.url + target);
  const reloads = () => started.output.split('gateway reloaded').length;
  const limit = async ({ table }, rate) => {
    const before = reloads();
    assert.ok(example.includes(table));
    fs.writeFileSync(config, example.replace(table, `${table}\nrate_limit = "${rate}"`));
    await until(() => reloads() > before, RELOADED_WITHIN_MS, () => started.output);
  };
  const six = async (route) => {
    const answers = [];
    while (answers.length < 6) answers.push(await get(route));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 429]);
    assert.deepEqual(answers.map(({ headers }) => headers.get('ratelimit').match(/;r=(\d)/)[1]), ['4', '3', '2', '1', '0', '0']);
    return answers.at(-1);
  };
  assert.equal((await get(LIST)).headers.get('ratelimit'), null);

  await t.test('five a minute', async () => {
    await limit(LIST, '5/min');
    const refused = await six(LIST);
    assert.equal(refused.headers.get('ratelimit-policy'), '"5/min per address";q=5;w=60');
    assert.match(refused.headers.get('ratelimit'), /^"5\/min per address";r=0;t=(5\d|6[0-2])$/);
    assert.match(refused.headers.get('retry-after'), /^(5\d|6[0-2])$/);
    assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    const problem = await refused.json();
    assert.deepEqual([problem.status, problem.code, problem.detail], [429, 'rate_limited', 'There were more requests than the limit allows: 5/min per address.']);
  });
  await t.test('five in two seconds', async () => {
    await limit(ITEM, '5/2s');
    const refused = await six(ITEM);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 3, `${seconds}`);
    assert.equal((await get(ITEM)).status, 429);
    await pause(seconds * 1000);
    assert.equal((await get(ITEM)).status, 200);
  });
});
