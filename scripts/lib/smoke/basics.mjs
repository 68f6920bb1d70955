// Health, the head of every answer, and refusals.

import { expect, expectHeader, expectNone, expectProblem, expectStatus } from './expect.mjs';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CAREFUL = [
  ['x-content-type-options', /^nosniff$/], ['x-frame-options', /^DENY$/], ['referrer-policy', /./],
  ['content-security-policy', /default-src 'none'/], ['cross-origin-resource-policy', /./],
];

export const BASICS = [
  ['the gateway is live', async (target) => {
    const answer = await target.ask('/health/live');
    expectStatus(answer, 200);
    expect(answer.json().status === 'pass', `found ${answer.body}`);
  }],
  ['the gateway and what it stands on are ready', async (target) => expectStatus(await target.ask('/health/ready'), 200)],
  ['a public route is served by its upstream', async (target) => {
    const answer = await target.ask('/v1/products/1');
    expectStatus(answer, 200);
    expectHeader(answer, 'content-type', /^application\/json/);
    expect(answer.json().id === 1, `found ${answer.body.slice(0, 100)}`);
  }],
  ['the query reaches the upstream', async (target) => {
    const answer = await target.ask('/v1/products?_limit=2');
    expect(answer.json().length === 2, `expected 2 products, found ${answer.json().length}`);
  }],
  ['HEAD has the head of GET and no body', async (target) => {
    const [got, head] = [await target.ask('/v1/products/1'), await target.ask('/v1/products/1', { method: 'HEAD' })];
    expectStatus(head, 200);
    expect(head.body === '' && head.headers['content-type'] === got.headers['content-type'], 'they differ');
  }],
  ['a request id is kept', async (target) => {
    const answer = await target.ask('/v1/products/1', { headers: { 'x-request-id': 'smoke-1/x' } });
    expectHeader(answer, 'x-request-id', /^smoke-1\/x$/);
  }],
  ['a request id that is none is replaced', async (target) => {
    for (const id of ['a b', 'x'.repeat(129)]) expectHeader(await target.ask('/health/live', { headers: { 'x-request-id': id } }), 'x-request-id', UUID);
  }],
  ['the security headers are on answers and refusals', async (target) => {
    const answers = [await target.ask('/v1/products/1'), await target.ask('/smoke-nowhere'), await target.ask('/v1/orders')];
    for (const answer of answers) for (const [name, pattern] of CAREFUL) expectHeader(answer, name, pattern);
  }],
  ['an unknown path gets 404', async (target) => expectProblem(await target.ask('/smoke-nowhere'), 404, 'route_not_found')],
  ['an unknown method gets 405 with Allow', async (target) => {
    const answer = await target.ask('/v1/orders', { method: 'DELETE' });
    expectProblem(answer, 405, 'method_not_allowed');
    expectHeader(answer, 'allow', /\bGET\b.*\bPOST\b/);
  }],
  ['OPTIONS that is no preflight says what there is', async (target) => {
    const answer = await target.ask('/v1/products', { method: 'OPTIONS' });
    expectStatus(answer, 204);
    expectHeader(answer, 'allow', /GET, HEAD, POST, OPTIONS/);
  }],
  ['TRACE is refused and echoes nothing', async (target) => {
    const answer = await target.ask('/v1/products', { method: 'TRACE', headers: { 'x-smoke': 'not-to-be-echoed' } });
    expectStatus(answer, 400, 403, 405, 501);
    expect(!answer.body.includes('not-to-be-echoed'), 'it echoes the request');
  }],
  ['no answer names the upstream\'s server', async (target) => {
    for (const path of ['/v1/products/1', '/smoke-nowhere']) {
      const answer = await target.ask(path);
      expect([undefined, 'cloudflare'].includes(answer.headers.server), `found server: ${answer.headers.server}`);
      expectNone(answer, 'via');
    }
  }],
];
