// One request after another through the wasm as it ships, to a real origin and back. What breaks on the way has files
// of its own: origin_faults, traps, overflow.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { speak, head } from './lib/client.mjs';
import { assertCareful, assertMadeId, assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const PAGE = 'https://app.test';
const FOREIGN = 'https://evil.test';

let origin;
let gateway;

withGateway(() => ({}), (both) => ({ origin, gateway } = both));

const bearer = (claims) => ({ authorization: `Bearer ${token(claims)}` });
const field = (fields, name) => fields.filter(([known]) => known === name).map(([, value]) => value);

test('a request reaches the origin with method, path, body and headers, and its answer comes back', async () => {
  const answer = await gateway.ask('/open/echo/a%20b', { method: 'POST', headers: { 'content-type': 'text/plain', 'x-mine': 'kept' }, body: 'hello' });
  const seen = answer.json();
  assert.equal(answer.status, 200);
  assert.deepEqual([seen.method, seen.url, seen.body], ['POST', '/open/echo/a%20b', 'hello']);
  assert.deepEqual([field(seen.fields, 'x-mine'), field(seen.fields, 'content-type')], [['kept'], ['text/plain']]);
  assert.equal(answer.headers['content-type'], 'application/json');
});

test('a sane request id is kept on both ways', async () => {
  const answer = await gateway.ask('/open/echo', { headers: { 'x-request-id': 'client-7/x' } });
  assert.equal(answer.headers['x-request-id'], 'client-7/x');
  assert.deepEqual(field(answer.json().fields, 'x-request-id'), ['client-7/x']);
});

for (const [what, id] of [['no', undefined], ['a spaced', 'a b'], ['a quoting', 'a"b'], ['too long an', 'x'.repeat(129)]]) {
  test(`${what} request id is replaced by a new one on both ways`, async () => {
    const answer = await gateway.ask('/open/echo', { headers: id === undefined ? {} : { 'x-request-id': id } });
    assertMadeId(answer.headers['x-request-id']);
    assert.deepEqual(field(answer.json().fields, 'x-request-id'), [answer.headers['x-request-id']]);
  });
}

test('an answer gets the security headers and the edits of its route in place of what the origin sent', async () => {
  const answer = await gateway.ask('/open/echo');
  assertCareful(answer);
  assert.equal(answer.headers['x-gateway'], 'test');
  assert.equal(answer.headers.server, undefined);
});

test('a request without a token gets 401 with the challenge', async () => {
  const answer = await gateway.ask('/mine/echo');
  assertProblem(answer, 401, 'token_missing');
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="test"');
});

for (const [what, authorization, code] of [
  ['of another key', () => token({}, 'another key, of more than thirty-two bytes'), 'token_invalid'],
  ['of another issuer', () => token({ iss: 'https://other.test/' }), 'token_invalid'],
  ['that has expired', () => token({ exp: 1_700_000_000 }), 'token_expired'],
]) {
  test(`a token ${what} gets 401 and never reaches the origin`, async () => {
    const answer = await gateway.ask('/mine/unreached', { headers: { authorization: `Bearer ${authorization()}` } });
    assertProblem(answer, 401, code);
    assert.equal(answer.headers['www-authenticate'], `Bearer realm="test", error="invalid_token", error_description="${answer.json().detail}"`);
    assert.deepEqual(origin.of('/mine/unreached'), []);
  });
}

test('two tokens in one request get 400, in one field and in two', async () => {
  const twice = [`authorization: Bearer ${token()}`, `authorization: Bearer ${token({ sub: 'u-2' })}`];
  for (const lines of [twice, [`authorization: Bearer ${token()}, Bearer ${token()}`]]) {
    const answer = await speak(gateway.port, head('GET', '/mine/unreached', lines));
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 'authorization_malformed']);
    assert.match(answer.field('www-authenticate'), /^Bearer realm="test", error="invalid_request", error_description="/);
  }
  assert.deepEqual(origin.of('/mine/unreached'), []);
});

test('a token without the scope gets 403 with the scope that is wanted', async () => {
  const answer = await gateway.ask('/mine/echo', { headers: bearer({ scope: 'other' }) });
  assertProblem(answer, 403, 'scope_missing');
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="test", error="insufficient_scope", scope="things:read"');
});

test('an unknown path gets 404', async () => {
  assertProblem(await gateway.ask('/nowhere'), 404, 'route_not_found');
});

test('an unknown method gets 405 with the methods that there are', async () => {
  const answer = await gateway.ask('/things/7', { method: 'POST' });
  assertProblem(answer, 405, 'method_not_allowed');
  assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS');
});

