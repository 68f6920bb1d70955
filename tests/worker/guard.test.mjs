// What is refused before it is looked at, on connections as they are: hosts, methods, requests in clear, long URLs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { assertProblem } from './lib/problems.mjs';

/** A gateway with these keys in [gateway]. */
const configuration = (keys) => compiled(`
[gateway]
name = "guard"
${keys}

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET,POST,DELETE /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET /short/{rest...}"]
upstream = "origin"
auth = "none"
url_limit = "100B"
query_limit = "20B"
`);

let origin;

before(async () => {
  origin = await startOrigin();
});

after(() => origin?.stop());

/** A request head with a `Host` of one's own. */
const named = (host, method = 'GET', target = '/open/echo') => [`${method} ${target} HTTP/1.1`, `host: ${host}`, 'connection: close', '', ''].join('\r\n');
const spoken = ({ status, body, fields }) => ({ status, body: body.toString(), json: () => JSON.parse(body.toString()), headers: Object.fromEntries(fields) });

/** Starts a gateway around some tests. */
function guarded(keys) {
  const guarded = {};
  before(async () => {
    guarded.gateway = await startGateway({ origin, bin: configuration(keys) });
  });
  after(() => guarded.gateway?.stop());
  return {
    speak: async (text) => spoken(await speak(guarded.gateway.port, text)),
    ask: (...request) => guarded.gateway.ask(...request),
  };
}

describe('without any key', () => {
  const gateway = guarded('');

  for (const host of ['user@gateway.test', 'user:secret@gateway.test', 'a,b', 'a..b', 'gateway.test:port', '[::1', 'a%2eb']) {
    test(`the host ${host} is none: 400, also for the health paths`, async () => {
      for (const target of ['/open/unheard', '/health/live']) {
        const answer = await gateway.speak(named(host, 'GET', target));
        const document = assertProblem(answer, 400, 'host_malformed');
        assert.ok(!JSON.stringify(document).includes('secret'));
      }
      assert.deepEqual(origin.of('/open/unheard'), []);
    });
  }

  for (const host of ['gateway.test', 'Gateway.Test.:8787', '127.0.0.1', '[::1]:80', 'my_service']) {
    test(`the host ${host} is one`, async () => {
      assert.equal((await gateway.speak(named(host))).status, 200);
    });
  }

  test('what follows a slash in the host is a path like any other', async () => {
    const answer = await gateway.speak(named('gateway.test/short', 'GET', '/echo'));
    assert.equal(answer.json().url, '/short/echo');
  });

  test('two hosts are none', async () => {
    assertProblem(await gateway.speak(head('GET', '/open/echo', ['host: other.test'])), 400, 'host_malformed');
  });

  test('TRACE is never served', async () => {
    const answer = await gateway.speak(head('TRACE', '/open/echo'));
    assertProblem(answer, 405, 'method_not_allowed');
    assert.equal(answer.headers.allow, 'GET, HEAD, POST, DELETE, OPTIONS');
    assertProblem(await gateway.speak(head('TRACE', '/nowhere')), 404, 'route_not_found');
  });

  // Not ours to decide; docs/guard.md tells it, so it must stay true.
  for (const [what, text, status] of [
    ['CONNECT', head('CONNECT', 'gateway.test:80'), 500],
    ['an unknown method', head('BREW', '/open/echo'), 501],
    ['a method in lower case', head('get', '/open/echo'), 501],
    ['no host', 'GET /open/echo HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
  ]) {
    test(`${what} is refused by the runtime with ${status}`, async () => {
      const answer = await gateway.speak(text);
      assert.deepEqual([answer.status, answer.headers['x-request-id']], [status, undefined]);
    });
  }

  test('a URL and a query that are too long for their route get 414 before the origin hears of it', async () => {
    const short = `/short/echo?${'q'.repeat(20)}`;
    assert.equal((await gateway.ask(short)).json().url, short);
    assertProblem(await gateway.ask(`${short}q`), 414, 'query_too_long');
    assertProblem(await gateway.ask(`/short/${'p'.repeat(100)}`), 414, 'url_too_long');
    assertProblem(await gateway.ask(`/open/echo?${'q'.repeat(4097)}`), 414, 'query_too_long');
    assertProblem(await gateway.ask(`/open/${'p'.repeat(8192)}`), 414, 'url_too_long');
    assert.deepEqual(origin.seen.filter(({ url }) => url.length > 4096), []);
  });
});

describe('with hosts', () => {
  const gateway = guarded('hosts = ["api.acme.example", "*.pages.test"]');

  for (const [host, status] of [['api.acme.example', 200], ['API.acme.example:81', 200], ['x.pages.test', 200], ['pages.test', 421], ['127.0.0.1', 421]]) {
    test(`${host} gets ${status}`, async () => {
      const answer = await gateway.speak(named(host));
      if (status === 200) assert.equal(answer.status, 200);
      else assertProblem(answer, 421, 'host_refused');
    });
  }

  test('the health paths answer on every host', async () => {
    assert.equal((await gateway.speak(named('10.0.0.1', 'GET', '/health/live'))).status, 200);
  });
});

describe('with https = "redirect"', () => {
  const gateway = guarded('https = "redirect"');

  for (const method of ['GET', 'HEAD']) {
    test(`${method} in clear is sent to the same URL with https`, async () => {
      const answer = await gateway.speak(named('api.test:8787', method, '/open/a%20b?c=%zz&d'));
      assert.deepEqual([answer.status, answer.body], [308, '']);
      assert.deepEqual([answer.headers.location, answer.headers['cache-control']], ['https://api.test/open/a%20b?c=%zz&d', 'no-store']);
    });
  }

  test('a body that was sent in clear is refused and not sent again', async () => {
    assertProblem(await gateway.ask('/open/clear', { method: 'POST', body: 'secret' }), 403, 'https_required');
    assert.deepEqual(origin.of('/open/clear'), []);
  });

  test('the health paths answer in clear', async () => {
    assert.equal((await gateway.ask('/health/live')).status, 200);
  });
});

describe('with https = "refuse"', () => {
  const gateway = guarded('https = "refuse"');

  test('GET in clear is refused', async () => {
    assertProblem(await gateway.ask('/open/clear'), 403, 'https_required');
  });
});

describe('with methods', () => {
  const gateway = guarded('methods = ["GET", "POST"]');

  test('others are refused on known and on unknown paths', async () => {
    for (const target of ['/open/echo', '/nowhere']) {
      const answer = await gateway.ask(target, { method: 'DELETE' });
      assertProblem(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.allow, 'GET, HEAD, POST');
    }
  });

  test('those that are named are served', async () => {
    for (const method of ['GET', 'HEAD', 'POST']) assert.equal((await gateway.ask('/open/echo', { method })).status, 200);
  });
});
