// The operator's command line against the built Worker: what it stops is stopped, for callers and not for probes, and
// what it may not stop goes on. Every change leaves rows in the audit log, which are read and verified as well.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { CLI, ROOT } from '../../scripts/lib/paths.mjs';
import { compiled } from '../worker/lib/compile.mjs';
import { eventually } from '../worker/lib/poll.mjs';
import { assertProblem } from '../worker/lib/problems.mjs';
import { SECRET, token } from '../worker/lib/tokens.mjs';
import { startRig } from './lib/rig.mjs';

const CONFIGURATION = `
[gateway]
name = "operated"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[admin]
path = "/ops/v1"
auth = "main"

[routes."GET /one"]
auth = "none"
respond = "one"
tags = ["first"]

[routes."GET /two/{id}"]
auth = "none"
respond = "two"
`;

let rig;
let gateway;
let folder;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-admin-'));
  fs.writeFileSync(path.join(folder, 'gateway.toml'), CONFIGURATION);
  rig = await startRig({ isolates: 1, bin: compiled(CONFIGURATION) });
  gateway = rig.iso(0);
});

after(async () => {
  await rig?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What a command line says and how it ends; words with blanks are given one by one. */
const admin = (words, env) => ferrogate(['admin', ...words], env);

async function ferrogate(words, env = {}) {
  const variables = { FERROGATE_NODE: process.execPath, FERROGATE_CHECKOUT: ROOT, FERROGATE_URL: `http://127.0.0.1:${gateway.port}`, USER: 'ada', ...env };
  const ran = await promisify(execFile)(CLI, words, { cwd: folder, env: variables }).catch((failed) => failed);
  return { code: ran.code ?? 0, stdout: ran.stdout, stderr: ran.stderr };
}

/** A port where somebody listened a moment ago. */
async function unusedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const as = (role) => ({ FERROGATE_TOKEN: token({ sub: 'op-7', roles: [role] }) });
const status = async (target) => (await gateway.ask(target)).status;

test('the kill switch stops the gateway for callers and not for probes, until it is released', async () => {
  assert.equal(await status('/one'), 200);
  const thrown = await admin(['kill', '--reason', 'A leak is being closed.', '--for', '10m', '--retry-after', '30s'], as('operator'));
  assert.equal(thrown.code, 0, thrown.stderr);
  assert.match(thrown.stdout, /^kill of the whole gateway until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in 10 min: A leak is being closed\.\n$/);
  const refused = await gateway.ask('/one');
  assertProblem(refused, 503, 'kill_switch');
  assert.equal(refused.json().detail, 'A leak is being closed.');
  assert.equal(refused.headers['retry-after'], '30');
  assert.deepEqual(await Promise.all(['/health/live', '/health/ready'].map(status)), [200, 200]);
  const listed = await admin(['switches', '--format', 'json'], as('viewer'));
  const { kind, scope, by } = JSON.parse(listed.stdout);
  assert.deepEqual([kind, scope, by], ['kill', 'gateway', 'op-7']);
  assert.deepEqual(await admin(['kill', '--off'], as('operator')), { code: 0, stdout: 'kill of the whole gateway is released\n', stderr: '' });
  assert.equal(await status('/one'), 200);
  assert.equal((await admin(['kill', '--off'], as('operator'))).code, 0, 'releasing twice is releasing once');
  assert.equal((await admin(['switches'], as('viewer'))).stdout, 'no switch is thrown\n');
});

test('a tag or a route is closed and the rest goes on', async () => {
  for (const [scope, closed, open] of [[['--tag', 'first'], '/one', '/two/7'], [['--route', 'GET /two/{id}'], '/two/7', '/one']]) {
    const closing = await admin(['maintenance', '--reason', 'Back soon.', ...scope], as('operator'));
    assert.equal(closing.code, 0, closing.stderr);
    assertProblem(await gateway.ask(closed), 503, 'maintenance');
    assert.equal(await status(open), 200);
    assert.equal((await admin(['maintenance', '--off', ...scope], as('operator'))).code, 0);
    assert.equal(await status(closed), 200);
  }
  const unknown = await admin(['kill', '--reason', 'x', '--tag', 'frist'], as('operator'));
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /query: expected a route, tag or upstream of this gateway.*; did you mean first\?/);
});

test('whoever may not throw a switch is told why, and nothing is stopped', async () => {
  const kill = ['kill', '--reason', 'x'];
  const cases = [
    [as('viewer'), /^ferrogate: 403 .*\n.*\n.*one of the roles .*gateway\.toml gives this to: admin, operator\n/],
    [{ FERROGATE_TOKEN: token({ roles: ['admin'] }, 'another secret, of more than thirty-two bytes') }, /^ferrogate: 401 .*\n.*\n.*FERROGATE_TOKEN must hold/],
    [{ FERROGATE_TOKEN: token({ roles: ['admin'], exp: 1 }) }, /^ferrogate: 401 /],
    [{}, /^ferrogate: there is no token: .*\n.*JWT_SECRET/],
  ];
  for (const [env, message] of cases) {
    const { code, stdout, stderr } = await admin(kill, env);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.equal(await status('/one'), 200);
  }
});

test('beside the secret a token is made for one request', async () => {
  const made = await admin(['kill', '--reason', 'x'], { JWT_SECRET: SECRET });
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stderr, /asking as ada with role operator, by a token for a minute that is signed with the key of issuer main in gateway\.toml\n$/);
  assert.match((await admin(['switches'], { JWT_SECRET: SECRET })).stdout, /\nkill +gateway .* ada +x\n$/);
  assert.equal((await admin(['kill', '--off'], { JWT_SECRET: SECRET })).code, 0);
  assert.match((await admin(['signals'], { JWT_SECRET: SECRET })).stdout, /^which log +\d+\nchanges so far +\d+\nswitches thrown {2}0\n$/);
});

