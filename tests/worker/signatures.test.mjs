// Tokens with public keys: RS256 and ES256 keys are made here, and WebCrypto of the runtime checks what they have signed.
// On the faults build, whose entry counts how often it is asked and can make it wait.

import assert from 'node:assert/strict';
import { createHmac, webcrypto } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { connect, head } from './lib/client.mjs';
import { compiled } from './lib/compile.mjs';
import { startGateway } from './lib/gateway.mjs';
import { startOrigin } from './lib/origin.mjs';
import { eventually } from './lib/poll.mjs';
import { assertCareful, assertProblem } from './lib/problems.mjs';

const { subtle } = webcrypto;
const PAGE = 'https://app.test';
const KINDS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
};

/** An issuer's pair of keys. */
async function keyPair(alg, kid) {
  const { privateKey, publicKey } = await subtle.generateKey(KINDS[alg], true, ['sign', 'verify']);
  const jwk = { ...(await subtle.exportKey('jwk', publicKey)), kid, use: 'sig', alg };
  delete jwk.key_ops;
  delete jwk.ext;
  const der = Buffer.from(await subtle.exportKey('spki', publicKey)).toString('base64');
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----\n`;
  return { alg, kid, privateKey, jwk, pem };
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = (iss, claims) => ({ iss, aud: 'api', sub: 'u-7', exp: Math.floor(Date.now() / 1000) + 600, ...claims });
let tokens = 0;

/** `Authorization` with a token that a key has signed; no two of them are the same. */
async function bearer(key, iss, claims = {}, header = { kid: key.kid }) {
  const signed = `${part({ alg: key.alg, ...header })}.${part(claimsOf(iss, { jti: String(tokens++), ...claims }))}`;
  const signature = await subtle.sign(KINDS[key.alg], key.privateKey, Buffer.from(signed));
  return `Bearer ${signed}.${Buffer.from(signature).toString('base64url')}`;
}

const issuer = (name, alg, keys) => `
[issuers.${name}]
algorithm = "${alg}"
issuer = "${name}"
audience = "api"
keys = [${keys}]

[routes."ANY /${name}/{rest...}"]
upstream = "origin"
auth = "${name}"
cors = { origins = ["${PAGE}"] }
request_headers = { set = { "x-user-id" = "{claims.sub}" } }
`;

const CONFIGURATION = `
[gateway]
name = "signatures"

[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
${issuer('rsa', 'RS256', '"${RSA_JWKS}"')}
${issuer('ec', 'ES256', '"${EC_JWK}", { kid = "pem", pem = "${EC_PEM}" }')}
${issuer('unnamed', 'ES256', '"${FIRST_PEM}", "${SECOND_PEM}"')}
[routes."GET /all/{rest...}"]
upstream = "origin"
auth = { issuers = ["rsa", "ec", "unnamed"], optional = true }
request_headers = { set = { "x-user-id" = "{claims.sub}" } }
`;

let origin;
let keys;
let bin;
let variables;

before(async () => {
  origin = await startOrigin();
  const made = { rsa: ['RS256', '1'], rsaNew: ['RS256', '2'], rsaOther: ['RS256', '1'], ec: ['ES256', 'jwk'], ecPem: ['ES256', 'pem'], ecOther: ['ES256', 'jwk'], first: ['ES256'], second: ['ES256'] };
  const pairs = Object.entries(made).map(async ([name, [alg, kid]]) => [name, await keyPair(alg, kid)]);
  keys = Object.fromEntries(await Promise.all(pairs));
  bin = compiled(CONFIGURATION);
  // A set as issuers publish it: what is for other purposes stands there too.
  const set = { keys: [keys.rsa.jwk, keys.rsaNew.jwk, { ...keys.rsaOther.jwk, kid: '3', use: 'enc' }, keys.ec.jwk] };
  variables = { RSA_JWKS: JSON.stringify(set), EC_JWK: JSON.stringify(keys.ec.jwk), EC_PEM: keys.ecPem.pem, FIRST_PEM: keys.first.pem, SECOND_PEM: keys.second.pem };
});

after(() => origin?.stop());

const start = () => startGateway({ origin, build: 'faults', bin, variables });

/** How often the platform was asked since the last time; from now on each answer takes so long. */
async function asked(gateway, holdMs = 0) {
  const { verified, imported } = (await gateway.ask(`/__ferrogate/signatures?hold=${holdMs}`)).json();
  return { verified, imported };
}

const user = (answer) => answer.json().fields.find(([name]) => name === 'x-user-id')?.[1];

describe('signatures', () => {
  let gateway;
  before(async () => {
    gateway = await start();
  });
  after(() => gateway?.stop());

  const get = (path, authorization, headers = {}) => gateway.ask(path, { headers: { ...(authorization && { authorization }), ...headers } });

  async function refused(path, authorization) {
    const answer = await get(path, authorization, { origin: PAGE });
    assertProblem(answer, 401, 'token_invalid');
    assert.equal(answer.headers['access-control-allow-origin'], PAGE);
    assert.match(answer.headers['www-authenticate'], /^Bearer realm="signatures", error="invalid_token", error_description="[^"\\]+"$/);
    assertCareful(answer);
  }

  for (const [path, name] of [['rsa', 'rsa'], ['rsa', 'rsaNew'], ['ec', 'ec'], ['ec', 'ecPem']]) {
    test(`a token of /${path} that the key ${name} has signed is believed, and checked once`, async () => {
      const token = await bearer(keys[name], path);
      await asked(gateway);
      for (let times = 0; times < 3; times++) {
        const answer = await get(`/${path}/echo`, token);
        assert.deepEqual([answer.status, user(answer)], [200, 'u-7']);
      }
      assert.equal((await asked(gateway)).verified, 1);
    });
  }

  test('a key is imported once for all tokens', async () => {
    assert.equal((await get('/rsa/echo', await bearer(keys.rsa, 'rsa'))).status, 200);
    await asked(gateway);
    for (let times = 0; times < 3; times++) assert.equal((await get('/rsa/echo', await bearer(keys.rsa, 'rsa'))).status, 200);
    assert.deepEqual(await asked(gateway), { verified: 3, imported: 0 });
  });

  test('keys without a name are tried in turn, whatever the token calls its own', async () => {
    for (const [name, tries] of [['first', 1], ['second', 2]]) {
      for (const header of [{}, { kid: 'anything' }]) {
        await asked(gateway);
        assert.equal((await get('/unnamed/echo', await bearer(keys[name], 'unnamed', {}, header))).status, 200);
        assert.equal((await asked(gateway)).verified, tries);
      }
    }
  });

  test('a request with a body keeps it while its token is checked', async () => {
    const answer = await gateway.ask('/ec/echo', { method: 'POST', body: 'kept', headers: { authorization: await bearer(keys.ec, 'ec') } });
    assert.deepEqual([answer.status, answer.json().body], [200, 'kept']);
  });

  test('another key with the same name is refused', async () => {
    await refused('/rsa/echo', await bearer(keys.rsaOther, 'rsa'));
    await refused('/ec/echo', await bearer(keys.ecOther, 'ec'));
    await refused('/unnamed/echo', await bearer(keys.ec, 'unnamed'));
  });

  test('a name that no key has is refused without asking the platform', async () => {
    await asked(gateway);
    await refused('/rsa/echo', await bearer(keys.rsa, 'rsa', {}, { kid: '9' }));
    await refused('/rsa/echo', await bearer(keys.rsa, 'rsa', {}, { kid: '3' }));
    assert.equal((await asked(gateway)).verified, 0);
  });

  test('another algorithm is refused without asking the platform', async () => {
    await asked(gateway);
    await refused('/rsa/echo', await bearer(keys.ec, 'rsa', {}, { kid: '1' }));
    await refused('/ec/echo', await bearer(keys.rsa, 'ec', {}, { kid: 'jwk' }));
    await refused('/rsa/echo', await bearer(keys.rsa, 'rsa', {}, { kid: '1', alg: 'RS512' }));
    await refused('/rsa/echo', await bearer(keys.rsa, 'rsa', {}, { kid: '1', alg: 'none' }));
    assert.equal((await asked(gateway)).verified, 0);
  });

  test('a MAC that was made with the public key is refused', async () => {
    for (const secret of [keys.ecPem.pem, keys.ecPem.pem.trim(), JSON.stringify(keys.ec.jwk), keys.ec.jwk.x]) {
      const signed = `${part({ alg: 'HS256', kid: 'pem' })}.${part(claimsOf('ec'))}`;
      await refused('/ec/echo', `Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
    }
  });

  test('a changed claim and a changed signature are refused', async () => {
    const token = await bearer(keys.ec, 'ec');
    const [header, payload, signature] = token.slice('Bearer '.length).split('.');
    await refused('/ec/echo', `Bearer ${header}.${part(claimsOf('ec', { sub: 'admin' }))}.${signature}`);
    const first = signature.startsWith('A') ? 'B' : 'A';
    await refused('/ec/echo', `Bearer ${header}.${payload}.${first}${signature.slice(1)}`);
    await refused('/ec/echo', `Bearer ${header}.${payload}.${'A'.repeat(86)}`);
    await refused('/ec/echo', `Bearer ${header}.${payload}.${'_'.repeat(85)}w`);
  });

  test('claims count only behind the signature, and are checked then', async () => {
    await refused('/rsa/echo', await bearer(keys.rsa, 'ec'));
    await refused('/rsa/echo', await bearer(keys.rsa, 'rsa', { aud: 'other' }));
    assertProblem(await get('/rsa/echo', await bearer(keys.rsa, 'rsa', { exp: 1 })), 401, 'token_expired');
    await refused('/rsa/echo', await bearer(keys.rsaOther, 'rsa', { exp: 1 }));
  });

  test('of several issuers the token names its own, and may be left out', async () => {
    for (const [name, iss] of [['rsa', 'rsa'], ['ecPem', 'ec'], ['second', 'unnamed']]) assert.equal(user(await get('/all/echo', await bearer(keys[name], iss))), 'u-7');
    assert.deepEqual([(await get('/all/echo')).status, user(await get('/all/echo', undefined, { 'x-user-id': 'root' }))], [200, undefined]);
    assertProblem(await get('/all/echo', await bearer(keys.rsa, 'ec', {}, { kid: 'jwk' })), 401, 'token_invalid');
    assertProblem(await get('/all/echo', await bearer(keys.rsa, 'nobody')), 401, 'token_invalid');
  });

  test('tokens that are new together are all believed', async () => {
    const many = await Promise.all(Array.from({ length: 20 }, (_, at) => bearer(at % 2 ? keys.rsaNew : keys.rsa, 'rsa')));
    const answers = await Promise.all(many.map((token) => get('/rsa/echo', token)));
    assert.deepEqual(answers.map(({ status }) => status), many.map(() => 200));
  });
});

