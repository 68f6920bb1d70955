// Routes that answer by themselves, and what chooses a route beside its path: hosts, versions, types of parameters.
// Services and assets are in bindings.test.mjs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { assertCareful, assertMadeId, assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const PAGE = 'https://app.test';

const CONFIGURATION = `
[gateway]
name = "actions"
cors = { origins = ["${PAGE}"] }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[policies.open]
auth = "none"

# ---- answers that stand in the file ----

[routes."GET /robots.txt"]
use = "open"
respond = "User-agent: *\\nDisallow: /\\n"

[routes."ANY /teapot"]
use = "open"
respond = { status = 418, body = '{"tea":"\u00e9"}', content_type = "application/json", headers = { x-own = "yes", cache-control = "max-age=60" } }
response_headers = { set = { "x-route" = "{request.id}" } }

[routes."GET /nothing"]
use = "open"
respond = { status = 204 }

[routes."GET /failure"]
use = "open"
respond = { status = 599, body = "broken" }

[routes."GET /closed-to-strangers"]
auth = "main"
respond = "come in"

# ---- redirects ----

[routes."GET,POST /old/{rest...}"]
use = "open"
redirect = "/new/{path.rest}"

[routes."GET /root/{rest...}"]
use = "open"
redirect = "/{path.rest}"

[routes."GET /away/{id}"]
use = "open"
redirect = { to = "https://new.test/x?id={path.id}", status = 302 }

[routes."GET /bare/{id}"]
use = "open"
redirect = { to = "https://new.test/{path.id}", status = 301, keep_query = false }

[routes."GET /part"]
use = "open"
redirect = { to = "/book#chapter", status = 303 }

# ---- maintenance ----

[routes."GET,POST /closed/{rest...}"]
use = "open"
maintenance = { retry_after = "2m", detail = "Back at noon." }

[routes."GET /shut"]
use = "open"
maintenance = true

[policies.shut]
maintenance = true

[routes."GET /shut/by/policy"]
use = ["open", "shut"]
respond = "open"

[routes."GET /opened/again"]
use = ["open", "shut"]
maintenance = false
respond = "open"

# ---- hosts ----

[routes."GET /where"]
use = "open"
respond = "anywhere"

[routes."GET,DELETE /where"]
use = "open"
host = "api.test"
respond = "api"

[routes."GET,PUT /where"]
use = "open"
host = ["*.tenants.test", "tenants.test"]
respond = "tenant"

[routes."GET /only"]
use = "open"
host = "api.test"
respond = "only on api"

# ---- versions ----

[[routes."GET /orders"]]
use = "open"
version = "v1"
respond = "orders v1"

[[routes."GET /orders"]]
use = "open"
version = { name = "v2", default = true }
respond = "orders v2"

[[routes."GET /invoices"]]
use = "open"
version = "v1"
respond = "invoices v1"

[[routes."GET /invoices"]]
use = "open"
version = "v2"
respond = "invoices v2"

# ---- types ----

[routes."GET /typed/{id:int}"]
use = "open"
upstream = "origin"
request_headers = { set = { "x-id" = "{path.id}" } }
response_headers = { set = { "x-took" = "int" } }

[routes."GET /typed/{id:uuid}"]
use = "open"
upstream = "origin"
response_headers = { set = { "x-took" = "uuid" } }

[routes."GET /typed/{name:slug}"]
use = "open"
upstream = "origin"
response_headers = { set = { "x-took" = "slug" } }

[routes."GET /strict/{id:int}"]
use = "open"
respond = "a number"
`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

