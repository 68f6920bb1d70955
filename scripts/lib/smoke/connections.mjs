// Many requests, clients that leave, and what only a deployed gateway has: TLS, HTTP/2, Cloudflare in front.

import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { ask } from './client.mjs';
import { expect, expectHeader, expectStatus, skip } from './expect.mjs';

const TOGETHER = 50;
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
    const request = client.request(target.url, { path: '/v1/products', agent: false, headers: target.host === undefined ? {} : { host: target.host } });
    request.once('error', resolve).once('close', resolve);
    request.once('finish', () => request.socket.resetAndDestroy?.() ?? request.destroy());
    request.end();
  });
}

export const CONNECTIONS = [
  [`${TOGETHER} requests at once are all served, each with its own answer`, async (target) => {
    const asked = Array.from({ length: TOGETHER }, (_, number) => target.ask(`/v1/products/${number + 1}`, { headers: { 'x-request-id': `smoke-many-${number}` } }));
    for (const [number, answer] of (await Promise.all(asked)).entries()) {
      expectStatus(answer, 200);
      expect(answer.json().id === number + 1 && answer.headers['x-request-id'] === `smoke-many-${number}`, `request ${number} got the answer of another`);
    }
  }],
  ['one connection serves many requests', async (target) => {
    const agent = new (target.secure ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const ports = new Set();
      for (let time = 0; time < 3; time++) ports.add((await target.ask('/health/live', { agent })).localPort);
      expect(ports.size === 1, `it took ${ports.size} connections`);
    } finally {
      agent.destroy();
    }
  }],
  ['clients that leave do not break what comes later', async (target) => {
    await Promise.all(Array.from({ length: 10 }, () => leave(target)));
    expectStatus(await target.ask('/v1/products/1'), 200);
  }],
  ['events of a server are not held back', () => skip('the example has no route with such a stream')],
  ['http:// redirects to https://', secure(async (target) => {
    const plain = new URL(target.url);
    plain.protocol = 'http:';
    plain.port = '';
    const answer = await ask(plain, '/health/live', { headers: { host: target.host ?? target.url.hostname } });
    expectStatus(answer, 301, 302, 307, 308);
    expectHeader(answer, 'location', /^https:\/\//);
  })],
  ['HSTS is on', secure(async (target) => expectHeader(await target.ask('/health/live'), 'strict-transport-security', /max-age=[1-9]\d{6,}/))],
  ['TLS is 1.2 or newer', secure(async (target) => {
    const { version } = await handshake(target, {});
    expect(['TLSv1.2', 'TLSv1.3'].includes(version), `found ${version}`);
    const old = await handshake(target, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }).catch(() => undefined);
    expect(old === undefined, `it takes ${old?.version} too`);
  })],
  ['HTTP/2 is agreed upon', secure(async (target) => {
    const { protocol } = await handshake(target, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(protocol === 'h2', `found ${protocol}`);
  })],
  ['a host that is not ours is not served', onEdge(async (target) => {
    const port = target.url.port === '' ? PORTS[target.url.protocol] : target.url.port;
    const answer = await target.ask('/health/live', { headers: { host: `smoke.invalid:${port}` } }).catch(() => undefined);
    expect(answer === undefined || answer.status >= 400, `it got ${answer?.status}`);
  })],
  ['each answer has the edge\'s mark', onEdge(async (target) => expectHeader(await target.ask('/v1/products/1'), 'cf-ray', /./))],
  ['the edge compresses', onEdge(async (target) => {
    expectHeader(await target.ask('/v1/products', { headers: { 'accept-encoding': 'gzip' } }), 'content-encoding', /gzip/);
  })],
];
