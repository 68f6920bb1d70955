// examples/limits/gateway.toml is held to the figures that it was written for: all of them by `ferrogate explain`, and some on
// the built Worker, until the first refusal.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { CLI, inRepository } from '../../scripts/lib/paths.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { eventually } from './lib/poll.mjs';
import { SECRET, token } from './lib/tokens.mjs';

const EXAMPLE = inRepository('examples', 'limits', 'gateway.toml');
const ISSUER = 'https://issuer.example/';
const ADDRESS = 'per address';
const USER = 'per principal';

/** The limits of each request, of its upstream too. */
const FIGURES = {
  'POST /auth/login': [`5/min ${ADDRESS}`],
  'POST /auth/register': [`3/hour ${ADDRESS}`],
  'POST /auth/password-reset': [`3/hour ${ADDRESS}`],
  'POST /auth/forgot': [`3/5m ${ADDRESS}`],
  'POST /auth/refresh': [`30/min ${ADDRESS}`],
  'POST /auth/2fa/verify': [`10/hour ${USER}`],
  'POST /v1/orders': [`100/hour ${USER}`],
  'POST /v1/workflows': [`100/hour ${USER}`],
  'POST /v1/workflows/7/execute': [`1000/hour ${USER}`],
  'POST /v1/events': [`5000/hour ${USER}`],
  'POST /v1/patterns/analysis': [`50/hour ${USER}`],
  'POST /v1/retention': ['1/hour per global'],
  'POST /v1/trades': [`100/min ${USER}`],
  'POST /v1/bots': [`50/min ${USER}`],
  'GET /v1/portfolio': [`200/min ${USER}`, '120/min per global'],
  'GET /v1/markets': [`500/min ${ADDRESS}`, '300/min per global'],
  'GET /v1/search': [
    `60/min ${ADDRESS}`, `1000/hour ${ADDRESS}`, `10000/day ${ADDRESS}`,
    '1000/min per global', '50000/hour per global', '500000/day per global',
    'burst', `100/min ${USER}`, `2000/hour ${USER}`, `20000/day ${USER}`,
    '60/min per global',
  ],
  'POST /v1/import': ['200/min per api_key', '5000/hour per api_key', '50000/day per api_key'],
  'GET /catalogue/a': [`50/hour ${ADDRESS}`, `200/day ${ADDRESS}`],
  'GET /news': [`60/min ${ADDRESS}`, `1000/hour ${ADDRESS}`],
};

/** What each plan says. */
const PLANS = { anonymous: [60, ADDRESS], authenticated: [300, USER], premium: [1000, USER], enterprise: [10000, USER] };

let origin;
let gateway;

before(async () => {
  origin = http.createServer((request, response) => response.end('here'));
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const variables = { API_URL: `http://127.0.0.1:${origin.address().port}` };
  gateway = await startGateway({ bin: compiled(fs.readFileSync(EXAMPLE, 'utf8')), variables });
});

after(async () => {
  await gateway?.stop();
  origin?.closeAllConnections();
  await new Promise((resolve) => origin?.close(resolve));
});