describe('respond', () => {
  for (const [method, path, status, body, type] of [
    ['GET', '/robots.txt', 200, 'User-agent: *\nDisallow: /\n', 'text/plain; charset=utf-8'],
    ['GET', '/teapot', 418, '{"tea":"\u00e9"}', 'application/json'],
    ['POST', '/teapot', 418, '{"tea":"\u00e9"}', 'application/json'],
    ['GET', '/nothing', 204, '', undefined],
    ['GET', '/failure', 599, 'broken', 'text/plain; charset=utf-8'],
  ]) {
    test(`${method} ${path} gets ${status} with the body and the type of the file`, async () => {
      const answer = await gateway.ask(path, { method, ...(method === 'POST' && { body: 'not read' }) });
      assert.deepEqual([answer.status, answer.body, answer.headers['content-type']], [status, body, type]);
      assertCareful(answer);
      assertMadeId(answer.headers['x-request-id']);
      assert.equal(answer.headers.vary, 'Origin');
    });
  }

  test('headers of the answer and of its route are both there', async () => {
    const { headers } = await gateway.ask('/teapot', { headers: { 'x-request-id': 'tea-1' } });
    assert.deepEqual([headers['x-own'], headers['cache-control'], headers['x-route']], ['yes', 'max-age=60', 'tea-1']);
  });

  test('a page that is allowed may read the answer', async () => {
    const { headers } = await gateway.ask('/robots.txt', { headers: { origin: PAGE } });
    assert.equal(headers['access-control-allow-origin'], PAGE);
    const foreign = await gateway.ask('/robots.txt', { headers: { origin: 'https://evil.test' } });
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  });

  test('a preflight is answered like that of any route', async () => {
    const headers = { origin: PAGE, 'access-control-request-method': 'GET' };
    const answer = await gateway.ask('/robots.txt', { method: 'OPTIONS', headers });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [204, PAGE]);
  });

  for (const [path, status] of [['/robots.txt', 200], ['/teapot', 418], ['/nothing', 204]]) {
    test(`HEAD ${path} has the head of GET and no body`, async () => {
      const [whole, bare] = [await gateway.ask(path), await speak(gateway.port, head('HEAD', path))];
      assert.deepEqual([bare.status, bare.body.length], [status, 0]);
      assert.equal(bare.field('content-type'), whole.headers['content-type']);
    });
  }

  test('it is one log line', async () => {
    await gateway.ask('/teapot?key=not-logged', { method: 'PUT', headers: { 'x-request-id': 'tea-2' } });
    await gateway.line('tea-2');
    const [line, ...more] = await gateway.linesOf('tea-2');
    assert.deepEqual(more, []);
    const { level, method, path, route, status } = line;
    assert.deepEqual({ level, method, path, route, status }, { level: 'info', method: 'PUT', path: '/teapot', route: 'PUT /teapot', status: 418 });
  });

  for (const status of [204, 205, 304]) {
    test(`a body for status ${status} does not compile: no answer could carry it`, () => {
      const toml = `[gateway]\nname = "a"\n\n[routes."GET /a"]\nauth = "none"\nrespond = { status = ${status}, body = "x" }\n`;
      assert.throws(() => compiled(toml), new RegExp(`FG0107.*status ${status} has no body`));
      assert.ok(compiled(toml.replace('"x"', '""')).length > 0);
    });
  }

  test('a token can be asked for', async () => {
    assertProblem(await gateway.ask('/closed-to-strangers'), 401, 'token_missing');
    const answer = await gateway.ask('/closed-to-strangers', { headers: { authorization: `Bearer ${token()}` } });
    assert.deepEqual([answer.status, answer.body], [200, 'come in']);
  });
});

describe('redirect', () => {
  for (const [target, status, location] of [
    ['/old/a/b', 308, '/new/a/b'],
    ['/old/', 308, '/new/'],
    ['/old/a?b=c&d=%2F%2f&e', 308, '/new/a?b=c&d=%2F%2f&e'],
    ['/away/7', 302, 'https://new.test/x?id=7'],
    ['/away/7?page=2', 302, 'https://new.test/x?id=7&page=2'],
    ['/away/7?id=8&a=/../b', 302, 'https://new.test/x?id=7&id=8&a=/../b'],
    ['/bare/7?page=2', 301, 'https://new.test/7'],
    ['/part', 303, '/book#chapter'],
    ['/part?page=2', 303, '/book?page=2#chapter'],
  ]) {
    test(`${target} goes to ${location}`, async () => {
      const answer = await gateway.ask(target);
      assert.deepEqual([answer.status, answer.headers.location, answer.body], [status, location, '']);
      assertCareful(answer);
    });
  }

  for (const rest of ['https://evil.test', 'evil.test', '@evil.test', ':8080', '.evil.test', ';//', '%2e', '%E2%81%84evil.test', '%09', '%40evil.test']) {
    test(`/${rest} never makes another host of a path`, async () => {
      const target = `/root/${rest}`;
      const { status, headers } = await gateway.ask(target);
      if (status !== 308) return assert.ok(status === 400 || status === 404, `${status}`);
      assert.equal(new URL(headers.location, 'https://gateway.test/').host, 'gateway.test', headers.location);
    });
  }

  for (const target of ['/root//evil.test', '/root/%2fevil.test', '/root/%5cevil.test', '/root/\\evil.test', '/old/../evil.test', '/root/%2e%2e', '/root/\tevil.test']) {
    test(`${JSON.stringify(target)} can be read in two ways and gets no address`, async () => {
      const answer = await speak(gateway.port, head('GET', target));
      assert.deepEqual([answer.status, answer.field('location')], [400, undefined]);
    });
  }

  test('a parameter cannot change the host of a URL', async () => {
    for (const id of ['@evil.test', '.evil.test', ':1', '%40evil.test', '#@evil.test', '?@evil.test']) {
      const { headers } = await gateway.ask(`/bare/${id}`);
      if (headers.location !== undefined) assert.equal(new URL(headers.location).host, 'new.test', headers.location);
    }
  });

  for (const bytes of ['caf\u00e9', '"<>', '\u0001', '\u007f']) {
    test(`the query ${JSON.stringify(bytes)} is taken along or refused, but is no failure`, async () => {
      const answer = await speak(gateway.port, Buffer.from(head('GET', `/old/a?b=${bytes}`), 'utf8'));
      assert.ok([308, 400, 404].includes(answer.status), `${answer.status}`);
      if (answer.status === 308) assert.match(answer.field('location'), /^\/new\/a\?b=/);
    });
  }
});

