// What every answer that refuses must look like, whoever in the gateway made it.

import assert from 'node:assert/strict';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The least that makes browsers careful; both the wasm and the JavaScript that stands in for it send these. */
export const CAREFUL = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Fails unless an answer of `ask` is a problem document of this status and code, with everything that belongs to it. */
export function assertProblem(answer, status, code, id = answer.headers['x-request-id']) {
  assert.deepEqual({ status: answer.status, code: parsed(answer).code }, { status, code });
  const document = answer.json();
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-request-id'], id);
  assert.equal(document.instance, `urn:ferrogate:request:${id}`);
  assert.equal(document.type, `urn:ferrogate:problem:${code}`);
  assert.equal(document.status, status);
  assert.match(document.family, new RegExp(`^[A-Z]+-${status}$`));
  assert.ok(document.title.length > 0 && document.detail.length > 0);
  assertCareful(answer);
  return document;
}

/** Fails unless an answer carries the security headers, once each. */
export function assertCareful(answer) {
  const sent = Object.fromEntries(Object.keys(CAREFUL).map((name) => [name, answer.headers[name]]));
  assert.deepEqual(sent, CAREFUL);
}

/** An id that the gateway made. */
export function assertMadeId(id) {
  assert.match(id, UUID);
}

function parsed(answer) {
  try {
    return answer.json();
  } catch {
    return { code: `no JSON: ${answer.body.slice(0, 200)}` };
  }
}
