// Where the checks look: places of the gateway's own configuration. What is found by its shape is asked of the
// configuration itself before it is believed. A place that is not there is `{ missing: REASON }`.

import { Complaint } from '../progress.mjs';
import { NOWHERE, originsOf, pathsOf, preference } from './candidates.mjs';

/** So many routes of a kind are looked at; a configuration may have thousands. */
const MOST = 40;
/** The largest body that is sent to be refused. */
const LARGEST_BODY = 4 * 1024 * 1024;
const WITH_BODY = ['POST', 'PUT', 'PATCH'];
/** Methods to ask for in vain, the least harmful first, should the gateway not be the one that is configured. */
const VAIN = ['PATCH', 'PUT', 'POST', 'DELETE'];

const isOpen = ({ auth }) => auth.split(' or ').includes('none');
const gets = ({ method }) => method === 'GET';

/** Finds them all. `given` has `target`, `public` and `protected`. */
export async function findPlaces(configuration, given) {
  const finder = new Finder(configuration, await configuration.routes(), given);
  await finder.isServed();
  const [open, guarded] = [await finder.open(), await finder.guarded()];
  return {
    open,
    guarded,
    ...await finder.withToken(),
    ...await finder.bodies(),
    ...await finder.shared(),
    ...await finder.around(open, guarded),
  };
}

class Finder {
  constructor(configuration, routes, { target, ...given }) {
    Object.assign(this, { configuration, target, given });
    this.routes = [...routes].sort((one, other) => preference(one) - preference(other));
    this.base = `${target.url.protocol}//${target.host ?? target.url.host}`;
  }

  /** Candidates with what the configuration says of each; `more` adds to the request. */
  async ask(routes, more = () => ({})) {
    return this.told(routes.slice(0, MOST).flatMap((route) => pathsOf(route.path).map((path) => ({ route, method: route.method, path, ...more(route) }))));
  }

  async told(candidates) {
    const requests = candidates.map(({ method, path, headers = {}, claims, length }) => ({ method, url: `${this.base}${path}`, headers, ...(claims && { claims }), ...(length && { body_length: length }) }));
    const said = await this.configuration.says(requests);
    return candidates.map((candidate, index) => ({ ...candidate, says: said[index] }));
  }

  /** Complains about an address that the configuration is not for: every check would fail, and say nothing. */
  async isServed() {
    const [{ says }] = await this.told([{ method: 'GET', path: NOWHERE }]);
    this.hasNowhere = says.code === 'route_not_found';
    if (says.route !== undefined || this.hasNowhere) return;
    const found = [says.status, says.code].filter((it) => it !== undefined).join(' ');
    throw new Complaint(`--url: this configuration serves nothing at ${this.base} (${found}). ${says.why} Give the address that it is for, or --host.`);
  }

  /** The path that somebody named, with the route that the configuration has for it. */
  async named(option, fits, expected) {
    const path = this.given[option];
    if (path === undefined) return undefined;
    if (!path.startsWith('/')) throw new Complaint(`--${option}: expected a path that begins with a slash, found ${path}.`);
    const [{ says }] = await this.told([{ method: 'GET', path }]);
    const routes = this.routes.filter((route) => `${route.method} ${route.path}` === says.route);
    const route = routes.find(({ version }) => version === says.version) ?? routes[0];
    if (route === undefined || !fits({ says })) throw new Complaint(`--${option}: expected ${expected}; of GET ${path} the configuration says: ${says.why}`);
    return { route, method: 'GET', path, says };
  }

  async open() {
    const named = await this.named('public', ({ says }) => says.isSent || says.status < 400, 'a path that GET may ask for without a token');
    const found = named ?? first(await this.ask(this.routes.filter((route) => gets(route) && isOpen(route))), ({ says }) => says.isSent || says.status === 200);
    return found ?? missing('the configuration has no GET route that is served without a token (--public PATH names a path)');
  }

  async guarded() {
    const named = await this.named('protected', ({ says }) => says.code === 'token_missing', 'a path that wants a token');
    this.wantToken = named ? [named] : (await this.ask(this.routes.filter((route) => gets(route) && !isOpen(route)))).filter((it) => isRight(it) && it.says.code === 'token_missing');
    return this.wantToken[0] ?? missing('the configuration has no GET route that wants a token (--protected PATH names a path)');
  }

  /** Where the given token is let in, and where it is not enough. */
  async withToken() {
    const { claims } = this.target;
    if (this.wantToken.length === 0) return both(['admitted', 'denied'], 'the configuration has no GET route that wants a token (--protected PATH names a path)');
    if (claims === undefined) return both(['admitted', 'denied'], 'it needs --token');
    const asked = await this.told(this.wantToken.map(({ route, method, path }) => ({ route, method, path, claims })));
    const admitted = first(asked, ({ says }) => says.isSent || says.status < 400);
    return {
      admitted: admitted ?? missing(`the configuration lets this token in on no GET route: ${asked[0].says.why}`),
      denied: first(asked, ({ says }) => says.status === 403) ?? missing(admitted ? 'the configuration lets this token in on every GET route that was looked at' : 'this token is let in on no GET route'),
    };
  }

