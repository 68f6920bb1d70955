// Fields by which a client asks a server to read another method or another path than those that it sent, and than those
// that the gateway has decided on: a frontend's leftovers that many frameworks believe. They go no further. What a route
// sets under such a name by itself stays.

const OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"];

/** Takes them out of the head of a request. */
export function stripOverrides(headers) {
  for (const name of OVERRIDES) headers.delete(name);
}