/** The rows about switches, the oldest first. */
async function rows(query = '') {
  const { status, body } = await gateway.ask(`/ops/v1/audit?action=switch.*${query}`, { headers: { authorization: `Bearer ${token({ roles: ['operator'] })}` } });
  assert.equal(status, 200, body);
  return JSON.parse(body).items.reverse();
}

test('every change is on record, and the chain of all rows holds', async () => {
  await admin(['kill', '--reason', 'On record.', '--tag', 'first'], as('operator'));
  const mine = async () => (await rows('&user_id=op-7&resource_id=kill:tag:first')).map(({ action, status: how }) => [action, how]);
  const expected = [['switch.throw', 'attempt'], ['switch.throw', 'success']];
  await eventually(async () => (await mine()).length === 2, () => 'no rows');
  assert.deepEqual(await mine(), expected);
  await admin(['kill', '--off', '--tag', 'first'], as('operator'));
  const headers = { authorization: `Bearer ${token({ roles: ['operator'] })}` };
  const verified = async () => JSON.parse((await gateway.ask('/ops/v1/audit/verify', { headers })).body);
  await eventually(async () => (await verified()).unlinked === 0 && (await rows()).every(({ sequence }) => sequence > 0), () => 'rows are not linked');
  const { ok, complete, checked, sequence } = await verified();
  assert.deepEqual([ok, complete, checked === sequence], [true, true, true]);
  const csv = await gateway.ask('/ops/v1/audit?format=csv&limit=1', { headers });
  assert.match(csv.body, /^id,timestamp,action,[^\r]*\r\n[^\r]*\r\n$/);
  assert.ok(csv.headers['x-next-cursor']);
  const whole = await ferrogate(['audit', 'verify'], as('operator'));
  assert.equal(whole.code, 0, whole.stderr);
  assert.match((await admin(['audit', '--user', 'op-7'], as('operator'))).stdout, /switch\.throw/);
  await rig.database().then((database) => database.exec("UPDATE audit_logs SET user_id = 'mallory' WHERE sequence = 2"));
  const broken = await verified();
  assert.deepEqual([broken.ok, broken.broken.sequence], [false, 2]);
  const found = await ferrogate(['audit', 'verify'], as('operator'));
  assert.equal(found.code, 1);
  assert.match(found.stdout + found.stderr, /\b2\b/);
});

test('where no gateway of this kind is, that is said', async () => {
  const silent = await admin(['signals', '--url', `http://127.0.0.1:${await unusedPort()}`], as('viewer'));
  assert.equal(silent.code, 2);
  assert.match(silent.stderr, /does not answer: nobody listens there\n.*`npm start` starts a gateway here/);
  fs.writeFileSync(path.join(folder, 'moved.toml'), CONFIGURATION.replace('/ops/v1', '/elsewhere'));
  const moved = await admin(['kill', '--reason', 'x', '--config', 'moved.toml'], as('operator'));
  assert.equal(moved.code, 1);
  assert.match(moved.stderr, /^ferrogate: 404 [\s\S]*nothing was changed/);
});
