// A second Worker in the same workerd, with a service binding to the gateway. It calls what its own URL names, and says
// what came of it. It can send what no HTTP connection carries: a body that is not as long as it is said to be.

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/through') return env.GATEWAY.fetch('http://gateway.test/health/live');
    if (pathname === '/send') return send(env, searchParams);
    try {
      const result = await env.GATEWAY[searchParams.get('name')](new Uint8Array(), env, 1, 2, 3);
      return Response.json({ result: String(result) });
    } catch (error) {
      return Response.json({ error: String(error) });
    }
  },
};

/** Sends a body of so many bytes, streamed or in one piece, under whatever Content-Length the test wants. */
function send(env, asked) {
  const bytes = new Uint8Array(Number(asked.get('length'))).fill(120);
  const body = asked.has('streamed') ? new Blob([bytes]).stream().pipeThrough(new TransformStream()) : bytes;
  const headers = asked.has('announced') ? { 'content-length': asked.get('announced') } : {};
  return env.GATEWAY.fetch(`http://gateway.test${asked.get('path')}`, { method: 'POST', headers, body });
}
