// The Hono contender that does what bench/every-stage.toml switches on, too: by Hono's own middleware where it has some, by
// hand where it has none.
import { timing, startTime, endTime } from 'hono/timing';
import { makeApp, problem } from './hono-app.mjs';

const NAME = 'bench';
const HOSTS = /^(?:localhost|127\.0\.0\.1|[a-z0-9.-]+\.bench\.example\.com)$/;
const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE']);
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const DEPRECATION = {
  deprecation: '@1780272000',
  sunset: 'Sun, 01 Jun 2036 00:00:00 GMT',
  link: '<https://bench.example.com/v2>; rel="deprecation"; type="text/html", <https://bench.example.com/v2>; rel="sunset"; type="text/html"',
};

const hex = (bytes) => crypto.getRandomValues(new Uint8Array(bytes)).toHex();

/** The part in the client's trace, or a new one. */
function takePart(c) {
  const [, id = hex(16), parent, flags = '03'] = TRACEPARENT.exec(c.req.header('traceparent') ?? '') ?? [];
  return { id, parent, flags, span: hex(8) };
}

const trace = async (c, next) => {
  const { id, span, parent, flags } = takePart(c);
  c.set('trace', { id, span, parent, flags });
  c.set('logged', { trace_id: id, span_id: span, parent_span_id: parent, sampled: (Number.parseInt(flags, 16) & 1) === 1 });
  await next();
  c.header('x-trace-id', id);
  c.header('x-span-id', span);
  if (parent) c.header('x-parent-span-id', parent);
};

const guard = async (c, next) => {
  if (!HOSTS.test(new URL(c.req.url).hostname)) return problem(c, 421, 'host_refused', 'This gateway is not for this host.');
  if (c.req.method !== 'OPTIONS' && !METHODS.has(c.req.method)) return problem(c, 405, 'method_refused', 'No such method.');
  if (c.env.DRAIN === 'on' || c.env.MAINTENANCE === 'on') return problem(c, 503, 'closed', 'Closed for maintenance.');
  if (Date.now() >= Date.UTC(2036, 5, 1)) return problem(c, 410, 'gone', 'This version is gone.');
  await next();
  for (const [name, value] of Object.entries(DEPRECATION)) c.header(name, value);
};

const authorize = async (c, next) => {
  const { roles = [], aud } = c.get('jwtPayload');
  const isAllowed = roles.includes('user') && aud === 'api' && roles.includes('beta') && METHODS.has(c.req.method);
  if (!isAllowed) return problem(c, 403, 'role_missing', 'The token does not allow this.');
  startTime(c, 'upstream');
  await next();
  endTime(c, 'upstream');
  c.header('via', `1.1 ${NAME}`, { append: true });
  c.header('proxy-status', `${NAME}; received-status=${c.res.status}; next-hop=origin`, { append: true });
  c.header('server', undefined);
  c.header('x-powered-by', undefined);
  c.header('x-served-by', 'bench');
};

/** The target without `debug` in its query. */
function target(text) {
  const at = text.indexOf('?');
  if (at < 0) return text;
  const kept = text.slice(at + 1).split('&').filter((pair) => pair.split('=')[0] !== 'debug');
  return text.slice(0, at) + (kept.length > 0 ? `?${kept.join('&')}` : '');
}

function tell(headers, c) {
  const { id, span, parent, flags } = c.get('trace');
  const { sub, scope } = c.get('jwtPayload');
  const [address, url] = [c.req.header('cf-connecting-ip'), new URL(c.req.url)];
  const proto = url.protocol.slice(0, -1);
  for (const name of ['x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip', 'x-principal_scope', 'x_principal', 'x_principal_scope']) headers.delete(name);
  headers.set('traceparent', `00-${id}-${span}-${flags}`);
  headers.set('x-trace-id', id);
  headers.set('x-span-id', span);
  if (parent) headers.set('x-parent-span-id', parent);
  headers.set('forwarded', `for=${address ?? 'unknown'};proto=${proto};host="${url.host}"`);
  if (address) headers.set('x-forwarded-for', address);
  headers.set('x-forwarded-proto', proto);
  headers.set('x-forwarded-host', url.host);
  headers.append('via', `1.1 ${NAME}`);
  headers.set('x-principal', sub);
  headers.set('x-principal-scope', scope);
}

export default makeApp({ first: [timing({ total: true }), trace, guard], authorize: [authorize], target, tell });
