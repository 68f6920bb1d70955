// Many requests, clients that leave, and what only a deployed gateway has: TLS, HTTP/2, Cloudflare in front.

import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { ask } from './client.mjs';
import { expect, expectField, expectHeader, expectServed, expectStatus, needs, skip } from './expect.mjs';

const TOGETHER = 50;
/** Cloudflare leaves smaller answers as they are; this is well above. */
const COMPRESSED_FROM = 256;
const PORTS = { 'http:': 80, 'https:': 443 };

function secure(check) {
  return (target) => (target.secure ? check(target) : skip('this URL has no TLS'));
}

/** Cloudflare's edge marks each answer. */
function onEdge(check) {
  return async (target) => {
    const { headers } = await target.ask('/health/live');
    return headers['cf-ray'] === undefined && headers.server !== 'cloudflare' ? skip('there is no Cloudflare in front') : check(target);
  };
}

/** What a TLS connection agrees upon; the connection is closed at once. */
function handshake({ url, host }, options) {
  return new Promise((resolve, reject) => {
    const servername = host?.split(':')[0] ?? url.hostname;
    const socket = tls.connect({ host: url.hostname, port: Number(url.port || 443), servername, timeout: 5000, ...options });
    socket.once('secureConnect', () => {
      resolve({ protocol: socket.alpnProtocol, version: socket.getProtocol() });
      socket.destroy();
    });
    socket.once('error', reject).once('timeout', () => socket.destroy(new Error('no handshake within 5 s')));
  });
}

/** Sends a request and leaves as soon as it is on its way. */
function leave(target) {
  return new Promise((resolve) => {
    const client = target.secure ? https : http;
    const request = client.request(target.url, { path: target.places.open.path, agent: false, headers: target.host === undefined ? {} : { host: target.host } });
    request.once('error', resolve).once('close', resolve);
    request.once('finish', () => request.socket.resetAndDestroy?.() ?? request.destroy());
    request.end();
  });
}

export const CONNECTIONS = [
  [`${TOGETHER} requests at once are all served, each with its own answer`, async (target) => {
    const open = needs(target.places.open);
    const id = (number) => `smoke-many-${number}`;
    const answers = await Promise.all(Array.from({ length: TOGETHER }, (_, number) => target.visit(open, { headers: { 'x-request-id': id(number) } })));
    for (const [number, answer] of answers.entries()) {
      expectServed(answer, open);
      expectStatus(answer, answers[0].status);
      expectField(answer, 'x-request-id', id(number));
    }
  }],
  ['one connection serves many requests', async (target) => {
    const agent = new (target.secure ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const ports = new Set();
      for (let time = 0; time < 3; time++) {
        const answer = await target.ask('/health/live', { agent });
        expectStatus(answer, 200);
        ports.add(answer.localPort);
      }
      expect(ports.size === 1, `expected one connection for three requests, found ${ports.size}`);
    } finally {
      agent.destroy();
    }
  }],
  ['clients that leave do not break what comes later', async (target) => {
    const open = needs(target.places.open);
    await Promise.all(Array.from({ length: 10 }, () => leave(target)));
    expectServed(await target.visit(open), open);
  }],
  ['http:// redirects to https://', secure(async (target) => {
    const plain = new URL(target.url);
    plain.protocol = 'http:';
    plain.port = '';
    const answer = await ask(plain, '/health/live', { headers: { host: target.host ?? target.url.hostname } });
    expectStatus(answer, 301, 302, 307, 308);
    expectHeader(answer, 'location', /^https:\/\//, 'to begin with https://');
  })],
  ['HSTS is on', secure(async (target) => {
    const open = needs(target.places.open);
    if (open.says.head['strict-transport-security'] === undefined) skip('the configuration does not set it');
    expectHeader(await target.visit(open), 'strict-transport-security', /max-age=[1-9]\d{6,}/, 'with a max-age of a million seconds or more');
  })],
  ['TLS is 1.2 or newer', secure(async (target) => {
    const { version } = await handshake(target, {});
    expect(['TLSv1.2', 'TLSv1.3'].includes(version), `expected TLS 1.2 or 1.3, found ${version}`);
    const old = await handshake(target, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).catch(() => undefined);
    expect(old === undefined, `expected a refusal of what is older than TLS 1.2, found ${old?.version}`);
  })],
  ['HTTP/2 is agreed upon', secure(async (target) => {
    const { protocol } = await handshake(target, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(protocol === 'h2', `expected the protocol h2, found ${protocol || 'none'}`);
  })],
  ['a host that is not ours is not served', onEdge(async (target) => {
    const port = target.url.port === '' ? PORTS[target.url.protocol] : target.url.port;
    const answer = await target.ask('/health/live', { headers: { host: `smoke.invalid:${port}` } }).catch(() => undefined);
    expect(answer === undefined || answer.status >= 400, `GET /health/live of the host smoke.invalid: expected no answer or a refusal, found the status ${answer?.status}`);
  })],
  ['each answer has the edge\'s mark', onEdge(async (target) => expectHeader(await target.visit(needs(target.places.open)), 'cf-ray', /./, 'that the edge sets'))],
  ['the edge compresses', onEdge(async (target) => {
    const open = needs(target.places.open);
    const { body, headers } = await target.visit(open);
    if (body.length < COMPRESSED_FROM || !/json|text|xml|javascript/.test(headers['content-type'] ?? '')) skip('the answer of the public route is too small, or nothing that is compressed (--public PATH names another)');
    expectHeader(await target.visit(open, { headers: { 'accept-encoding': 'gzip' } }), 'content-encoding', /gzip/, 'gzip');
  })],
];
