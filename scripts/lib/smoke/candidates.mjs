// Paths and origins to try, made from what stands in the configuration. Whether they are what they seem to be is asked of
// the configuration afterwards: see places.mjs.

/** A path that hardly anybody has. */
export const NOWHERE = '/smoke-nowhere';

/** One value of each type of parameters. */
const VALUES = { int: '1', uuid: '00000000-0000-4000-8000-000000000000', slug: 'smoke' };
const KINDS = ['upstream', 'assets', 'respond', 'redirect', 'closed'];

/**
 * Paths that a route should take: `/v1/products/{id}` becomes `/v1/products/1`, which is likely to be there, and
 * `/v1/products/smoke`, should numbers have a route of their own.
 */
export function pathsOf(pattern) {
  const filled = (any) => pattern.replace(/\{[^}:.]*(?::([a-z]+))?(\.\.\.)?\}/g, (_, type, rest) => (rest ? 'smoke' : VALUES[type] ?? any));
  return [...new Set([filled('1'), filled('smoke')])];
}

/** How little a route is fit to be looked at: best are those that go to an upstream and whose path says it all. */
export function preference({ action, pass_through: untouched, hosts, version, auth, conditions, path }) {
  const parameters = path.split('{').length - 1;
  const odd = [untouched, hosts.length > 0, version !== null, / or /.test(auth), conditions.length > 0].filter(Boolean).length;
  return 100 * Math.max(KINDS.indexOf(action.kind), 0) + 10 * odd + parameters;
}

/** Origins that a route with `cors` should know: the given one alone, or those that stand in the file. */
export function originsOf({ cors }, given) {
  if (given !== undefined) return [given];
  return cors.origins.filter((origin) => !origin.includes('${')).slice(0, 2).map((origin) => origin.replace('*', 'smoke'));
}