/** A test with a gateway of its own, whose platform takes its time. */
function slowTest(name, run) {
  test(name, async (t) => {
    const gateway = await start();
    t.after(() => gateway.stop());
    await asked(gateway, 1500);
    await run(gateway);
  });
}

slowTest('a client that leaves while its token is checked costs nothing but its slot, and that not for long', async (gateway) => {
  const socket = await connect(gateway.port);
  socket.write(head('GET', '/ec/echo/left', [`authorization: ${await bearer(keys.ec, 'ec')}`]));
  await eventually(async () => (await gateway.memory()).slots === 1);
  socket.resetAndDestroy();
  await asked(gateway);
  assert.equal((await gateway.ask('/ec/echo', { headers: { authorization: await bearer(keys.ec, 'ec') } })).status, 200);
  // Slots are swept by later requests, six seconds after the check began.
  const swept = async () => (await gateway.ask('/all/echo')).status === 200 && (await gateway.memory()).slots === 0;
  await eventually(swept, () => 'the slot is still taken', 12_000);
  assert.deepEqual(origin.of('/ec/echo/left'), []);
});

slowTest('a trap in another request while a token is checked means 500, and the next one is believed', async (gateway) => {
  const out = gateway.ask('/ec/echo/dead', { headers: { authorization: await bearer(keys.ec, 'ec'), 'x-request-id': 'dead' } });
  await eventually(async () => (await gateway.memory()).slots === 1);
  assertProblem(await gateway.ask('/all/echo?fault=trap-begin'), 500, 'internal');
  assertProblem(await out, 500, 'internal', 'dead');
  assert.deepEqual(origin.of('/ec/echo/dead'), []);
  assert.equal((await gateway.linesOf('dead')).length, 1);
  await asked(gateway);
  assert.equal((await gateway.ask('/ec/echo', { headers: { authorization: await bearer(keys.ec, 'ec') } })).status, 200);
  assert.equal((await asked(gateway)).imported, 1, 'the new instance has imported its key anew');
});

