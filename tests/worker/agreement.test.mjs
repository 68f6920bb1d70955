// `ferrogate explain` and the Worker decide alike: 500 requests by chance to 20 gateways by chance, each sent to workerd
// and explained by the command line. They share their core, so this is about what stands around it: packing, the entry,
// and what an explanation says of the plan that was carried out.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CLI } from '../../scripts/lib/paths.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { generateGateway, generateRequest } from './lib/generate.mjs';
import { startOrigin } from './lib/origin.mjs';
import { SECRET } from './lib/tokens.mjs';

const GATEWAYS = 20;
const REQUESTS = 25;
const SEED = Number(process.env.FERROGATE_SEED ?? 2026);
/** What the origin answers; the generated paths name none of its other behaviours. */
const ANSWER = 'status=200';

let origin;
let folder;
/** How often each code came, and `served` for what an upstream answered. */
const outcomes = new Map();

before(async () => {
  origin = await startOrigin();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-agreement-'));
});

after(async () => {
  await origin?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const write = (name, text) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text);
  return file;
};

const fits = (toml) => spawnSync(CLI, ['check', write('try.toml', toml)], { stdio: 'ignore' }).status === 0;

/** The request as it is sent and as it is explained: with its id and the length of its body. */
function complete({ method, url, headers, body }, id) {
  const length = body === undefined && ['POST', 'PUT', 'PATCH'].includes(method) ? '0' : body === undefined ? undefined : String(body.length);
  const all = { ...headers, 'x-request-id': id, ...(length === undefined ? {} : { 'content-length': length }) };
  return { method, url, headers: all, body };
}

/** What the command line says becomes of the requests. */
function explained(toml, requests) {
  // Over http, as the test asks: the upstream is told.
  const whole = (url, { host }) => (host === undefined ? url : `http://${host}${url}`);
  const lines = requests.map(({ method, url, headers }) => JSON.stringify({ method, url: whole(url, headers), headers, answers: [ANSWER] }));
  const [config, file] = [write('gateway.toml', toml), write('requests.jsonl', lines.join('\n'))];
  const variables = ['--var', `JWT_SECRET=${SECRET}`, '--var', `ORIGIN_URL=${origin.url}`];
  const args = ['explain', '--requests', file, '--config', config, ...variables, '--format', 'json'];
  const out = execFileSync(CLI, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 });
  return out.trim().split('\n').map((line) => JSON.parse(line));
}

/** The code of a problem document. */
const codeOf = (answer) => (answer.headers['content-type'] === 'application/problem+json' && answer.body !== '' ? answer.json().code : undefined);

/** Holds a head to the changes that were told; `***` stands for a value that is not told. */
function assertHead(changes, fields, what) {
  for (const { name, value } of changes.set ?? []) {
    if (value === '***') assert.ok(name in fields, `${what}: ${name} is set`);
    else assert.equal(fields[name], value, `${what}: ${name}`);
  }
  for (const name of changes.remove ?? []) assert.ok(!(name in fields), `${what}: ${name} is removed`);
  for (const { name, value } of changes.append ?? []) assert.ok(fields[name]?.includes(value), `${what}: ${name} has ${value}`);
}

function assertSame(explanation, answer, call) {
  assert.equal(explanation.ended, 'answered');
  assert.equal(answer.status, explanation.answer.status, 'the status');
  const { code } = JSON.parse(explanation.log);
  const outcome = code ?? (call === undefined ? 'answered' : 'served');
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  if (answer.body !== '') assert.equal(codeOf(answer), code, 'the code of the problem');
  assertHead(explanation.answer.head, answer.headers, 'the answer');
  const [forward] = explanation.effects;
  assert.equal(call !== undefined, forward !== undefined, 'whether the upstream is asked');
  if (call === undefined) return;
  assert.equal(origin.url + call.url, forward.plan.url, 'the URL');
  assertHead(forward.plan.request, call.headers, 'the request');
}

for (let number = 0; number < GATEWAYS; number++) {
  const seed = SEED * 1000 + number;
  test(`gateway ${seed} decides ${REQUESTS} requests as they are explained`, async (t) => {
    const { toml, routes } = generateGateway(seed, fits);
    const generate = (_, index) => complete(generateRequest(seed * 100 + index, routes), `r-${seed}-${index}`);
    const requests = Array.from({ length: REQUESTS }, generate);
    const explanations = explained(toml, requests);
    assert.equal(explanations.length, requests.length);
    const gateway = await startGateway({ origin, bin: compiled(toml) });
    t.after(() => gateway.stop());
    for (const [index, request] of requests.entries()) {
      const answer = await gateway.ask(request.url, request);
      const call = origin.seen.find(({ headers }) => headers['x-request-id'] === request.headers['x-request-id']);
      try {
        assertSame(explanations[index], answer, call);
      } catch (error) {
        error.message += `\nof ${JSON.stringify(request)}\nanswered ${answer.status} ${answer.body}\n${toml}`;
        throw error;
      }
    }
  });
}

test('the requests by chance come to all kinds of ends', () => {
  const ends = ['served', 'answered', 'maintenance', 'route_not_found', 'method_not_allowed', 'token_missing', 'token_invalid', 'token_expired', 'scope_missing', 'body_too_large'];
  const missing = ends.filter((end) => !outcomes.has(end));
  assert.deepEqual(missing, [], JSON.stringify(Object.fromEntries(outcomes)));
  assert.ok(outcomes.get('served') >= 50, JSON.stringify(Object.fromEntries(outcomes)));
});
