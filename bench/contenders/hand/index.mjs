// The hand-written contender: all of the common work in plain JavaScript, for this one configuration.
//
// What a good engineer writes who counts microseconds and needs no framework: nothing generic, nothing per request
// that can be made once.
import { ROUTES } from '../../routes.mjs';
import * as work from '../../work.mjs';
import { withoutHopByHop } from '../hop-by-hop.mjs';
import { claimsOf } from './jwt.mjs';
import { buildRouter, findPath } from './router.mjs';

const router = buildRouter(ROUTES);
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const EXPOSED = work.CORS_EXPOSED.join(', ');

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': work.CORS_METHODS.join(', '),
  'access-control-allow-headers': work.CORS_HEADERS.join(', '),
  'access-control-max-age': String(work.CORS_MAX_AGE_SECONDS),
};

function setCommonHeaders(headers, call) {
  for (const [name, value] of work.SECURITY_HEADERS) headers.set(name, value);
  if (call.allowed) {
    headers.set('access-control-allow-origin', work.ALLOWED_ORIGIN);
    headers.set('access-control-allow-credentials', 'true');
    headers.set('access-control-expose-headers', EXPOSED);
  }
  headers.append('vary', 'Origin');
  headers.set('x-request-id', call.id);
}

function problem(call, status, code, title, detail, extra) {
  const headers = new Headers(extra);
  headers.set('content-type', 'application/problem+json');
  setCommonHeaders(headers, call);
  return new Response(JSON.stringify({ type: `about:blank#${code}`, title, status, detail, instance: call.id, code }), {
    status,
    headers,
  });
}

function preflight(call) {
  if (!call.allowed) return problem(call, 403, 'cors_refused', 'Forbidden', 'This origin may not call this API.');
  const headers = new Headers(PREFLIGHT_HEADERS);
  setCommonHeaders(headers, call);
  return new Response(null, { status: 204, headers });
}

const unauthorized = (call) =>
  problem(call, 401, 'unauthorized', 'Unauthorized', 'A valid bearer token is required.', {
    'www-authenticate': 'Bearer realm="api", error="invalid_token"',
  });

// A race costs less than an AbortSignal; when the answer is sent, workerd cancels a fetch that is still under way.
async function fetchWithDeadline(url, init) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, work.DEADLINE_MS, null);
  });
  const answer = await Promise.race([fetch(url, init), late]);
  clearTimeout(timer);
  return answer;
}

async function forward(call, request, url) {
  const headers = withoutHopByHop(request.headers);
  headers.delete('authorization');
  headers.set('x-user-id', call.principal);
  headers.set('x-request-id', call.id);
  let answer;
  try {
    answer = await fetchWithDeadline(url, { method: call.method, headers, body: request.body, redirect: 'manual' });
  } catch {
    return problem(call, 502, 'upstream_failed', 'Bad Gateway', 'The upstream could not be reached.');
  }
  if (answer === null) return problem(call, 504, 'upstream_timeout', 'Gateway Timeout', 'The upstream took too long.');
  const responseHeaders = withoutHopByHop(answer.headers);
  setCommonHeaders(responseHeaders, call);
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers: responseHeaders });
}

async function answer(call, request, env, target) {
  if (call.method === 'OPTIONS' && request.headers.has('access-control-request-method')) return preflight(call);
  const methods = findPath(router, call.path);
  if (methods === null) return problem(call, 404, 'not_found', 'Not Found', 'No route has this path.');
  const route = methods.get(call.method);
  if (route === undefined) {
    const allow = [...methods.keys()].join(', ');
    return problem(call, 405, 'method_not_allowed', 'Method Not Allowed', `Allowed: ${allow}.`, { allow });
  }
  call.route = route.path;
  const authorization = request.headers.get('authorization');
  if (authorization === null || !authorization.startsWith('Bearer ')) return unauthorized(call);
  const claims = await claimsOf(authorization.slice(7), env.JWT_SECRET);
  if (claims === null) return unauthorized(call);
  call.principal = claims.sub;
  if (!String(claims.scope).split(' ').includes(route.scope)) {
    return problem(call, 403, 'missing_scope', 'Forbidden', `The token lacks the scope ${route.scope}.`);
  }
  return forward(call, request, env.ORIGIN_URL + target);
}

function log(call, status, started) {
  console.log(
    JSON.stringify({
      level: 'info',
      msg: 'request',
      request_id: call.id,
      method: call.method,
      path: call.path,
      route: call.route,
      status,
      duration_ms: Date.now() - started,
      principal: call.principal,
    }),
  );
}

export default {
  async fetch(request, env) {
    const started = Date.now();
    const target = request.url.slice(request.url.indexOf('/', 8));
    const query = target.indexOf('?');
    const incoming = request.headers.get('x-request-id');
    const call = {
      id: incoming !== null && REQUEST_ID.test(incoming) ? incoming : crypto.randomUUID(),
      method: request.method,
      path: query < 0 ? target : target.slice(0, query),
      allowed: request.headers.get('origin') === work.ALLOWED_ORIGIN,
      route: null,
      principal: null,
    };
    const response = await answer(call, request, env, target);
    log(call, response.status, started);
    return response;
  },
};
