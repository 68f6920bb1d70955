// What a check says when something is not as it should be, or cannot be looked at here: whole sentences, which name the
// request, what was expected and what was found.

const LONGEST = 300;

/** Thrown by a check that has nothing to look at. */
export class Skip extends Error {}

/** Ends a check without a verdict. */
export function skip(reason) {
  throw new Skip(reason);
}

/** The place that a check looks at; without it there is nothing to look at. */
export function needs(place) {
  return place.missing === undefined ? place : skip(place.missing);
}

/** Fails a check unless a condition holds. */
export function expect(condition, what) {
  if (!condition) throw new Error(what);
}

/** A body as people read it, in one line; the end of a long one is left out, and an ellipsis says so. */
export function shown(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line === '') return 'without a body';
  return `with the body ${line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line}`;
}

/** Fails unless the status is one of these. */
export function expectStatus({ asked, status, body }, ...wanted) {
  expect(wanted.includes(status), `${asked}: expected the status ${wanted.join(' or ')}, found ${status} ${shown(body)}`);
}

/** Whether the gateway itself gave an answer: a problem document with its mark. */
export function isOurs({ headers, body }) {
  return /^application\/problem\+json/.test(headers['content-type'] ?? '') && body.includes('"urn:ferrogate:');
}

/** Fails unless an upstream gave an answer through the gateway, or the gateway the one that is configured. A 404 of an upstream is an answer. */
export function expectServed(answer, { says }) {
  if (!says.isSent) return expectStatus(answer, says.status);
  const { asked, status, body } = answer;
  expect(status < 500 && !isOurs(answer), `${asked}: expected an answer of the upstream with a status below 500, found ${status} ${isOurs(answer) ? 'of the gateway ' : ''}${shown(body)}`);
  expectHeader(answer, 'x-request-id', /./, 'that the gateway sets');
}

/** Fails unless an answer is a problem document of this status and code. */
export function expectProblem(answer, status, code) {
  expectStatus(answer, status);
  expectHeader(answer, 'content-type', /^application\/problem\+json/, 'application/problem+json');
  expectHeader(answer, 'cache-control', /no-store/, 'no-store');
  const { code: found, instance } = answer.json();
  expect(found === code, `${answer.asked}: expected a problem with the code ${code}, found ${found ?? 'none'}`);
  const named = `urn:ferrogate:request:${answer.headers['x-request-id']}`;
  expect(instance === named, `${answer.asked}: expected the problem to name its request, ${named}, found ${instance ?? 'none'}`);
}

/** Fails unless a header matches; `wanted` says in words what it should be. */
export function expectHeader({ asked, headers }, name, pattern, wanted) {
  const value = headers[name];
  expect(value !== undefined && pattern.test(value), `${asked}: expected the field ${name} ${wanted}, found ${value ?? 'none'}`);
}

/** Fails unless a header is this. */
export function expectField({ asked, headers }, name, wanted) {
  expect(headers[name] === wanted, `${asked}: expected the field ${name} ${wanted}, found ${headers[name] ?? 'none'}`);
}

/** Fails if a header is there. */
export function expectNone({ asked, headers }, name) {
  expect(headers[name] === undefined, `${asked}: expected no field ${name}, found ${headers[name]}`);
}
