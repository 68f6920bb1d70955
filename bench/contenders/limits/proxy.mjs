// The proxy of the contenders in plain JavaScript: hop-by-hop fields go in both directions, and one line is logged.
import { withoutHopByHop } from '../hop-by-hop.mjs';

/** The answer of the origin. */
export async function forwarded({ method, headers, body }, env, target) {
  const answer = await fetch(env.ORIGIN_URL + target, { method, headers: withoutHopByHop(headers), body, redirect: 'manual' });
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers: withoutHopByHop(answer.headers) });
}

/** Logs a request and gives its answer. */
export function logged({ method }, target, response, started) {
  const [path] = target.split('?', 1);
  console.log(JSON.stringify({ level: 'info', msg: 'request', request_id: null, method, path, route: null, status: response.status, duration_ms: Date.now() - started, principal: null }));
  return response;
}
