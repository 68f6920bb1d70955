// Upstreams that are bindings of the Worker instead of addresses: services, and static assets. `workerd serve` has no
// assets of its own, so a service stands in for them: what a binding to assets is asked is what is tested here.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertCareful, assertProblem } from './lib/problems.mjs';

const SERVICE = fs.readFileSync(path.join(import.meta.dirname, 'lib', 'service.js'), 'utf8');
const PAGE = 'https://app.test';

const CONFIGURATION = `
[gateway]
name = "bindings"
cors = { origins = ["${PAGE}"] }

[upstreams.other_service]
targets = ["service:OTHER"]
timeout = "250ms"

[upstreams.prefixed]
targets = ["service:OTHER"]
prefix = "/api/v2"
credentials = { bearer = "\${SERVICE_TOKEN}" }

[upstreams.prefixed_origin]
targets = ["\${ORIGIN_URL}/base/"]
prefix = "/api/"

[policies.open]
auth = "none"

[routes."ANY /service/{rest...}"]
upstream = "other_service"
use = "open"
response_headers = { set = { "x-gateway" = "test" } }

[routes."ANY /raw/{rest...}"]
upstream = "other_service"
use = "open"
pass_through = true

[routes."ANY /whole/{rest...}"]
upstream = "other_service"
use = "open"
timeout = { first_byte = "5s", whole = "5s" }

[routes."ANY /prefixed/{rest...}"]
upstream = "prefixed"
use = "open"

[routes."GET /origin/{rest...}"]
upstream = "prefixed_origin"
use = "open"

[routes."ANY /static/{rest...}"]
use = "open"
assets = "FILES"
`;

const KINDS = ['service', 'raw', 'whole'];
const bin = () => compiled(CONFIGURATION);
const variables = { SERVICE_TOKEN: 'the-token-of-the-service' };

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

describe('with every binding there', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ origin, build: 'faults', bin: bin(), variables, services: { OTHER: SERVICE, FILES: SERVICE } });
  });
  after(() => gateway?.stop());

  for (const kind of KINDS) {
    test(`on /${kind} a request reaches the service with method, path, query, headers and body`, async () => {
      const answer = await gateway.ask(`/${kind}/echo?a=%2F&b`, { method: 'PUT', headers: { 'x-mine': 'kept' }, body: 'hello' });
      const { method, url, headers, body } = answer.json();
      assert.deepEqual([answer.status, method, url, body], [200, 'PUT', `https://other-service/${kind}/echo?a=%2F&b`, 'hello']);
      assert.equal(headers['x-mine'], 'kept');
    });

    test(`on /${kind} a redirect of the service is passed on and not followed`, async () => {
      const answer = await gateway.ask(`/${kind}/redirect`);
      assert.deepEqual([answer.status, answer.headers.location, answer.body], [302, '/elsewhere', 'moved']);
    });

    test(`on /${kind} 204, 304 and the answer to HEAD have no body`, async () => {
      for (const [method, name, status] of [['GET', 'nothing', 204], ['GET', 'unchanged', 304], ['HEAD', 'echo', 200]]) {
        const answer = await speak(gateway.port, head(method, `/${kind}/${name}`));
        assert.deepEqual([answer.status, answer.body.length], [status, 0]);
      }
    });

    test(`on /${kind} two cookies stay two headers`, async () => {
      assert.deepEqual((await gateway.ask(`/${kind}/cookies`)).headers['set-cookie'], ['a=1', 'b=2']);
    });

    test(`on /${kind} a service that throws means 502`, async () => {
      assertProblem(await gateway.ask(`/${kind}/throw`), 502, 'upstream_unreachable');
      await gateway.idle(1000);
    });
  }

  for (const kind of ['service', 'raw']) {
    test(`on /${kind} a service that hangs means 504`, async () => {
      assertProblem(await gateway.ask(`/${kind}/hang`), 504, 'upstream_timeout');
      await gateway.idle(1000);
    });
  }

  test('the answer of a service gets what every answer gets', async () => {
    const { headers } = await gateway.ask('/service/echo', { headers: { origin: PAGE, 'x-request-id': 'service-1' } });
    assertCareful({ headers });
    assert.deepEqual([headers['x-gateway'], headers['access-control-allow-origin'], headers['x-request-id']], ['test', PAGE, 'service-1']);
    assert.equal((await gateway.line('service-1')).route, 'GET /service/{rest...}');
  });

  test('a prefix and credentials go to a service too', async () => {
    const answer = await gateway.ask('/prefixed/echo', { headers: { authorization: 'Bearer of-the-client' } });
    const { url, headers } = answer.json();
    assert.deepEqual([url, headers.authorization], ['https://prefixed/api/v2/prefixed/echo', `Bearer ${variables.SERVICE_TOKEN}`]);
  });

  test('a prefix stands behind the path of the target and before that of the request', async () => {
    assert.equal((await gateway.ask('/origin/a?b=/../c')).json().url, '/base/api/origin/a?b=/../c');
    assert.equal((await gateway.ask('/origin/')).json().url, '/base/api/origin/');
  });

  for (const escape of ['/prefixed/../secret', '/prefixed/%2e%2e/secret', '/prefixed//secret', '/prefixed/..%2fsecret']) {
    test(`${escape} does not leave the prefix`, async () => {
      const answer = await speak(gateway.port, head('GET', escape));
      assert.equal(answer.status, 400);
    });
  }

  test('assets are asked with the URL of the client', async () => {
    const answer = await gateway.ask('/static/app.js?v=1', { headers: { host: 'app.test', 'if-none-match': '"1"' } });
    const { method, url, headers } = answer.json();
    assert.deepEqual([method, url, headers['if-none-match']], ['GET', 'http://app.test/static/app.js?v=1', '"1"']);
    assertCareful(answer);
  });

  test('assets answer 304, redirects and HEAD as they are', async () => {
    assert.equal((await gateway.ask('/static/unchanged')).headers.etag, '"7"');
    assert.equal((await gateway.ask('/static/redirect')).headers.location, '/elsewhere');
    assert.equal((await speak(gateway.port, head('HEAD', '/static/app.js'))).body.length, 0);
  });

  test('assets that fail mean 502', async () => {
    assertProblem(await gateway.ask('/static/throw'), 502, 'upstream_unreachable');
  });
});

