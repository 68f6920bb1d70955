// Whole exchanges on a gateway with every stage switched on: what the client got, byte for byte in order of names, what
// arrived at the origin, and the log line, against snapshots/walk.txt. What each stage does stands in the other files;
// this one shows that nothing changes beside it unseen. `UPDATE_SNAPSHOTS=1` writes the file anew.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { head, speak } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { token } from './lib/tokens.mjs';
import { withGateway } from './lib/with-gateway.mjs';

const FILE = new URL('snapshots/walk.txt', import.meta.url);

const CONFIGURATION = `
[gateway]
name = "walk"
hosts = ["gateway.test", "*.gateway.test"]
trace = "continue"
trace_headers = true
server_timing = true
forwarded = "both"
via = true
proxy_status = true
explain = { secret = "\${JWT_SECRET}" }
drain = "\${DRAIN:-off}"

[versions]
by = ["path", "accept", "header"]
default = "v1"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"

[roles]
editor = []
admin = "editor"

[upstreams.shop]
targets = ["\${ORIGIN_URL}"]
timeout = "400ms"
credentials = { bearer = "\${SHOP_TOKEN}" }

[upstreams.gone]
targets = ["\${REFUSING_URL}"]

[policies.browser]
cors = { origins = ["https://app.test", "https://*.acme.test"], methods = ["GET", "PUT"], headers = ["authorization"], expose = ["x-request-id"], max_age = "1h", credentials = true }

[policies.customer]
auth = "main"
scopes = ["items:write"]
condition = "claims.tenant == path.tenant"
principal_headers = { x-user-id = "{claims.sub}" }

[routes."PUT /{tenant}/items/{id}"]
upstream = "shop"
use = ["browser", "customer"]
roles = ["editor"]
body_limit = "32B"
rewrite = "/shop/echo/{tenant}/{id}"
request_query = { remove = ["debug"], set = { by = "{claims.sub}" } }
request_headers = { remove = ["authorization"], set = { x-item = "{path.id}" } }
response_headers = { remove = ["server"], set = { x-served-for = "{claims.sub}" } }

[routes."GET /pages/{rest...}"]
upstream = "shop"
auth = "none"
rewrite = "/open/{rest}"
status_map = { 404 = 410 }
security_headers = "web"

[routes."GET /raw/{rest...}"]
upstream = "shop"
auth = "none"
pass_through = true

[routes."GET /closed"]
upstream = "shop"
auth = "none"
maintenance = { retry_after = "2m" }

[routes."GET /gone"]
upstream = "gone"
auth = "none"

[routes."GET /old"]
redirect = "/open/new"
auth = "none"

[routes."GET /v1/prices"]
respond = { status = 200, body = "old prices", content_type = "text/plain" }
auth = "none"
version = "v1"
deprecation = { since = "2026-06-01", sunset = "2036-12-31", guide = "https://acme.test/v2" }

[routes."GET /v2/prices"]
respond = { status = 200, content_type = "application/json", body = '{"price":2}' }
auth = "none"
version = "v2"

[[routes."GET /rates"]]
respond = { status = 200, body = "old rates" }
auth = "none"
version = "v1"

[[routes."GET /rates"]]
respond = { status = 200, body = "new rates" }
auth = "none"
version = "v2"

[routes."GET /v0/prices"]
upstream = "shop"
auth = "none"
version = "v0"
deprecation = { since = "2020-01-01", sunset = "2021-01-01" }

[well_known]
robots = "User-agent: *\\nDisallow: /\\n"
index = { docs = "https://docs.acme.test" }
`;

