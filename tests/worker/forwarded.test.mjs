// What an upstream is told of the client and the way, and a client of the upstream, on the built Worker: `forwarded`,
// `address_from`, `via`, `proxy_status`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { assertProblem } from './lib/problems.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const route = (name, keys, upstream = 'origin') => `
[routes."ANY /${name}/{rest...}"]
upstream = "${upstream}"
auth = "none"
${keys}
`;

const CONFIGURATION = `
[gateway]
name = "acme"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[upstreams.gone]
targets = ["\${REFUSING_URL}"]

[upstreams.slow]
targets = ["\${ORIGIN_URL}"]
timeout = "200ms"

# This gateway again.
[upstreams.self]
targets = ["\${SELF_URL:-http://127.0.0.1:1}"]
${route('default', '')}
${route('rfc', 'forwarded = "rfc7239"')}
${route('both', 'forwarded = { style = "both", from_client = "append" }')}
${route('off', 'forwarded = "off"')}
${route('raw', 'pass_through = true')}
${route('via', 'via = true\nproxy_status = true')}
${route('watched', 'via = true\nproxy_status = true\nobserve = "body"')}
${route('gone', '', 'gone')}
${route('quiet', 'proxy_status = false', 'gone')}
${route('slow', '', 'slow')}
${route('raw-gone', 'pass_through = true', 'gone')}
${route('limited', 'body_limit = "4B"')}
${route('loop', 'via = true', 'self')}
`;

const FIELDS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip', 'forwarded'];
const CLIENT = '2001:db8::7';
/** What a client may say of itself, all of it wrong. */
const LIES = ['x-forwarded-for: 10.6.6.6', 'x-forwarded-proto: gopher', 'x-forwarded-host: evil.test', 'x-forwarded-port: 1', 'x-forwarded-prefix: /evil', 'x-real-ip: 10.6.6.6', 'forwarded: for=10.6.6.6'];
const ADDRESS = `cf-connecting-ip: ${CLIENT}`;

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

/** The fields of FIELDS, and `via`, that the origin got. */
async function told(path, lines) {
  const answer = await speak(gateway.port, head('GET', `${path}/echo`, lines));
  const { fields } = JSON.parse(answer.body.toString());
  const named = fields.filter(([name]) => name === 'via' || FIELDS.includes(name));
  // Several lines of one name are one list (RFC 9110 section 5.2).
  return named.reduce((all, [name, value]) => ({ ...all, [name]: name in all ? `${all[name]}, ${value}` : value }), {});
}

describe('forwarded', () => {
  for (const lines of [[ADDRESS], [ADDRESS, ...LIES]]) {
    test(`the upstream is told what is true, with ${lines.length} lines of the client`, async () => {
      assert.deepEqual(await told('/default', lines), { 'x-forwarded-for': CLIENT, 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway.test' });
      assert.deepEqual(await told('/rfc', lines), { forwarded: `for="[${CLIENT}]";proto=http;host=gateway.test` });
    });
  }

  test('without an address nothing is said of it, whatever the client says', async () => {
    assert.deepEqual(await told('/default', LIES), { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway.test' });
    assert.deepEqual(await told('/default', ['cf-connecting-ip: nonsense', ...LIES]), { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway.test' });
    assert.deepEqual(await told('/rfc', LIES), { forwarded: 'for=unknown;proto=http;host=gateway.test' });
  });

  test('a counted body changes nothing about it', async () => {
    const answer = await speak(gateway.port, `${head('POST', '/default/echo', [ADDRESS, ...LIES, 'transfer-encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`);
    const { fields, body } = JSON.parse(answer.body.toString());
    assert.deepEqual([fields.filter(([name]) => FIELDS.includes(name)).length, body], [3, 'hello']);
  });

  test('Connection does not take away what the gateway says', async () => {
    const answer = await speak(gateway.port, `GET /default/echo HTTP/1.1\r\nhost: gateway.test\r\n${ADDRESS}\r\nconnection: x-forwarded-for, close\r\n\r\n`);
    assert.ok(JSON.parse(answer.body.toString()).fields.some(([name, value]) => name === 'x-forwarded-for' && value === CLIENT));
  });

  test('behind a trusted proxy the list goes on, and the client is named once', async () => {
    const forwarded = `for="[${CLIENT}]";proto=http;host=gateway.test`;
    const sent = [ADDRESS, 'x-forwarded-for: 192.0.2.1', 'x-forwarded-proto: https', 'forwarded: for=192.0.2.1'];
    assert.deepEqual(await told('/both', sent), { 'x-forwarded-for': `192.0.2.1, ${CLIENT}`, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'gateway.test', forwarded: `for=192.0.2.1, ${forwarded}` });
    const edge = [ADDRESS, 'x-forwarded-for: 192.0.2.1, 2001:DB8:0::7'];
    assert.equal((await told('/both', edge))['x-forwarded-for'], '192.0.2.1, 2001:DB8:0::7');
  });

  for (const path of ['/off', '/raw']) {
    test(`on ${path} everything goes on as it came`, async () => {
      const came = Object.fromEntries(LIES.map((line) => line.split(': ')));
      assert.deepEqual(await told(path, [ADDRESS, ...LIES]), came);
    });
  }
});