describe('with the objects missing', () => {
  const route = (more) => `[gateway]\nname = "test"\n[routes."GET /here"]\nrespond = "here"\nauth = "none"\n${more}\n`;
  for (const [what, more, without, named] of [
    ['a limit is not counted in vain', 'rate_limit = "5/min"', ['LIMITS'], 'LIMITS'],
    ['nor is abuse', '[abuse]', ['ABUSE', 'SIGNALS'], 'ABUSE, SIGNALS'],
    ['and what is not configured needs none', '', ['LIMITS', 'ABUSE'], undefined],
  ]) {
    test(what, async (t) => {
      const gateway = await startGateway({ bin: compiled(route(more)), without });
      t.after(() => gateway.stop());
      const answer = await gateway.ask('/here');
      if (named === undefined) return assert.equal(answer.status, 200, answer.body);
      assertProblem(answer, 503, 'cannot_start');
      const reasons = await gateway.reported('cannot start');
      assert.deepEqual(reasons.map(({ reason }) => reason), [`these bindings are not in wrangler.toml: ${named}`]);
    });
  }
});

describe('with a binding missing', () => {
  for (const [what, services, extra, named] of [
    ['all of them', {}, {}, 'FILES, OTHER'],
    ['the service', { FILES: SERVICE }, {}, 'OTHER'],
    ['the assets', { OTHER: SERVICE }, {}, 'FILES'],
    ['one that is a variable instead', { OTHER: SERVICE }, { FILES: 'a text' }, 'FILES'],
  ]) {
    test(`${what}: 503 on every request, and the log names what is missing, once`, async (t) => {
      const gateway = await startGateway({ origin, bin: bin(), variables: { ...variables, ...extra }, services });
      t.after(() => gateway.stop());
      for (const target of ['/service/echo', '/static/app.js', '/health/ready', '/nowhere']) assertProblem(await gateway.ask(target), 503, 'cannot_start');
      const reasons = await gateway.reported('cannot start');
      assert.deepEqual(reasons.map(({ reason }) => reason), [`these bindings are not in wrangler.toml: ${named}`]);
      await eventually(() => gateway.lines.length === 4, () => gateway.output);
    });
  }
});
