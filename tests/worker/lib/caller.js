// A second Worker in the same workerd, with a service binding to the gateway. It calls what its own URL names, and says
// what came of it.

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/through') return env.GATEWAY.fetch('http://gateway.test/health/live');
    try {
      const result = await env.GATEWAY[searchParams.get('name')](new Uint8Array(), env, 1, 2, 3);
      return Response.json({ result: String(result) });
    } catch (error) {
      return Response.json({ error: String(error) });
    }
  },
};
