// A second Worker beside the gateway, with a binding to its object: hands a message on, bytes in and bytes out. (A stub
// that a test holds in Node would keep the object from being evicted.)

export default {
  async fetch(request, env) {
    return new Response(await env.SIGNALS.getByName('root').handle(await request.arrayBuffer()));
  },
};
