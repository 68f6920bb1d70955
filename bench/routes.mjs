// The 200 routes that every router of the benchmark holds, and the one that is measured.
//
// Pure data: the JavaScript contenders import it, contenders/build.mjs hands it to the Rust crate, and
// make-gateway-toml.mjs writes Ferrogate's configuration from it. Not a router.

// Forty resources: real words and bare numbers in turn, so that prefixes are sometimes shared and sometimes not.
const WORDS = [
  'accounts',
  'addresses',
  'carts',
  'catalogs',
  'coupons',
  'customers',
  'deliveries',
  'devices',
  'events',
  'files',
  'items',
  'invoices',
  'orders',
  'payments',
  'prices',
  'reports',
  'reviews',
  'sessions',
  'teams',
  'users',
];
export const RESOURCES = WORDS.flatMap((word, i) => [`r${String(i * 2).padStart(2, '0')}`, word]);

/** What one resource answers to, as [method, path below the resource, right]. */
const ACTIONS = [
  ['GET', '', 'read'],
  ['POST', '', 'write'],
  ['GET', '/{id}', 'read'],
  ['PUT', '/{id}', 'write'],
  ['DELETE', '/{id}', 'write'],
];

/** All routes, as {method, path, scope}; a parameter is written {name}. */
export const ROUTES = RESOURCES.flatMap((resource) =>
  ACTIONS.map(([method, rest, right]) => ({
    method,
    path: `/api/v1/${resource}${rest}`,
    scope: `${resource}:${right}`,
  })),
);

/** The measured request: its route is number 108 of 200. */
export const MEASURED = { path: '/api/v1/items/42?expand=price', route: '/api/v1/items/{id}', scope: 'items:read' };

/** The same resource through Ferrogate's pass-through route, which no other contender has. */
export const PASS_THROUGH = '/raw/items/42?expand=price';

/** More of the same in Ferrogate's bench/limits.toml: the name in the path, and what its route says. `limits-1` and `-2`
 * have the whole work of the measured route, the others only forward. */
export const LIMITED = [
  ['limits-1', 'rate_limit = "1000000/min per address"'],
  ['limits-2', 'rate_limit = ["1000000/min per principal", "100000000/hour per global"]'],
]
  .map(([name, limit]) => ({ name, more: `use = "api"\nscopes = ["items:read"]\n${limit}` }))
  .concat([
    { name: 'plain-0', more: 'auth = "none"' },
    { name: 'plain-1', more: 'auth = "none"\nrate_limit = { name = "client", limit = "1000000/min per address" }' },
    { name: 'plain-5', more: 'auth = "none"\nrate_limit = { name = "few", limit = "5/min per address" }' },
  ]);