for (const path of ['/open/../mine/echo', '/open/%2e%2e/mine/echo', '/open//echo', '/open/a%2fb']) {
  test(`the path ${path} can be read in two ways and gets 400`, async () => {
    assertProblem(await gateway.ask(path), 400, 'path_malformed');
  });
}

for (const kind of ['open', 'watched', 'raw']) {
  test(`on /${kind} the query reaches the origin byte for byte`, async () => {
    const query = '?a=1&a=%2F%2f&b=c+d&%zz&e=[]{}|^`\\&empty=&&=&u=%E2%82%AC&t=/../x';
    const answer = await speak(gateway.port, head('GET', `/${kind}/echo${query}`));
    assert.equal(JSON.parse(answer.body.toString()).url, `/${kind}/echo${query}`);
  });
}

// The one exception, which a Worker cannot avoid: `fetch` writes URLs as the URL Standard does ("special-query").
test('an apostrophe in the query reaches the origin percent-encoded', async () => {
  assert.equal((await gateway.ask("/open/echo?a='b'")).json().url, '/open/echo?a=%27b%27');
});

test('a parameter of the path fills a header', async () => {
  const answer = await gateway.ask('/things/42');
  assert.deepEqual(field(answer.json().fields, 'x-thing'), ['42']);
});

test('the principal reaches the origin, what the client claims to be does not, and neither does the token', async () => {
  const answer = await gateway.ask('/mine/echo', { headers: { ...bearer({ sub: 'u-42' }), 'x-user-id': 'admin' } });
  const { fields } = answer.json();
  assert.deepEqual([field(fields, 'x-user-id'), field(fields, 'authorization')], [['u-42'], []]);
});

