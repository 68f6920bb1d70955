// What a contender of the limits does by its path: nothing, or count by the address of the client; and what it answers.

/** The limit of a path, or nothing. */
export function limitOf(path) {
  if (path.startsWith('/api/v1/plain-1/')) return { name: 'client', limit: 1_000_000 };
  return path.startsWith('/api/v1/plain-5/') ? { name: 'few', limit: 5 } : undefined;
}

export const WINDOW_MS = 60_000;

/** Asks the object of the client, as one would with one object for each. */
export const take = (env, { name, limit }, address) => env.COUNTER.getByName(`${name}:${address}`).take(limit, WINDOW_MS);

/** The fields that tell what is left. */
export const fields = ({ name, limit }, { left, resetMs }) => [
  ['ratelimit-policy', `"${name}";q=${limit};w=${WINDOW_MS / 1000}`],
  ['ratelimit', `"${name}";r=${Math.max(left, 0)};t=${Math.ceil(resetMs / 1000)}`],
];

/** The refusal, without the fields. */
export const refusal = ({ name }, resetMs) => ({
  body: JSON.stringify({ type: 'about:blank#rate_limited', title: 'Too many requests', status: 429, detail: `There were more requests than the limit allows: ${name}.`, code: 'rate_limited' }),
  headers: { 'content-type': 'application/problem+json', 'retry-after': String(Math.max(Math.ceil(resetMs / 1000), 1)) },
});