test('a trap behind the check means 500, and the next one is believed', async (t) => {
  const gateway = await start();
  t.after(() => gateway.stop());
  const authorization = await bearer(keys.rsa, 'rsa');
  assertProblem(await gateway.ask('/rsa/echo?fault=trap-token', { headers: { authorization } }), 500, 'internal');
  assert.equal((await gateway.ask('/rsa/echo', { headers: { authorization } })).status, 200);
});

for (const [what, change] of [
  ['a key that is too short', async () => ({ RSA_JWKS: JSON.stringify({ ...keys.rsa.jwk, n: keys.rsa.jwk.n.slice(0, 172) }) })],
  ['a key of another kind', async () => ({ RSA_JWKS: JSON.stringify(keys.ec.jwk) })],
  ['a private key', async () => ({ EC_JWK: JSON.stringify(await subtle.exportKey('jwk', keys.ec.privateKey)) })],
  ['no key', async () => ({ FIRST_PEM: '' })],
]) {
  test(`${what} means 503 for every request, and the log names the issuer and no key`, async (t) => {
    const changed = await change();
    const gateway = await startGateway({ origin, build: 'faults', bin, variables: { ...variables, ...changed } });
    t.after(() => gateway.stop());
    assertProblem(await gateway.ask('/all/echo'), 503, 'cannot_start');
    const [{ reason }] = await gateway.reported('cannot start');
    assert.match(reason, /issuer `(rsa|ec|unnamed)`/);
    assert.ok(!gateway.output.includes('"d"') && !gateway.output.includes(keys.ec.jwk.x));
  });
}