  /** Where a body is refused by its length, and where it would be counted on its way. */
  async bodies() {
    const routes = this.routes.filter(({ method, body_limit: limit }) => WITH_BODY.includes(method) && limit !== null && limit <= LARGEST_BODY);
    const none = 'the configuration has no route for POST, PUT or PATCH with a body_limit of 4 MiB or less';
    if (routes.length === 0) return both(['limited', 'counted'], none);
    const { claims } = this.target;
    const limited = first(await this.ask(routes, ({ body_limit: limit }) => ({ length: limit + 1 })), ({ says }) => says.code === 'body_too_large');
    const may = (it) => it.says.isSent && it.route.action.kind === 'upstream';
    const counted = first(await this.ask(routes), may) ?? (claims && first(await this.ask(routes, () => ({ claims })), may));
    return { limited: limited ?? missing(none), counted: counted ?? missing('it needs a route for bodies that goes to an upstream and wants no token, or --token of somebody who may use one') };
  }

  /** Where pages of other origins may ask; each has its `origin`. */
  async shared() {
    const routes = this.routes.filter(({ cors }) => cors !== null);
    if (routes.length === 0) return both(['shared', 'sharedRefusal', 'preflight'], 'the configuration has no route with cors');
    const pages = routes.slice(0, MOST).flatMap((route) => originsOf(route, this.target.origin).flatMap((origin) => pathsOf(route.path).map((path) => ({ route, origin, path }))));
    const none = (what) => missing(`the configuration has no route ${what} that an origin known here may ask for${this.target.origin === undefined ? ' (--origin ORIGIN names one)' : ''}`);
    const asked = await this.told(pages.filter(({ route }) => gets(route)).map((page) => ({ ...page, method: 'GET', headers: { origin: page.origin } })));
    const may = (it) => it.says.head['access-control-allow-origin'] === it.origin;
    return {
      shared: first(asked, (it) => may(it) && it.says.isSent) ?? first(asked, (it) => may(it) && it.says.status < 400) ?? none('for GET without a token'),
      sharedRefusal: first(asked, (it) => may(it) && it.says.code === 'token_missing') ?? none('for GET with a token'),
      preflight: await this.preflight(pages) ?? none('for a method with cors'),
    };
  }

  /** A preflight that is granted; preferably where a token is wanted, because none may be wanted of it. */
  async preflight(pages) {
    const allowed = pages.filter(({ route }) => route.cors.methods.includes(route.method)).sort((one, other) => isOpen(one.route) - isOpen(other.route));
    const asked = await this.told(allowed.map(({ route, origin, path }) => {
      const names = route.cors.headers.join(',');
      const headers = { origin, 'access-control-request-method': route.method, ...(names !== '' && { 'access-control-request-headers': names }) };
      return { route, origin, method: 'OPTIONS', path, headers };
    }));
    return asked.find(({ route, origin, says }) => says.route === `${route.method} ${route.path}` && says.status < 300 && says.head['access-control-allow-origin'] === origin);
  }

  /** What lies beside the places: no route, no such method, OPTIONS. */
  async around(open, guarded) {
    const found = [open, guarded].filter((place) => place.missing === undefined);
    const asked = await this.told(found.flatMap(({ route, path }) => [...VAIN, 'OPTIONS', 'HEAD'].map((method) => ({ route, method, path }))));
    const options = asked.find(({ method, says }) => method === 'OPTIONS' && says.status === 204 && says.head.allow !== undefined);
    // ANY and lists of methods are several routes that stand in the same line.
    const ofOne = ({ says, route }) => this.routes.some(({ method, path, file, line }) => `${method} ${path}` === says.route && file === route.file && line === route.line);
    const head = asked.find((it) => it.method === 'HEAD' && it.path === open.path && ofOne(it));
    return {
      nowhere: this.hasNowhere ? { method: 'GET', path: NOWHERE } : missing('the configuration has a route for every path'),
      vain: asked.find(({ says }) => says.code === 'method_not_allowed') ?? missing('the configuration has a route for every method on the paths that were looked at'),
      options: options ?? missing('the configuration has routes of its own for OPTIONS on the paths that were looked at'),
      head: head ?? missing(open.missing ?? 'the configuration has a route of its own for HEAD there'),
    };
  }
}

/** Whether the path that was made up gets to the route that it was made up for. */
function isRight({ route, says }) {
  return says.route === `${route.method} ${route.path}` && (route.version === null || route.version === says.version);
}

function first(asked, fits) {
  return asked.find((it) => isRight(it) && fits(it));
}

function missing(reason) {
  return { missing: reason };
}

function both(names, reason) {
  return Object.fromEntries(names.map((name) => [name, missing(reason)]));
}
