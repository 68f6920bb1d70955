// Proves that every full contender refuses what it must and does all of the common work, before any figure is believed.
//
//   node bench/check.mjs [--only REGEX]      exit 1 when one does not
//
// run.mjs calls it first. Measures nothing: the origin is a small Node server that tells what it received.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WORKERS, requireBuilt, workerOf } from './contenders.mjs';
import { echo, startNode } from './lib/origins.mjs';
import { stop } from './lib/processes.mjs';
import { makeTokens } from './lib/tokens.mjs';
import { startWorkerd } from './lib/workerd.mjs';
import { MEASURED, PASS_THROUGH } from './routes.mjs';
import { ALLOWED_ORIGIN, HOP_BY_HOP, LOG_FIELDS, SECURITY_HEADERS } from './work.mjs';

/** One request by node:http, which unlike fetch() sends the Connection field that it is told to send. */
function request(port, { method = 'GET', path = MEASURED.path, token, headers = {} }) {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const options = {
    port,
    method,
    path,
    agent: false,
    headers: { origin: ALLOWED_ORIGIN, ...authorization, ...headers },
  };
  return new Promise((resolve, reject) => {
    const sent = http.request(options, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

const preflight = (origin) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
});

/** What must be refused, as [what, status, request]. */
const refusals = (tokens) => [
  ['no token', 401, {}],
  ['tampered claims', 401, { token: tokens.tampered }],
  ['a bad signature', 401, { token: tokens.badSignature }],
  ['alg none', 401, { token: tokens.algNone }],
  ['an RS256 token', 401, { token: tokens.rs256 }],
  ['another audience', 401, { token: tokens.wrongAudience }],
  ['another issuer', 401, { token: tokens.wrongIssuer }],
  ['an expired token', 401, { token: tokens.expired }],
  ['a token without the scope', 403, { token: tokens.wrongScope }],
  ['an unknown route', 404, { token: tokens.good, path: '/api/v1/nothing/42' }],
  ['a wrong method', 405, { token: tokens.good, method: 'DELETE', path: '/api/v1/items' }],
  ['a preflight from elsewhere', 403, preflight('https://evil.example.com')],
];

/** Collects what is wrong with one contender. */
class Findings {
  wrong = [];
  checks = 0;

  expect(what, condition, found) {
    this.checks += 1;
    if (!condition) this.wrong.push(`${what}: ${JSON.stringify(found)}`);
  }
}

function checkCommonHeaders(findings, what, { headers }) {
  for (const [name, value] of SECURITY_HEADERS) {
    findings.expect(`${what}: ${name}`, headers[name] === value, headers[name] ?? null);
  }
  findings.expect(`${what}: x-request-id`, headers['x-request-id']?.length > 0, headers['x-request-id'] ?? null);
  findings.expect(`${what}: vary`, /\borigin\b/i.test(headers.vary ?? ''), headers.vary ?? null);
}

function checkCors(findings, what, { headers }) {
  const allowed = headers['access-control-allow-origin'];
  findings.expect(`${what}: allowed origin`, allowed === ALLOWED_ORIGIN, allowed ?? null);
  findings.expect(`${what}: credentials`, headers['access-control-allow-credentials'] === 'true', headers);
}

async function checkRefusals(findings, port, tokens) {
  for (const [what, status, details] of refusals(tokens)) {
    const answer = await request(port, details);
    findings.expect(`${what} must get ${status}`, answer.status === status, answer.status);
    findings.expect(
      `${what}: media type`,
      answer.headers['content-type'] === 'application/problem+json',
      answer.headers,
    );
    checkCommonHeaders(findings, what, answer);
    if (details.method !== 'OPTIONS') checkCors(findings, what, answer);
    if (status === 401) findings.expect(`${what}: challenge`, 'www-authenticate' in answer.headers, answer.headers);
    checkProblem(findings, what, status, answer);
  }
}

function checkProblem(findings, what, status, answer) {
  let problem = {};
  try {
    problem = JSON.parse(answer.body);
  } catch {} // an empty problem lacks every member
  for (const member of ['type', 'title', 'detail', 'code']) {
    findings.expect(`${what}: member ${member}`, typeof problem[member] === 'string', answer.body);
  }
  findings.expect(`${what}: member status`, problem.status === status, answer.body);
  const id = answer.headers['x-request-id'];
  findings.expect(`${what}: member instance`, String(problem.instance).endsWith(id), answer.body);
}

async function checkGoodPath(findings, port, tokens) {
  const id = 'check-0123456789';
  const hop = {
    connection: 'keep-alive, x-private-hop',
    'x-private-hop': '1',
    te: 'trailers',
    'proxy-connection': 'keep-alive',
  };
  const headers = { 'x-request-id': id, 'x-kept': '1', 'proxy-authorization': 'Basic eDp5', ...hop };
  const answer = await request(port, { token: tokens.good, headers });
  findings.expect('a good request must get 200', answer.status === 200, [answer.status, answer.body]);
  if (answer.status !== 200) return;
  checkCommonHeaders(findings, 'a good request', answer);
  checkCors(findings, 'a good request', answer);
  findings.expect('the request id comes back', answer.headers['x-request-id'] === id, answer.headers);
  findings.expect('other fields of the answer stay', answer.headers['x-kept'] === '1', answer.headers);
  for (const name of ['x-origin-hop', 'proxy-authenticate']) {
    findings.expect(`${name} of the origin is dropped`, !(name in answer.headers), answer.headers);
  }
  checkReceived(findings, JSON.parse(answer.body), id, tokens.subject);
}

/** What the origin received. `connection` is workerd's own there: it names what it will do with its connection. */
function checkReceived(findings, received, id, subject) {
  const { headers } = received;
  findings.expect('the origin gets path and query', received.url === MEASURED.path, received.url);
  findings.expect('the origin gets x-user-id', headers['x-user-id'] === subject, headers);
  findings.expect('the origin gets x-request-id', headers['x-request-id'] === id, headers);
  findings.expect('the origin gets other fields', headers['x-kept'] === '1', headers);
  const unwanted = ['authorization', 'x-private-hop', ...HOP_BY_HOP.filter((name) => name !== 'connection')];
  for (const name of unwanted) findings.expect(`the origin must not get ${name}`, !(name in headers), headers);
  findings.expect('nothing named by Connection', !/private/.test(headers.connection ?? ''), headers.connection);
}

/** What bench/every-stage.toml switches on, as the client and the origin see it. */
async function checkEveryStage(findings, port, tokens) {
  const headers = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-real-ip': '1.2.3.4',
    'cf-connecting-ip': '203.0.113.77',
    'x-principal': 'forged',
  };
  const answer = await request(port, { token: tokens.good, path: `${MEASURED.path}&debug=1`, headers });
  findings.expect('every stage: 200', answer.status === 200, [answer.status, answer.body]);
  if (answer.status !== 200) return;
  const told = ['via', 'proxy-status', 'server-timing', 'deprecation', 'sunset', 'link', 'x-served-by', 'x-span-id'];
  for (const name of told) findings.expect(`every stage: ${name} of the answer`, name in answer.headers, answer.headers);
  findings.expect('every stage: the trace goes on', answer.headers['x-trace-id'] === headers.traceparent.slice(3, 35), answer.headers);
  const received = JSON.parse(answer.body);
  const sent = ['traceparent', 'x-span-id', 'forwarded', 'x-forwarded-proto', 'x-forwarded-host', 'via', 'x-principal-scope'];
  for (const name of sent) findings.expect(`every stage: the origin gets ${name}`, name in received.headers, received.headers);
  findings.expect('every stage: a span of its own', received.headers.traceparent !== headers.traceparent, received.headers);
  findings.expect('every stage: the address', received.headers['x-forwarded-for'] === headers['cf-connecting-ip'], received.headers);
  findings.expect('every stage: the principal', received.headers['x-principal'] === tokens.subject, received.headers);
  findings.expect('every stage: no x-real-ip', !('x-real-ip' in received.headers), received.headers);
  findings.expect('every stage: the query', !received.url.includes('debug'), received.url);
}

async function checkPreflight(findings, port) {
  const answer = await request(port, preflight(ALLOWED_ORIGIN));
  findings.expect('a preflight must get 204', answer.status === 204, answer.status);
  checkCors(findings, 'a preflight', answer);
  const methods = answer.headers['access-control-allow-methods'] ?? '';
  findings.expect('a preflight names the methods', /\bGET\b/.test(methods), methods);
}

async function checkLogLine(findings, server, tokens, path = MEASURED.path) {
  await sleep(50); // what earlier requests logged is through
  server.log = '';
  await request(server.port, { path, token: tokens.good });
  await sleep(100);
  const lines = server.log.split('\n').filter((line) => line.includes('"request_id"'));
  findings.expect(`one log line for ${path}`, lines.length === 1, server.log);
  if (lines.length !== 1) return;
  const line = JSON.parse(lines[0].slice(lines[0].indexOf('{')));
  for (const field of LOG_FIELDS) findings.expect(`the log line has ${field}`, field in line, line);
  findings.expect('the log line has the status', line.status === 200, line);
}

async function checkOne(key, originUrl, tokens) {
  const findings = new Findings();
  const server = await startWorkerd(workerOf(key, originUrl), { stdout: 'pipe' });
  server.log = '';
  server.child.stdout.on('data', (chunk) => (server.log += chunk));
  try {
    await checkRefusals(findings, server.port, tokens);
    await checkGoodPath(findings, server.port, tokens);
    await checkPreflight(findings, server.port);
    if (WORKERS[key].every) await checkEveryStage(findings, server.port, tokens);
    await checkLogLine(findings, server, tokens);
    if (WORKERS[key].ferrogate) await checkLogLine(findings, server, tokens, PASS_THROUGH);
  } finally {
    await stop(server.child);
  }
  return findings;
}

/** Checks the full contenders among `keys`; true when all of them do what they must. */
export async function check(keys) {
  const tokens = makeTokens();
  const origin = await startNode(echo);
  let good = true;
  try {
    for (const key of keys.filter((key) => WORKERS[key].full)) {
      const { wrong, checks } = await checkOne(key, origin.url, tokens);
      console.log(`check ${WORKERS[key].name}: ${checks} expectations, ${wrong.length} failed`);
      for (const line of wrong) console.log(`  FAIL ${line}`);
      good &&= wrong.length === 0;
    }
  } finally {
    await origin.stop();
  }
  return good;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
  const keys = Object.keys(WORKERS).filter(
    (key) => WORKERS[key].full && new RegExp(values.only, 'i').test(WORKERS[key].name),
  );
  requireBuilt(keys);
  process.exit((await check(keys)) ? 0 : 1);
}