const command = (...args) => execFileSync(CLI, [...args, '--config', EXAMPLE], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function limitsOf(request, claims) {
  const [method, path] = request.split(' ');
  const given = ['--var', 'API_URL=http://api.test', '--var', `JWT_SECRET=${SECRET}`, '-H', 'cf-connecting-ip: 192.0.2.1', '--answer', 'status=200', '--format', 'json'];
  const told = JSON.parse(command('explain', method, path, ...given, ...(claims ? ['--claims', JSON.stringify(claims)] : [])));
  const facts = told.decisions.filter(({ stage }) => stage === 'rate_limit').flatMap((decision) => decision.facts);
  return facts.map(({ name }) => name.replace('left.', ''));
}

test('every route of the example has the limits that it was written for', () => {
  for (const [request, limits] of Object.entries(FIGURES)) {
    const isPublic = limits.every((limit) => !/principal|api_key/.test(limit)) && request !== 'POST /v1/retention';
    assert.deepEqual(limitsOf(request, isPublic ? undefined : { sub: 'ada', jti: '1' }), limits, request);
  }
  const listed = execFileSync(CLI, ['routes', EXAMPLE], { encoding: 'utf8' }).trim().split('\n').length - 1;
  assert.equal(listed, Object.keys(FIGURES).length + 1, 'a route of the example is not looked at here');
});

let last = 0;
/** The headers of a client that nobody has been. */
const somebody = (claims) => ({
  'cf-connecting-ip': `192.0.2.${(last += 1)}`,
  ...(claims && { authorization: `Bearer ${token({ iss: ISSUER, ...claims })}` }),
});

/** Sends so many requests one after another. */
async function row(request, count, headers) {
  const [method, path] = request.split(' ');
  const answers = [];
  for (let left = count; left > 0; left--) answers.push(await gateway.ask(path, { method, headers }));
  return answers;
}

/** All are let in but the last one, which is refused by this limit until so many seconds have passed. */
async function refusedAfter(request, count, seconds, headers, name) {
  const answers = await row(request, count + 1, headers);
  assert.deepEqual(answers.slice(0, -1).map(({ status }) => status), Array(count).fill(200), request);
  const refused = answers.at(-1);
  assert.deepEqual([refused.status, refused.json().code], [429, 'rate_limited'], request);
  const after = Number(refused.headers['retry-after']);
  assert.ok(after > seconds * 0.8 && after <= seconds + 20, `${request}: Retry-After: ${after}`);
  if (name !== undefined) assert.ok(refused.json().detail.includes(name), refused.body);
  return answers;
}

test('the sixth login of a minute is refused, and says so in the fields of today and of before', async () => {
  const client = somebody();
  const answers = await refusedAfter('POST /auth/login', 5, 60, client, `5/min ${ADDRESS}`);
  assert.deepEqual(answers.map(({ headers }) => headers.ratelimit.match(/^"5\/min per address";r=(\d);t=\d+$/)[1]), ['4', '3', '2', '1', '0', '0']);
  const { headers } = answers.at(-1);
  assert.equal(headers['ratelimit-policy'], '"5/min per address";q=5;w=60');
  assert.deepEqual([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']], ['5', '0']);
  assert.ok(Math.abs(Number(headers['x-ratelimit-reset']) - Date.now() / 1000 - 60) < 20, headers['x-ratelimit-reset']);
  const [another] = await row('POST /auth/login', 1, somebody());
  assert.equal(another.status, 200);
});

test('registrations and resets are three an hour, and codes ten, of which nobody is told', async () => {
  await refusedAfter('POST /auth/register', 3, 3600, somebody());
  await refusedAfter('POST /auth/password-reset', 3, 3600, somebody());
  await refusedAfter('POST /auth/forgot', 3, 300, somebody());
  const answers = await refusedAfter('POST /auth/2fa/verify', 10, 3600, somebody({ sub: 'hidden' }));
  assert.ok(answers.every(({ headers }) => headers.ratelimit === undefined && headers['x-ratelimit-limit'] === undefined));
  assert.doesNotMatch(answers.at(-1).body, /10/);
});

test('an address has fifty looks an hour, and a user a hundred orders, wherever he comes from', async () => {
  const answers = await refusedAfter('GET /catalogue/a', 50, 3600, somebody(), `50/hour ${ADDRESS}`);
  assert.match(answers[0].headers.ratelimit, /^"50\/hour per address";r=49;t=\d+, "200\/day per address";r=199;t=\d+$/);
  assert.equal(answers.at(-1).headers.ratelimit.match(/"200\/day per address";r=(\d+)/)[1], '150', 'a refusal takes nothing');
  await refusedAfter('POST /v1/orders', 100, 3600, somebody({ sub: 'ada' }));
  const [elsewhere] = await row('POST /v1/orders', 1, somebody({ sub: 'ada' }));
  const [other] = await row('POST /v1/orders', 1, somebody({ sub: 'bea' }));
  assert.deepEqual([elsewhere.status, other.status], [429, 200]);
});

test('callers have the limit of what they have paid for', async () => {
  const claims = { anonymous: undefined, authenticated: { sub: 'carl' }, premium: { sub: 'dora', plan: 'premium' }, enterprise: { sub: 'emil', plan: 'enterprise' } };
  for (const [plan, [limit, per]] of Object.entries(PLANS)) {
    const [{ status, headers }] = await row('GET /v1/quotes/ABC', 1, somebody(claims[plan]));
    assert.equal(status, 200, plan);
    assert.equal(headers['ratelimit-policy'], `"${limit}/min ${per}";q=${limit};w=60`, plan);
  }
  const [unknown] = await row('GET /v1/quotes/ABC', 1, somebody({ sub: 'fred', plan: 'gold' }));
  assert.match(unknown.headers['ratelimit-policy'], /;q=300;/);
  await refusedAfter('GET /v1/quotes/ABC', 60, 60, somebody());
});

test('whoever has passed a limit is not listened to for five minutes', async () => {
  const client = somebody();
  await refusedAfter('POST /auth/register', 3, 3600, client);
  let last;
  const isBlocked = async () => {
    [last] = await row('GET /news', 1, client);
    return last.status === 403;
  };
  await eventually(isBlocked, () => `${last.status} ${last.body}`, 10_000);
  assert.equal(last.json().code, 'address_blocked');
  const after = Number(last.headers['retry-after']);
  assert.ok(after > 280 && after <= 300, `Retry-After: ${after}`);
  const [another] = await row('GET /news', 1, somebody());
  assert.equal(another.status, 200);
});

test('ten searches go at once, and no more before some time has passed', async () => {
  const client = somebody({ sub: 'gina' });
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: 30 }, () => gateway.ask('/v1/search', { headers: client })));
  const passed = answers.filter(({ status }) => status === 200).length;
  const most = 10 + Math.ceil((performance.now() - began) / 100);
  assert.ok(passed >= 10 && passed <= most, `${passed} of ${most}`);
  const refused = answers.find(({ status }) => status === 429);
  assert.deepEqual([refused.headers['retry-after'], refused.json().detail.includes('burst')], ['1', true]);
});