test('a good preflight gets 204 with what the route allows', async () => {
  const answer = await preflight({ origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' });
  assert.equal(answer.status, 204);
  assert.equal(answer.body, '');
  const { headers } = answer;
  assert.deepEqual([headers['access-control-allow-origin'], headers['access-control-allow-methods']], [PAGE, 'GET, POST, PUT']);
  assert.deepEqual([headers['access-control-allow-headers'], headers['access-control-max-age']], ['authorization, content-type', '600']);
  assertCareful(answer);
});

for (const [what, asked, code] of [
  ['of a foreign page', { origin: FOREIGN, 'access-control-request-method': 'POST' }, 'cors_origin_refused'],
  ['for a header too many', { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-other' }, 'cors_preflight_refused'],
]) {
  test(`a preflight ${what} gets 403`, async () => {
    assertProblem(await preflight(asked), 403, code);
  });
}

function preflight(headers) {
  return gateway.ask('/mine/echo', { method: 'OPTIONS', headers });
}

test('a page that is allowed may read an answer and a refusal alike', async () => {
  const asked = [gateway.ask('/pages/echo', { headers: { origin: PAGE } }), gateway.ask('/mine/echo', { headers: { origin: PAGE } })];
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map(({ status }) => status), [200, 401]);
  for (const { headers } of answers) {
    assert.equal(headers['access-control-allow-origin'], PAGE);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal(headers['access-control-expose-headers'], 'x-request-id');
    assert.equal(headers.vary, 'Origin');
  }
});

test('a foreign page may read nothing, whatever the origin says', async () => {
  for (const path of ['/pages/cors', '/mine/echo']) {
    const { headers } = await gateway.ask(path, { headers: { origin: FOREIGN } });
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.equal(headers['access-control-allow-credentials'], undefined);
    assert.match(headers.vary, /\bOrigin\b/);
  }
});

test('a vary header of the origin is added to, not replaced', async () => {
  const { headers } = await gateway.ask('/pages/cors', { headers: { origin: PAGE } });
  assert.deepEqual(headers.vary.split(', ').sort(), ['Accept', 'Origin']);
  assert.equal(headers['access-control-allow-origin'], PAGE);
});

for (const kind of ['open', 'watched', 'raw']) {
  test(`on /${kind} a redirect is passed on and not followed`, async () => {
    const answer = await gateway.ask(`/${kind}/redirect`);
    assert.deepEqual([answer.status, answer.headers.location, answer.body], [302, '/open/echo', 'moved']);
  });

  test(`on /${kind} two cookies stay two headers`, async () => {
    const { headers } = await gateway.ask(`/${kind}/cookies`);
    assert.deepEqual(headers['set-cookie'], ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT']);
  });

  test(`on /${kind} a compressed answer can be unpacked`, async () => {
    const answer = await gateway.ask(`/${kind}/gzip`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(answer.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(answer.bytes).toString(), 'unpacked');
  });

  test(`on /${kind} 204, 304 and the answer to HEAD have no body`, async () => {
    for (const [method, path, status] of [['GET', 'status/204', 204], ['GET', 'status/304', 304], ['HEAD', 'echo', 200]]) {
      const answer = await speak(gateway.port, head(method, `/${kind}/${path}`, ['if-none-match: "7"']));
      assert.deepEqual([answer.status, answer.body.length], [status, 0]);
    }
    const [call] = origin.of(`/${kind}/echo`).filter(({ method }) => method === 'HEAD');
    assert.equal(call.method, 'HEAD');
  });
}

test('the etag of a 304 comes through', async () => {
  const answer = await gateway.ask('/open/status/304', { headers: { 'if-none-match': '"7"' } });
  assert.equal(answer.headers.etag, '"7"');
});

test('a refusal comes as text to those who want that more', async () => {
  const answer = await gateway.ask('/nowhere', { headers: { accept: 'text/plain, */*;q=0.1', 'x-request-id': 'r-1' } });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(answer.body, /^404 There is no such route\n[^]*\ncode: route_not_found \(ROUTE-404\)\nrequest: r-1\n$/);
  assertCareful(answer);
});

test('a HEAD that is refused has the head of the problem and no body', async () => {
  const answer = await speak(gateway.port, head('HEAD', '/nowhere'));
  assert.deepEqual([answer.status, answer.field('content-type'), answer.body.length], [404, 'application/problem+json', 0]);
});

test('a WebSocket goes through, both ways', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/open/socket`);
  const message = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('ping');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('the WebSocket failed'));
  });
  socket.close();
  assert.equal(message, 'ping');
  assert.deepEqual(origin.of('/open/socket')[0].messages, ['ping']);
});

test('/health/live answers without asking anybody', async () => {
  const answer = await gateway.ask('/health/live');
  assert.deepEqual([answer.status, answer.json()], [200, { status: 'pass' }]);
  assertCareful(answer);
});

test('a request is one log line with its id, route, status and principal', async () => {
  const [credentials, before] = [bearer({ sub: 'u-9' }), Date.now()];
  await gateway.ask('/mine/echo/x', { headers: { ...credentials, 'x-request-id': 'log-1' } });
  const lines = await gateway.linesOf('log-1');
  assert.equal(lines.length, 1);
  const { timestamp, duration_ms: duration, upstream_ms: upstream, ...rest } = lines[0];
  const expected = { level: 'info', msg: 'request', request_id: 'log-1', upstream: 'origin', method: 'GET', path: '/mine/echo/x', route: 'GET /mine/{rest...}', status: 200, principal: 'u-9' };
  assert.deepEqual(rest, expected);
  const came = new Date(timestamp);
  assert.equal(came.toISOString(), timestamp);
  assert.ok(came.getTime() >= before && came.getTime() <= Date.now(), `${timestamp} is not between ${before} and now`);
  assert.ok(Number.isInteger(duration) && duration >= 0 && duration < 5000);
  assert.ok(Number.isInteger(upstream) && upstream >= 0 && upstream <= duration);
});

for (const [what, path, headers, expected] of [
  ['a refused request', '/mine/echo', {}, { level: 'warn', route: 'GET /mine/{rest...}', status: 401, code: 'token_missing', principal: null }],
  ['a request without a route', '/nowhere', {}, { level: 'warn', route: '-', status: 404, code: 'route_not_found', principal: null }],
  ['a watched request', '/watched/echo', {}, { level: 'info', status: 200, body: 'complete' }],
  ['a request that is passed through', '/raw/echo', {}, { level: 'info', status: 200, route: 'GET /raw/{rest...}' }],
]) {
  test(`${what} is one log line as well`, async () => {
    const id = `log-${path}`;
    await gateway.ask(path, { headers: { ...headers, 'x-request-id': id } });
    await gateway.line(id);
    const lines = await gateway.linesOf(id);
    assert.equal(lines.length, 1);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, lines[0][name]])), expected);
  });
}

test('the log holds neither queries nor tokens nor the values of headers', async () => {
  const { authorization } = bearer({ jti: 'in-the-token' });
  await gateway.ask('/mine/echo?key=in-the-query', { headers: { authorization, 'x-secret': 'in-a-header', 'x-request-id': 'secret-1' } });
  await gateway.ask('/nowhere?key=in-the-query', { headers: { authorization, 'x-request-id': 'secret-2' } });
  await gateway.line('secret-2');
  for (const secret of ['in-the-query', 'in-a-header', authorization.slice('Bearer '.length)]) assert.ok(!gateway.output.includes(secret), secret);
});