const SHOP_TOKEN = 'what the shop asks of the gateway';
const GOOD = token({ scope: 'items:write', tenant: 'acme', roles: ['admin'] });
const as = (claims) => `authorization: Bearer ${token({ scope: 'items:write', tenant: 'acme', roles: ['admin'], ...claims })}`;
const PAGE = 'origin: https://app.test';
const PARENT = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Title, request line, header lines, body. */
const EXCHANGES = [
  ['allowed', 'PUT /acme/items/7?a=1&debug=2', [PAGE, `authorization: Bearer ${GOOD}`, PARENT, 'tracestate: a=1', 'baggage: user=1', 'x-user-id: forged', 'x-forwarded-for: 1.2.3.4', 'connection: x-hop', 'x-hop: 1', 'content-type: text/plain'], 'hello'],
  ['no token', 'PUT /acme/items/7', [PAGE]],
  ['no token, for a reader of text', 'PUT /acme/items/7', ['accept: text/plain']],
  ['a token nobody signed', 'PUT /acme/items/7', ['authorization: Bearer a.b.c']],
  ['a token that is over', 'PUT /acme/items/7', [as({ exp: 1_000_000_000 })]],
  ['a scope is missing', 'PUT /acme/items/7', [as({ scope: 'other' })]],
  ['a role is missing', 'PUT /acme/items/7', [as({ roles: ['guest'] })]],
  ['another tenant', 'PUT /globex/items/7', [PAGE, as({})]],
  ['a body that is too large', 'PUT /acme/items/7', [as({})], 'x'.repeat(33)],
  ['a preflight', 'OPTIONS /acme/items/7', [PAGE, 'access-control-request-method: PUT', 'access-control-request-headers: authorization']],
  ['a preflight of another page', 'OPTIONS /acme/items/7', ['origin: https://evil.test', 'access-control-request-method: PUT']],
  ['a preflight for another method', 'OPTIONS /acme/items/7', ['origin: https://shop.acme.test', 'access-control-request-method: DELETE']],
  ['options', 'OPTIONS /pages/a', []],
  ['relayed', 'GET /pages/cookies', []],
  ['relayed, another status', 'GET /pages/status/404', []],
  ['not modified', 'GET /pages/status/304', ['if-none-match: "7"']],
  ['head only', 'HEAD /pages/echo', []],
  ['untouched', 'GET /raw/echo?a=%20b', [PARENT]],
  ['nobody answers', 'GET /gone', []],
  ['no answer in time', 'GET /pages/hang', []],
  ['closed', 'GET /closed', []],
  ['moved', 'GET /old', []],
  ['an old version', 'GET /v1/prices', []],
  ['a version by Accept', 'GET /rates', ['accept: text/plain;version=v2']],
  ['a version by header', 'GET /rates', ['x-api-version: v2']],
  ['no version', 'GET /rates', []],
  ['a new version', 'GET /v2/prices', []],
  ['a version that is gone', 'GET /v0/prices', []],
  ['a version that never was', 'GET /v9/prices', []],
  ['no route', 'GET /nothing', [PAGE]],
  ['another method', 'POST /pages/a', []],
  ['a path of two meanings', 'GET /pages/%2e%2e/a', []],
  ['another host', 'GET /pages/echo', [], undefined, 'evil.test'],
  ['robots', 'GET /robots.txt', []],
  ['the index', 'GET /', []],
  ['alive', 'GET /health/live', []],
];

let origin;
let gateway;

withGateway(() => ({ bin: compiled(CONFIGURATION), variables: { SHOP_TOKEN } }), (both) => ({ origin, gateway } = both));

test('every whole exchange is as it was', async () => {
  const told = [];
  for (const [at, exchange] of EXCHANGES.entries()) told.push(await tell(`walk-${at}`, exchange));
  const text = `${told.join('\n\n')}\n`;
  if (process.env.UPDATE_SNAPSHOTS === '1') fs.writeFileSync(FILE, text);
  assert.equal(text, fs.readFileSync(FILE, 'utf8'));
});

async function tell(id, [title, request, lines, body, host = 'gateway.test']) {
  const before = origin.seen.length;
  const [method, target] = request.split(' ');
  const length = body === undefined ? [] : [`content-length: ${body.length}`];
  const answer = await speak(gateway.port, head(method, target, [`x-request-id: ${id}`, ...length, ...lines]).replace('host: gateway.test', `host: ${host}`) + (body ?? ''));
  const line = await gateway.line(id);
  const arrived = origin.seen.slice(before).map((call) => block('arrived', `${call.method} ${call.url}`, call.fields));
  const client = block('client', request, fieldsOf(lines));
  return steady([`=== ${title}`, client, ...arrived, `${block('answer', String(answer.status), answer.fields)}${bodyOf(answer)}`, `log: ${JSON.stringify(line)}`].join('\n'));
}

function block(title, first, fields) {
  const lines = fields.map(([name, value]) => `  ${name}: ${value}`).sort();
  return [`${title}: ${first}`, ...lines].join('\n');
}

function fieldsOf(lines) {
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
}

/** What the origin echoes stands under `arrived` already. */
function bodyOf(answer) {
  const body = answer.body.toString();
  if (body.startsWith('{"method":')) return '\n  (what arrived)';
  return body === '' ? '' : `\n  ${body.replaceAll('\n', '\n  ').trimEnd()}`;
}

/** Without what is different each time: times, ids that the gateway makes, ports, tokens. */
function steady(text) {
  return text
    .replace(/(?<=dur=)[\d.]+/g, '<ms>')
    .replace(/(?<="timestamp":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replace(/("(?:duration|upstream)_ms":)\d+/g, '$1"<ms>"')
    .replace(/\n {2}date: [^\n]+/g, '')
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>')
    .replace(/127\.0\.0\.1:\d+/g, '<origin>')
    .replace(/(?<=00-[0-9a-f]{32}-)(?!b7ad6b7169203331)[0-9a-f]{16}/g, '<span>')
    .replace(/(?<="span_id":")[0-9a-f]{16}/g, '<span>')
    .replace(/(?<=x-span-id: )[0-9a-f]{16}/g, '<span>')
    .replace(/(?!0af7651916cd43dd8448eb211c80319c)\b[0-9a-f]{32}\b/g, '<trace>');
}
