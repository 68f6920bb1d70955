// A Worker behind a service binding of the gateway: says what reached it, or does what the end of the path names. The
// counterpart of origin.mjs for requests that never touch the network.

const ANSWERS = {
  redirect: () => new Response('moved', { status: 302, headers: { location: '/elsewhere' } }),
  nothing: () => new Response(null, { status: 204, headers: { 'x-service': 'nothing' } }),
  unchanged: () => new Response(null, { status: 304, headers: { etag: '"7"' } }),
  throw: () => {
    throw new Error('the service has failed');
  },
  hang: () => new Promise((resolve) => setTimeout(resolve, 600_000)),
  cookies: () => new Response('cookies', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }),
};

export default {
  async fetch(request) {
    const { method, url, headers } = request;
    const name = new URL(url).pathname.split('/').pop();
    if (name in ANSWERS) return ANSWERS[name]();
    const body = await request.text();
    console.log(`the service has read ${body.length} bytes`);
    return Response.json({ method, url, headers: Object.fromEntries(headers), body });
  },
};
