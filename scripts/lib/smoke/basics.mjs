// Health, the head of every answer, and refusals.

import { expect, expectField, expectHeader, expectProblem, expectServed, expectStatus, isOurs, needs, shown, skip } from './expect.mjs';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** HSTS has a check of its own: the settings of a zone may replace it. */
const CAREFUL = [
  'x-content-type-options', 'x-frame-options', 'referrer-policy', 'content-security-policy', 'permissions-policy',
  'cross-origin-opener-policy', 'cross-origin-embedder-policy', 'cross-origin-resource-policy', 'x-permitted-cross-domain-policies',
];
/** Fields in which servers say what they are made of. */
const MADE_OF = ['server', 'x-powered-by', 'x-aspnet-version', 'x-aspnetmvc-version', 'x-runtime', 'x-generator'];

/** Fails unless an answer has the security headers that the configuration sets there. */
function expectCareful(answer, { says }) {
  const names = CAREFUL.filter((name) => says.head[name] !== undefined);
  if (names.length === 0) skip('the configuration sets none there');
  for (const name of names) expectField(answer, name, says.head[name]);
}

export const BASICS = [
  ['the gateway is live', async (target) => {
    const answer = await target.ask('/health/live');
    expectStatus(answer, 200);
    expect(answer.json().status === 'pass', `${answer.asked}: expected the status pass, found 200 ${shown(answer.body)}`);
  }],
  ['the gateway and what it stands on are ready', async (target) => {
    const answer = await target.ask('/health/ready');
    expectStatus(answer, 200);
    expect(['pass', 'warn'].includes(answer.json().status), `${answer.asked}: expected the status pass or warn, found 200 ${shown(answer.body)}`);
  }],
  ['a public route is served', async (target) => {
    const open = needs(target.places.open);
    expectServed(await target.visit(open), open);
  }],
  ['HEAD has the head of GET and no body', async (target) => {
    const open = needs(target.places.open);
    const [got, head] = [await target.visit(open), await target.visit(needs(target.places.head))];
    expectServed(got, open);
    if ([404, 405, 501].includes(head.status) && head.status !== got.status && !isOurs(head) && head.headers['x-request-id']) skip(`the upstream has no HEAD there: it answers ${head.status}`);
    expectStatus(head, got.status);
    expect(head.body === '', `${head.asked}: expected no body, found one of ${head.body.length} characters`);
    expect(head.headers['content-type'] === got.headers['content-type'], `${head.asked}: expected the field content-type ${got.headers['content-type'] ?? 'not to be there'}, as for GET, found ${head.headers['content-type'] ?? 'none'}`);
  }],
  ['a request id is kept', async (target) => {
    const answer = await target.visit(needs(target.places.open), { headers: { 'x-request-id': 'smoke-1/x' } });
    expectField(answer, 'x-request-id', 'smoke-1/x');
  }],
  ['a request id that is none is replaced', async (target) => {
    for (const id of ['a b', 'x'.repeat(129)]) expectHeader(await target.ask('/health/live', { headers: { 'x-request-id': id } }), 'x-request-id', UUID, 'to be a new UUID');
  }],
  ['the security headers are on answers', async (target) => expectCareful(await target.visit(needs(target.places.open)), target.places.open)],
  ['the security headers are on refusals', async (target) => {
    const answer = await target.visit(needs(target.places.guarded));
    expectStatus(answer, 401);
    expectCareful(answer, target.places.guarded);
  }],
  ['an unknown path gets 404', async (target) => expectProblem(await target.visit(needs(target.places.nowhere)), 404, 'route_not_found')],
  ['an unknown method gets 405 with Allow', async (target) => {
    const vain = needs(target.places.vain);
    const answer = await target.visit(vain);
    expectProblem(answer, 405, 'method_not_allowed');
    expectField(answer, 'allow', vain.says.head.allow);
  }],
  ['OPTIONS that is no preflight says what there is', async (target) => {
    const options = needs(target.places.options);
    const answer = await target.visit(options);
    expectStatus(answer, options.says.status);
    expectField(answer, 'allow', options.says.head.allow);
  }],
  ['TRACE is refused and echoes nothing', async (target) => {
    const { path } = needs(target.places.open);
    const answer = await target.ask(path, { method: 'TRACE', headers: { 'x-smoke': 'not-to-be-echoed' } });
    expectStatus(answer, 400, 403, 405, 501);
    expect(!answer.body.includes('not-to-be-echoed'), `${answer.asked}: expected an answer without the request in it, found ${answer.status} ${shown(answer.body)}`);
  }],
  ['answers do not say what software the upstream is made of', async (target) => {
    const open = needs(target.places.open);
    if (!open.says.isSent) skip('the public route that was found does not go to an upstream');
    if (open.route.pass_through) skip('the route passes everything through');
    const answer = await target.visit(open);
    expectServed(answer, open);
    for (const name of MADE_OF.filter((name) => open.says.head[name] === undefined)) {
      const found = answer.headers[name];
      expect(found === undefined || (name === 'server' && found === 'cloudflare'), `${answer.asked}: expected no field ${name}, found ${found}; response_headers = { remove = ["${name}"] } takes it away`);
    }
  }],
];
