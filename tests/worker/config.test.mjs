// A gateway that cannot start: it says so to every client and tells the operator why, with names and never values.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startGateway } from './lib/gateway.mjs';
import { eventually } from './lib/poll.mjs';
import { assertProblem } from './lib/problems.mjs';
import { SECRET } from './lib/tokens.mjs';

const BIN = path.resolve(import.meta.dirname, '../../build/test/gateway.bin');
/** The magic word comes first; see gateway/src/config/binary.rs. */
const FORMAT_AT = 4;
const compiled = () => fs.readFileSync(BIN);

/** Every kind of request is refused, and the log says why, once for each isolate. Gives what was logged. */
async function cannotStart(t, options, reason) {
  const gateway = await startGateway(options);
  t.after(() => gateway.stop());
  for (const target of ['/open/echo', '/health/ready', '/nowhere']) {
    const answer = await gateway.ask(target);
    assertProblem(answer, 503, 'cannot_start');
    assert.equal(answer.headers['retry-after'], '60');
  }
  await eventually(() => gateway.lines.length === 3, () => gateway.output);
  const reasons = await gateway.reported('cannot start');
  assert.equal(reasons.length, 1);
  assert.match(reasons[0].reason, reason);
  for (const value of Object.values({ JWT_SECRET: SECRET, ...options.variables })) assert.ok(value === undefined || !gateway.output.includes(value));
}

test('a missing variable means 503 on every request, and the log names it', async (t) => {
  await cannotStart(t, { variables: { ORIGIN_URL: undefined, REFUSING_URL: 'http://value-of-refusing.test' } }, /ORIGIN_URL/);
});

test('all missing variables are named at once', async (t) => {
  await cannotStart(t, { variables: { ORIGIN_URL: undefined, JWT_SECRET: undefined } }, /JWT_SECRET.*ORIGIN_URL|ORIGIN_URL.*JWT_SECRET/);
});

test('a secret that is too short means 503, and the log names its issuer', async (t) => {
  await cannotStart(t, { variables: { JWT_SECRET: 'a-short-secret' } }, /issuer `main`/);
});

test('a target that is no URL means 503, and the log names its upstream', async (t) => {
  await cannotStart(t, { variables: { ORIGIN_URL: 'ftp://value-of-origin' } }, /upstream `origin`/);
});

test('a compiled configuration of another format means 503', async (t) => {
  const bin = compiled();
  const format = bin.readUInt32LE(FORMAT_AT);
  bin.writeUInt32LE(format + 1, FORMAT_AT);
  await cannotStart(t, { bin }, new RegExp(`format ${format + 1}, this build reads format ${format}`));
});

test('a compiled configuration that was damaged means 503', async (t) => {
  const bin = compiled();
  bin[bin.length - 10] ^= 0xff;
  await cannotStart(t, { bin }, /hash/);
});

test('a compiled configuration that was cut off means 503', async (t) => {
  await cannotStart(t, { bin: compiled().subarray(0, 20) }, /hash/);
});

test('an empty compiled configuration means 503', async (t) => {
  await cannotStart(t, { bin: Buffer.alloc(0) }, /not a compiled gateway/);
});
