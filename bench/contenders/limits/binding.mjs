// A bare proxy with Cloudflare's rate limiting binding. It says yes or no: there is nothing to tell clients of what is left.
import { forwarded, logged } from './proxy.mjs';
import { WINDOW_MS, limitOf, refusal } from './limited.mjs';

const BINDINGS = { client: 'MANY', few: 'FEW' };

export default {
  async fetch(request, env) {
    const started = Date.now();
    const target = request.url.slice(request.url.indexOf('/', 8));
    const limit = limitOf(target);
    if (limit !== undefined) {
      const { success } = await env[BINDINGS[limit.name]].limit({ key: request.headers.get('cf-connecting-ip') });
      if (!success) {
        const { body, headers } = refusal(limit, WINDOW_MS);
        return logged(request, target, new Response(body, { status: 429, headers }), started);
      }
    }
    return logged(request, target, await forwarded(request, env, target), started);
  },
};