describe('maintenance', () => {
  for (const [target, options, retry, detail] of [
    ['/closed/orders', {}, '120', 'Back at noon.'],
    ['/closed/orders', { method: 'POST', body: 'unread' }, '120', 'Back at noon.'],
    ['/shut', {}, '300', 'This part is closed for maintenance.'],
    ['/shut/by/policy', {}, '300', 'This part is closed for maintenance.'],
  ]) {
    test(`${options.method ?? 'GET'} ${target} gets 503 with when to come back`, async () => {
      const answer = await gateway.ask(target, { ...options, headers: { origin: PAGE } });
      const document = assertProblem(answer, 503, 'maintenance');
      assert.deepEqual([answer.headers['retry-after'], document.detail], [retry, detail]);
      assert.equal(answer.headers['access-control-allow-origin'], PAGE);
      assert.equal((await gateway.line(answer.headers['x-request-id'])).code, 'maintenance');
    });
  }
});

test('a route opens what its policy closes', async () => {
  assert.equal((await gateway.ask('/opened/again')).body, 'open');
});

describe('hosts', () => {
  const on = (host, method = 'GET', path = '/where') => gateway.ask(path, { method, headers: { host } });

  for (const [host, body] of [
    ['api.test', 'api'],
    ['API.Test', 'api'],
    ['api.test:8443', 'api'],
    ['api.test.', 'api'],
    ['a.tenants.test', 'tenant'],
    ['b.a.tenants.test', 'tenant'],
    ['tenants.test', 'tenant'],
    ['xtenants.test', 'anywhere'],
    ['other.test', 'anywhere'],
    ['127.0.0.1', 'anywhere'],
    ['[::1]', 'anywhere'],
  ]) {
    test(`${host} gets the answer of ${body}`, async () => {
      const answer = await on(host);
      assert.deepEqual([answer.status, answer.body], [200, body]);
    });
  }

  test('a route of one host is not there on another', async () => {
    assert.equal((await on('api.test', 'GET', '/only')).body, 'only on api');
    assertProblem(await on('other.test', 'GET', '/only'), 404, 'route_not_found');
    assertProblem(await on('other.test', 'POST', '/only'), 404, 'route_not_found');
  });

  test('a method that only another host has is not allowed, and not named', async () => {
    for (const [host, method, allow] of [
      ['other.test', 'DELETE', 'GET, HEAD, OPTIONS'],
      ['api.test', 'PUT', 'GET, HEAD, DELETE, OPTIONS'],
      ['a.tenants.test', 'DELETE', 'GET, HEAD, PUT, OPTIONS'],
    ]) {
      const answer = await on(host, method);
      assertProblem(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.allow, allow, host);
    }
  });
});

describe('versions', () => {
  test('without a wish the default is taken', async () => {
    assert.equal((await gateway.ask('/orders')).body, 'orders v2');
  });

  for (const [version, body] of [['v1', 'orders v1'], ['v2', 'orders v2']]) {
    test(`X-API-Version: ${version} takes that version`, async () => {
      assert.equal((await gateway.ask('/orders', { headers: { 'x-api-version': version } })).body, body);
    });
  }

  test('a version that is not there is not found, and the answer names those that are', async () => {
    const answer = await gateway.ask('/orders', { headers: { 'x-api-version': 'v3' } });
    assert.match(assertProblem(answer, 404, 'route_not_found').detail, /v1, v2/);
  });

  test('without a default there is none, and the answer names those that there are', async () => {
    const document = assertProblem(await gateway.ask('/invoices'), 404, 'route_not_found');
    assert.match(document.detail, /v1, v2/);
  });
});

describe('types of parameters', () => {
  const UUID = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const [segment, took] of [['42', 'int'], [UUID, 'uuid'], [UUID.toUpperCase(), 'uuid'], ['a-name', 'slug'], ['0', 'int'], ['1'.repeat(20), 'slug']]) {
    test(`${segment} is of type ${took}`, async () => {
      const answer = await gateway.ask(`/typed/${segment}`);
      assert.deepEqual([answer.status, answer.headers['x-took'], answer.json().url], [200, took, `/typed/${segment}`]);
    });
  }

  test('a parameter with a type fills a header', async () => {
    assert.deepEqual((await gateway.ask('/typed/42')).json().fields.filter(([name]) => name === 'x-id'), [['x-id', '42']]);
  });

  for (const path of ['/typed/A_b', '/strict/a', '/strict/-1', '/strict/1.0', '/strict/']) {
    test(`${path} is of no type and gets 404`, async () => {
      assertProblem(await gateway.ask(path), 404, 'route_not_found');
    });
  }
});