describe('via', () => {
  for (const path of ['/via', '/watched']) {
    test(`on ${path} the gateway names itself in both directions, behind whoever came before`, async () => {
      assert.equal((await told(path, ['via: 1.0 front'])).via, '1.0 front, 1.1 acme');
      assert.equal((await gateway.ask(`${path}/echo`)).headers.via, '1.1 acme');
    });
  }

  test('without the key nobody is named', async () => {
    assert.equal((await gateway.ask('/default/echo')).headers.via, undefined);
  });

  test('a request that goes round in circles ends with 508, and the origin is left alone', async (t) => {
    // The port is the runtime's choice, so a second gateway leads to the first and the first to the origin's echo of it.
    const ring = await startGateway({ origin, bin: compiled(CONFIGURATION), variables: { SELF_URL: `http://127.0.0.1:${gateway.port}` } });
    t.after(() => ring.stop());
    const passed = (count) => ring.ask('/loop/echo', { headers: { via: Array(count).fill('1.1 acme').join(', ') } });
    assertProblem(await passed(4), 508, 'loop_detected');
    assert.equal((await passed(4)).headers['proxy-status'], 'acme; error=proxy_loop_detected');
    // Three are let through here and become four on the other side.
    assertProblem(await passed(3), 508, 'loop_detected');
  });
});

describe('proxy_status', () => {
  for (const [path, status, error] of [
    ['/gone/x', 502, 'destination_unavailable'],
    ['/raw-gone/x', 502, 'destination_unavailable'],
    ['/default/reset-before-head', 502, 'destination_unavailable'],
    ['/slow/hang', 504, 'http_response_timeout'],
  ]) {
    test(`${path} says that it was the upstream`, async () => {
      const answer = await gateway.ask(path);
      assert.deepEqual([answer.status, answer.headers['proxy-status']], [status, `acme; error=${error}`]);
    });
  }

  test('a body that is too large is no failure of the upstream, nor is what it answers itself', async () => {
    for (const [path, options, status] of [['/limited/echo', { method: 'POST', body: 'hello' }, 413], ['/default/status/503', {}, 503], ['/quiet/x', {}, 502]]) {
      const answer = await gateway.ask(path, options);
      assert.deepEqual([answer.status, answer.headers['proxy-status']], [status, undefined], path);
    }
  });

  for (const path of ['/via', '/watched']) {
    test(`on ${path} every answer tells what the upstream said, by the name that it has here`, async () => {
      const answer = await gateway.ask(`${path}/status/404`);
      assert.deepEqual([answer.status, answer.headers['proxy-status']], [404, 'acme; received-status=404; next-hop=origin']);
    });
  }
});

test('the log line names the upstream and how long it took', async () => {
  for (const [path, upstream] of [['/default/echo', 'origin'], ['/gone/x', 'gone'], ['/watched/echo', 'origin']]) {
    const id = `log-${path.slice(1).replace('/', '-')}`;
    await gateway.ask(path, { headers: { 'x-request-id': id } });
    const line = await gateway.line(id);
    assert.equal(line.upstream, upstream);
    assert.ok(line.upstream_ms >= 0 && line.upstream_ms <= line.duration_ms, JSON.stringify(line));
  }
});

test('Expect goes no further than the gateway, which has met it', async () => {
  const answer = await gateway.ask('/default/echo', { method: 'POST', headers: { expect: '100-continue', 'content-length': 5 }, body: 'hello' });
  const { fields, body } = answer.json();
  assert.deepEqual([answer.status, body, fields.filter(([name]) => name === 'expect')], [200, 'hello', []]);
});
