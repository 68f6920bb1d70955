// A bare proxy with a limit: one call of an object for each request, before anything is forwarded. Besides that what no
// gateway can leave out: hop-by-hop fields go, and one line is logged.
import { forwarded, logged } from './proxy.mjs';
import { fields, limitOf, refusal, take } from './limited.mjs';

export { Counter } from './counter.mjs';

export default {
  async fetch(request, env) {
    const started = Date.now();
    const target = request.url.slice(request.url.indexOf('/', 8));
    const limit = limitOf(target);
    if (limit === undefined) return logged(request, target, await forwarded(request, env, target), started);
    const taken = await take(env, limit, request.headers.get('cf-connecting-ip'));
    const response = taken.left < 0 ? refused(limit, taken) : await forwarded(request, env, target);
    for (const [name, value] of fields(limit, taken)) response.headers.set(name, value);
    return logged(request, target, response, started);
  },
};

function refused(limit, { resetMs }) {
  const { body, headers } = refusal(limit, resetMs);
  return new Response(body, { status: 429, headers });
}
