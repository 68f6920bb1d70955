// What a check says when something is not as it should be, or cannot be looked at from here.

/** Thrown by a check that has nothing to look at. */
export class Skip extends Error {}

/** Ends a check without a verdict. */
export function skip(reason) {
  throw new Skip(reason);
}

/** Fails a check unless a condition holds. */
export function expect(condition, what) {
  if (!condition) throw new Error(what);
}

/** Fails unless the status is one of these. */
export function expectStatus({ status, body }, ...wanted) {
  expect(wanted.includes(status), `expected ${wanted.join(' or ')}, found ${status} ${body.slice(0, 120)}`);
}

/** Fails unless an answer is a problem document of this status and code. */
export function expectProblem(answer, status, code) {
  expectStatus(answer, status);
  expectHeader(answer, 'content-type', /^application\/problem\+json/);
  expectHeader(answer, 'cache-control', /no-store/);
  const { code: found, instance } = answer.json();
  expect(found === code, `expected the code ${code}, found ${found}`);
  expect(instance === `urn:ferrogate:request:${answer.headers['x-request-id']}`, `the problem names another request: ${instance}`);
}

/** Fails unless a header matches. */
export function expectHeader({ headers }, name, pattern) {
  const value = headers[name];
  expect(value !== undefined && pattern.test(value), `expected ${name}: ${pattern.source}, found ${value ?? 'none'}`);
}

/** Fails if a header is there. */
export function expectNone({ headers }, name) {
  expect(headers[name] === undefined, `expected no ${name}, found ${headers[name]}`);
}
