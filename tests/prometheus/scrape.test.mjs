// A real Prometheus reads the built Worker: it takes what it is told, in the format that it asks for itself, and answers
// what the dashboard in monitoring/ asks it. What stands on the page in detail is for gateway/src/stages/metrics.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { compiled } from '../worker/lib/compile.mjs';
import { startGateway } from '../worker/lib/gateway.mjs';
import { startOrigin } from '../worker/lib/origin.mjs';
import { eventually, within } from '../worker/lib/poll.mjs';

const MONITORING = path.resolve(import.meta.dirname, '../../monitoring');
const TOKEN = '3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=';
const CONFIGURATION = `
[gateway]
name = "test"

[metrics]
token = "\${METRICS_TOKEN}"

[abuse]
mode = "shadow"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET /limited/{rest...}"]
upstream = "origin"
auth = "none"
rate_limit = "1/day per global"
`;

/** Prometheus reads every second, and a rate needs two readings. */
const SEEN_WITHIN_MS = 30_000;

const SCRAPER = { authorization: `Bearer ${TOKEN}` };
let origin;
let gateway;
let prometheus;

before(async () => {
  origin = await startOrigin();
  gateway = await startGateway({ origin, bin: compiled(CONFIGURATION), variables: { METRICS_TOKEN: TOKEN } });
  prometheus = await startPrometheus(gateway.port);
});

after(async () => {
  await prometheus?.stop();
  await gateway?.stop();
  await origin?.stop();
});

/** Starts it with the configuration of monitoring/, for this gateway. */
async function startPrometheus(port) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-prometheus-'));
  const example = fs.readFileSync(path.join(MONITORING, 'prometheus.yml'), 'utf8');
  const changes = { 'scrape_interval: 15s': 'scrape_interval: 1s', 'scrape_timeout: 10s': 'scrape_timeout: 1s', 'scheme: https': 'scheme: http', 'gateway.acme.example': `127.0.0.1:${port}` };
  const config = Object.entries(changes).reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, example);
  fs.writeFileSync(path.join(folder, 'prometheus.yml'), config);
  fs.writeFileSync(path.join(folder, 'metrics-token'), TOKEN);
  const args = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--web.listen-address=127.0.0.1:0'];
  const child = spawn('prometheus', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const lines = [];
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const listening = new Promise((resolve) => {
    readline.createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      const [, found] = /Listening on.*address=127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
  });
  try {
    return { url: `http://127.0.0.1:${await within(10_000, listening, 'starting Prometheus')}`, lines, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${lines.join('\n')}`, { cause: error });
  }
}

async function ask(api, query) {
  const answer = await fetch(`${prometheus.url}/api/v1/${api}?${new URLSearchParams(query)}`);
  const { status, data, error } = await answer.json();
  assert.equal(status, 'success', `${error}: ${JSON.stringify(query)}`);
  return data;
}

/** The samples that an expression comes to now. */
const query = async (expression) => (await ask('query', { query: expression })).result;

/** Waits until an expression comes to this number. */
async function comesTo(expression, expected) {
  let last;
  const is = async () => {
    await gateway.ask('/open/echo');
    last = await query(expression);
    return last.some(({ value: [, value] }) => Number(value) === expected);
  };
  await eventually(is, () => `${expression}: ${JSON.stringify(last)}`, SEEN_WITHIN_MS);
}

test('promtool finds nothing to say about the page', async () => {
  const { body } = await gateway.ask('/metrics', { headers: SCRAPER });
  assert.equal(execFileSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8', stdio: 'pipe' }), '');
});

test('the configuration of monitoring is one', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-promtool-'));
  fs.copyFileSync(path.join(MONITORING, 'prometheus.yml'), path.join(folder, 'prometheus.yml'));
  fs.writeFileSync(path.join(folder, 'metrics-token'), TOKEN);
  const said = execFileSync('promtool', ['check', 'config', '--lint-fatal', 'prometheus.yml'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  assert.match(said, /SUCCESS/);
  fs.rmSync(folder, { recursive: true });
});

test('Prometheus reads OpenMetrics and adds up what it has read', async () => {
  for (let left = 7; left > 0; left--) await gateway.ask('/nowhere');
  await comesTo('up', 1);
  await comesTo('sum(ferrogate_requests_total{outcome="routing"})', 7);
  await comesTo('sum(ferrogate_problems_total{code="route_not_found"})', 7);
  const [{ metric }] = await query('ferrogate_app_info');
  assert.deepEqual([metric.name, metric.job], ['test', 'ferrogate']);
  // A unit is told in OpenMetrics alone: that is what it has asked for.
  const [told] = (await ask('targets/metadata', { metric: 'ferrogate_request_duration_seconds' }));
  assert.deepEqual([told.type, told.unit], ['histogram', 'seconds']);
  const { droppedTargets, activeTargets: [target] } = await ask('targets', {});
  assert.deepEqual([droppedTargets.length, target.lastError], [0, '']);
});

test('Prometheus answers everything that the dashboard asks', async () => {
  const { panels } = JSON.parse(fs.readFileSync(path.join(MONITORING, 'grafana-dashboard.json'), 'utf8'));
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  assert.ok(expressions.length > 20);
  // What never happened here has no series.
  const nothing = /dropped|status="5xx"/;
  // Served, refused by a limit, and counted against the client until it would be blocked.
  const headers = { 'cf-connecting-ip': '192.0.2.7' };
  const traffic = () => Promise.all(['/open/echo', '/limited/echo', '/nowhere'].map((path) => gateway.ask(path, { headers })));
  for (const expression of expressions) {
    const filled = expression.replaceAll('$__rate_interval', '10s').replaceAll('$route', '.*');
    if (nothing.test(expression)) await query(filled);
    else await eventually(async () => {
      await traffic();
      return (await query(filled)).some(({ value: [, value] }) => value !== 'NaN');
    }, () => `nothing for ${filled}`, SEEN_WITHIN_MS);
  }
});
