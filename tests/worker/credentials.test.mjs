// What proves to an upstream that a request comes from the gateway: it replaces what a client sends under the same
// name, on every kind of route, and stands in no answer, no problem and no log line.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';

const SECRETS = { TOKEN: 'bearer-secret-1', PASSWORD: 'basic:secret-2', KEY: 'header-secret-3' };
const ENCODED = Buffer.from(`gateway:${SECRETS.PASSWORD}`).toString('base64');
/** What must not be seen outside of the request to the upstream. */
const TELLTALES = [...Object.values(SECRETS), ENCODED];

const UPSTREAMS = {
  bearer: 'bearer = "${TOKEN}"',
  basic: 'user = "${USER:-gateway}", password = "${PASSWORD}"',
  header: 'header = "x-key", value = "${KEY}"',
};
const SENT = {
  bearer: ['authorization', `Bearer ${SECRETS.TOKEN}`],
  basic: ['authorization', `Basic ${ENCODED}`],
  header: ['x-key', SECRETS.KEY],
};

const upstream = ([name, credentials]) => `
[upstreams.${name}]
targets = ["\${ORIGIN_URL}"]
timeout = "200ms"
credentials = { ${credentials} }

[upstreams.${name}_refusing]
targets = ["\${REFUSING_URL}"]
credentials = { ${credentials} }

[routes."ANY /${name}-open/{rest...}"]
upstream = "${name}"
auth = "none"
request_headers = { set = { "x-key" = "of-the-route" } }

[routes."ANY /${name}-raw/{rest...}"]
upstream = "${name}"
auth = "none"
pass_through = true

[routes."ANY /${name}-mine/{rest...}"]
upstream = "${name}"
auth = "main"
request_headers = { remove = ["authorization", "x-key"], set = { "x-user-id" = "{claims.sub}" } }

[routes."ANY /${name}-refusing/{rest...}"]
upstream = "${name}_refusing"
auth = "none"
`;

const CONFIGURATION = `
[gateway]
name = "credentials"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
${Object.entries(UPSTREAMS).map(upstream).join('')}
`;

let origin;
let bin;

before(async () => {
  origin = await startOrigin();
  bin = compiled(CONFIGURATION);
});

after(() => origin?.stop());

const values = (fields, name) => fields.filter(([known]) => known === name).map(([, value]) => value);

describe('credentials', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ origin, bin, variables: SECRETS });
  });
  after(() => gateway?.stop());

  for (const [name, [header, value]] of Object.entries(SENT)) {
    for (const kind of ['open', 'raw', 'mine']) {
      const own = kind === 'mine' ? `Bearer ${token()}` : 'Bearer of-the-client';

      test(`on /${name}-${kind} they replace what the client sends`, async () => {
        const lines = [`authorization: ${own}`, 'x-key: of-the-client', 'x-key: again'];
        const answer = await speak(gateway.port, head('GET', `/${name}-${kind}/echo`, lines));
        const { fields } = JSON.parse(answer.body.toString());
        assert.deepEqual([answer.status, values(fields, header)], [200, [value]]);
      });

      test(`on /${name}-${kind} Connection does not take them away`, async () => {
        const lines = [`authorization: ${own}`, 'connection: authorization, x-key, x-user-id'];
        const answer = await speak(gateway.port, `GET /${name}-${kind}/echo HTTP/1.1\r\nhost: a\r\n${lines.join('\r\n')}\r\n\r\n`);
        assert.deepEqual(values(JSON.parse(answer.body.toString()).fields, header), [value]);
      });

      test(`on /${name}-${kind} they go with a counted body`, async () => {
        const lines = [`authorization: ${own}`, 'transfer-encoding: chunked'];
        const answer = await speak(gateway.port, `${head('POST', `/${name}-${kind}/echo`, lines)}5\r\nhello\r\n0\r\n\r\n`);
        const { fields, body } = JSON.parse(answer.body.toString());
        assert.deepEqual([values(fields, header), body], [[value], 'hello']);
      });
    }

    test(`${name}: the rest of a pass-through request stays as it is`, async () => {
      const answer = await gateway.ask(`/${name}-raw/echo`, { headers: { 'x-mine': 'kept', cookie: 'a=1' } });
      const { fields } = answer.json();
      assert.deepEqual([values(fields, 'x-mine'), values(fields, 'cookie'), values(fields, 'x-request-id')], [['kept'], ['a=1'], []]);
      assert.deepEqual([answer.headers['x-frame-options'], answer.headers['x-request-id']], ['ALLOWALL', 'the-origin']);
    });

    test(`${name}: they stand in no answer and no problem`, async () => {
      for (const [path, status] of [[`/${name}-refusing/echo`, 502], [`/${name}-open/hang`, 504], [`/${name}-raw/reset-before-head`, 502], [`/${name}-mine/echo`, 401], [`/${name}-open/status/204`, 204], [`/${name}-raw/redirect`, 302]]) {
        const answer = await gateway.ask(path);
        assert.equal(answer.status, status, path);
        const text = JSON.stringify(answer.headers) + answer.body;
        for (const secret of TELLTALES) assert.ok(!text.includes(secret), path);
      }
    });
  }

  test('they stand in no log line', async () => {
    await gateway.linesOf('none');
    for (const secret of TELLTALES) assert.ok(!gateway.output.includes(secret));
  });
});

for (const [what, variables, upstreamName] of [
  ['an empty token', { TOKEN: '' }, 'bearer'],
  ['a token with a line break', { TOKEN: 'a\r\nx-evil: 1' }, 'bearer'],
  ['a value beyond ASCII', { KEY: 'sch\u00f6n' }, 'header'],
  ['an empty value', { KEY: '' }, 'header'],
  ['an empty password', { PASSWORD: '' }, 'basic'],
  ['a user with a colon', { USER: 'a:b' }, 'basic'],
]) {
  test(`${what} is no credential: 503, and the log names the upstream`, async (t) => {
    const all = { ...SECRETS, ...variables };
    const gateway = await startGateway({ origin, bin, variables: all });
    t.after(() => gateway.stop());
    assertProblem(await gateway.ask('/bearer-open/echo'), 503, 'cannot_start');
    const [{ reason }] = await gateway.reported('cannot start');
    assert.match(reason, new RegExp(`\`${upstreamName}(_refusing)?\``));
    for (const secret of Object.values(all).filter((value) => value.length > 1)) assert.ok(!gateway.output.includes(secret));
  });
}

test('a token that is not set means 503, and the log names its variable', async (t) => {
  const gateway = await startGateway({ origin, bin, variables: { ...SECRETS, TOKEN: undefined } });
  t.after(() => gateway.stop());
  assertProblem(await gateway.ask('/bearer-open/echo'), 503, 'cannot_start');
  assert.match((await gateway.reported('cannot start'))[0].reason, /TOKEN/);
});
