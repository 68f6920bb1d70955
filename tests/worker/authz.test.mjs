// Who may do what, and how the upstream learns who asks, in workerd: roles, conditions, and headers that no client gets
// through, however it spells them and on whatever route.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { assertProblem } from './lib/problems.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const CONFIGURATION = `
[gateway]
name = "authz"
principal_headers = { x-user-id = "{claims.sub}", x-org = "{claims.org.names}" }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
roles = "realm.roles"

[roles]
viewer = []
engineer = ["viewer"]
exec = ["engineer"]

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]

[routes."GET,POST /mine/{rest...}"]
upstream = "origin"
auth = "main"

[routes."GET /roles/{rest...}"]
upstream = "origin"
auth = "main"
scopes = ["things:read"]
roles = ["engineer"]

[routes."GET /tenants/{tenant}/{rest...}"]
upstream = "origin"
auth = "main"
condition = "claims.tenant == path.tenant && !(claims.plan == 'free')"

[routes."GET,POST /open/{rest...}"]
upstream = "origin"
auth = "none"

[routes."GET,POST /raw/{rest...}"]
upstream = "origin"
auth = "none"
body_limit = false
pass_through = true
`;

/** What a client might say to be somebody else: upstreams in the style of CGI take all of these for X-User-Id or X-Org. */
const FORGED = ['X-User-Id: root', 'x-user-id: again', 'x_user_id: root', 'X_User-Id: root', 'x-user_id: root', 'X-ORG: root', 'x_org: root'];

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION) }), (both) => ({ origin, gateway } = both));

const bearer = (claims) => ({ headers: { authorization: `Bearer ${token(claims)}` } });

/** The fields that reached the origin and that an upstream may take for one of ours. */
function told(answer) {
  assert.equal(answer.status, 200);
  const { fields } = JSON.parse(answer.body.toString());
  return fields.filter(([name]) => /^x[-_](user[-_]id|org)$/i.test(name));
}

describe('roles', () => {
  for (const roles of [['engineer'], ['x', 'exec'], 'viewer exec']) {
    test(`${JSON.stringify(roles)} may do what an engineer may`, async () => {
      assert.equal((await gateway.ask('/roles/echo', bearer({ realm: { roles } }))).status, 200);
    });
  }

  for (const claims of [{ realm: { roles: ['viewer'] } }, { realm: 'exec' }, { roles: ['exec'] }, {}]) {
    test(`${JSON.stringify(claims)} may not`, async () => {
      const answer = await gateway.ask('/roles/echo', bearer(claims));
      assertProblem(answer, 403, 'role_missing');
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="authz", error="insufficient_scope"');
    });
  }

  test('no token is 401, and a missing scope comes before a missing role', async () => {
    assertProblem(await gateway.ask('/roles/echo'), 401, 'token_missing');
    assertProblem(await gateway.ask('/roles/echo', bearer({ scope: 'other' })), 403, 'scope_missing');
  });
});

describe('conditions', () => {
  test('a caller reaches what the condition says', async () => {
    assert.equal((await gateway.ask('/tenants/acme/echo?x=y', bearer({ tenant: 'acme', plan: 'paid' }))).status, 200);
  });

  for (const [path, claims] of [
    ['/tenants/other/echo', { tenant: 'acme', plan: 'paid' }],
    ['/tenants/acme/echo', { tenant: 'acme', plan: 'free' }],
    ['/tenants/acme/echo', { tenant: 'acme' }],
    ['/tenants/acme/echo', { tenant: ['acme'], plan: 'paid' }],
    ['/tenants/a%40b/echo', { tenant: 'a@b', plan: 'paid' }],
    ['/tenants/acme;x=1/echo', { tenant: 'acme;x=1', plan: 'paid' }],
  ]) {
    test(`${path} is refused to ${JSON.stringify(claims)}`, async () => {
      const answer = await gateway.ask(path, bearer(claims));
      assertProblem(answer, 403, 'condition_failed');
      assert.ok(!answer.body.includes('acme') || path.includes('acme'), answer.body);
      assert.ok(!answer.body.includes('claims'), answer.body);
    });
  }
});

describe('principal headers', () => {
  test('the upstream is told who asks, whatever the client says', async () => {
    const lines = [`authorization: Bearer ${token({ org: { names: ['a', 'b'] } })}`, ...FORGED];
    const answer = await speak(gateway.port, head('GET', '/mine/echo', lines));
    assert.deepEqual(told(answer).sort(), [['x-org', 'a b'], ['x-user-id', 'u-1']]);
  });

  test('Connection does not take them away', async () => {
    const lines = [`authorization: Bearer ${token()}`, 'connection: x-user-id, x-org'];
    const answer = await speak(gateway.port, `GET /mine/echo HTTP/1.1\r\nhost: a\r\n${lines.join('\r\n')}\r\n\r\n`);
    assert.deepEqual(told(answer), [['x-user-id', 'u-1']]);
  });

  test('what cannot be filled is not there', async () => {
    const lines = [`authorization: Bearer ${token({ sub: 'a\r\nx-admin: 1', org: { names: ['a b'] } })}`, ...FORGED];
    assert.deepEqual(told(await speak(gateway.port, head('GET', '/mine/echo', lines))), []);
  });

  for (const path of ['/open', '/raw']) {
    test(`no client gets one through ${path}`, async () => {
      assert.deepEqual(told(await speak(gateway.port, head('GET', `${path}/echo`, FORGED))), []);
    });

    test(`no client gets one through ${path} with a counted body`, async () => {
      const request = `${head('POST', `${path}/echo`, [...FORGED, 'transfer-encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`;
      const answer = await speak(gateway.port, request);
      assert.deepEqual(told(answer), []);
      assert.equal(JSON.parse(answer.body.toString()).body, 'hello');
    });

    test(`no client gets one through ${path} with a GET that has a body`, async () => {
      const answer = await speak(gateway.port, `${head('GET', `${path}/echo`, [...FORGED, 'content-length: 5'])}hello`);
      assert.deepEqual(told(answer), []);
    });
  }

  test('the rest of a pass-through request and its answer stay as they are', async () => {
    const answer = await gateway.ask('/raw/echo', { headers: { 'x-mine': 'kept', cookie: 'a=1', 'x-user-id': 'root' } });
    const { fields } = answer.json();
    const value = (name) => fields.find(([known]) => known === name)?.[1];
    assert.deepEqual([value('x-mine'), value('cookie'), value('x-request-id')], ['kept', 'a=1', undefined]);
    assert.deepEqual([answer.headers['x-frame-options'], answer.headers['x-request-id']], ['ALLOWALL', 'the-origin']);
  });
});
