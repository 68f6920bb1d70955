// Gateways and requests by chance, always the same for the same seed: what agreement.test.mjs asks two programs about.
// Every request is near a route of its gateway, so that most of them get somewhere.

import { token } from './tokens.mjs';

/** Numbers by chance from a seed (mulberry32). */
export function chance(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  return { below, one: (list) => list[below(list.length)], maybe: (share, value) => (next() < share ? value : undefined) };
}

const WORDS = ['orders', 'items', 'users', 'a', 'b-c', 'x.y'];
const PARAMETERS = ['{id}', '{id:int}', '{id:uuid}', '{id:slug}'];
const VALUES = ['7', '00', '01890a5d-ac96-774b-bcce-b302099a8057', 'red-shoes', 'Red', 'a%20b', 'a%40b', 'a+b', '~x', ''];
/** What a parameter of a type takes. */
const TAKEN = { int: '7', uuid: '01890a5d-ac96-774b-bcce-b302099a8057', slug: 'red-shoes' };
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'GET,HEAD', 'ANY', 'OPTIONS'];
const HOSTS = ['api.test', '*.tenants.test', 'other.test'];
const SENT_HOSTS = [...HOSTS.map((host) => host.replace('*', 'a')), 'API.test', 'elsewhere.test', 'api.test.'];
const SCOPES = ['things:read', 'things:write'];
const PAGES = ['https://app.test', 'https://*.pages.test'];
const SENT_PAGES = ['https://app.test', 'https://a.pages.test', 'https://evil.test', 'null'];

/** A path with parameters, at most one of each name. */
function pattern(dice) {
  const literals = Array.from({ length: 1 + dice.below(2) }, () => dice.one(WORDS));
  const tail = dice.one(['', `/${dice.one(PARAMETERS)}`, `/${dice.one(PARAMETERS)}/${dice.one(WORDS)}`, '/{rest...}']);
  return `/${literals.join('/')}${tail}`;
}

function action(dice) {
  const text = (value) => JSON.stringify(value);
  return dice.one([
    'upstream = "origin"', 'upstream = "origin"', 'upstream = "origin"', 'upstream = "prefixed"',
    `respond = ${text(`fixed ${dice.below(9)}`)}`,
    `redirect = { to = "/moved/${dice.one(WORDS)}", status = ${dice.one([301, 302, 307, 308])} }`,
    'maintenance = true',
  ]);
}

/** A route as TOML. Routes that tie with another are left out by whoever puts them together. */
function route(dice) {
  const auth = dice.one(['none', 'main', 'main']);
  const act = action(dice);
  const lines = [
    act,
    `auth = "${auth}"`,
    auth === 'main' ? dice.maybe(0.6, `scopes = ["${dice.one(SCOPES)}"]`) : undefined,
    dice.maybe(0.3, `host = "${dice.one(HOSTS)}"`),
    dice.maybe(0.3, `cors = { origins = ["${dice.one(PAGES)}"], methods = ["GET", "PUT"], headers = ["x-mine"], credentials = ${dice.one(['true', 'false'])} }`),
    dice.maybe(0.2, 'security_headers = false'),
    dice.maybe(0.3, 'response_headers = { remove = ["server"], set = { x-made = "yes {request.id}" } }'),
    auth === 'main' ? dice.maybe(0.4, 'request_headers = { remove = ["authorization"], set = { x-user = "{claims.sub}" } }') : undefined,
    dice.maybe(0.3, `body_limit = ${dice.one(['"4B"', '"1KB"', 'false'])}`),
    dice.maybe(0.1, 'maintenance = { retry_after = "1h" }'),
  ];
  const host = lines[3]?.slice('host = "'.length, -1).replace('*', 'a');
  const kept = lines.filter((line) => line !== undefined && !(line.startsWith('maintenance = {') && act === 'maintenance = true'));
  return { key: `${dice.one(METHODS)} ${pattern(dice)}`, host, text: kept.join('\n') };
}

const HEAD = `[gateway]
name = "chance"
[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "\${JWT_SECRET}"
[upstreams.origin]
targets = ["\${ORIGIN_URL}"]
[upstreams.prefixed]
targets = ["\${ORIGIN_URL}"]
prefix = "/below"
credentials = { header = "x-proof", value = "\${JWT_SECRET}" }
`;

/** A gateway by chance; `fits` says whether a text compiles, so that routes that do not go together are left out. */
export function generateGateway(seed, fits) {
  const dice = chance(seed);
  const routes = [];
  let toml = HEAD;
  for (let tries = 0; tries < 24 && routes.length < 12; tries++) {
    const next = route(dice);
    const longer = `${toml}\n[routes.${JSON.stringify(next.key)}]\n${next.text}\n`;
    if (routes.some(({ key }) => key === next.key) || !fits(longer)) continue;
    routes.push(next);
    toml = longer;
  }
  return { toml, routes };
}

const segment = (dice, part) => {
  if (part.startsWith('{rest')) return Array.from({ length: dice.below(4) }, () => dice.one(VALUES)).join('/');
  const taken = part.startsWith('{') ? (TAKEN[part.slice(1, -1).split(':')[1]] ?? dice.one(VALUES)) : part;
  return dice.below(10) === 0 ? dice.one(VALUES) : taken;
};

function authorization(dice) {
  return dice.one([
    undefined, 'Basic eDp5', 'Bearer x.y.z',
    ...Array.from({ length: 6 }, () => `Bearer ${token()}`), `Bearer ${token({ scope: 'things:write' })}`, `Bearer ${token({ aud: 'other' })}`,
    `Bearer ${token({ exp: 1 })}`, `Bearer ${token({}, 'another secret, just as long as the one of the tests')}`,
  ]);
}

/** A request near a route of a gateway: { method, url, headers, body }. */
export function generateRequest(seed, routes) {
  const dice = chance(seed);
  const { key, host } = dice.one(routes);
  const [methods, path] = key.split(' ');
  const method = dice.below(6) === 0 ? dice.one(['GET', 'PATCH', 'OPTIONS', 'HEAD']) : methods === 'ANY' ? 'PUT' : dice.one(methods.split(','));
  const [, ...parts] = path.split('/');
  const target = parts.map((part) => `/${segment(dice, part)}`).join('');
  const headers = { host: dice.maybe(0.7, host) ?? dice.one(SENT_HOSTS), authorization: authorization(dice), origin: dice.maybe(0.5, dice.one(SENT_PAGES)) };
  if (method === 'OPTIONS') Object.assign(headers, { 'access-control-request-method': dice.one(['GET', 'PUT']), 'access-control-request-headers': dice.maybe(0.5, 'x-mine') });
  const body = ['GET', 'HEAD', 'OPTIONS'].includes(method) ? undefined : dice.one([undefined, '123', '12345', 'x'.repeat(1001)]);
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return { method, url: `${target}${dice.one(['', '', '?q=1', '?'])}`, headers: sent, body };
}
