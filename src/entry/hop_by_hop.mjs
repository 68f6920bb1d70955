// Fields that end at each hop (RFC 9110 section 7.6.1). The runtime keeps most of them to itself: it neither shows
// nor sends `Connection`, `Keep-Alive`, `TE`, `Trailer`, `Transfer-Encoding` and `Upgrade` of another hop. What is
// left for us are the fields that `Connection` names and those of proxies; tests/worker/hop_by_hop.test.mjs checks
// on the runtime that nothing of either kind gets through.

const OF_PROXIES = ["proxy-authenticate", "proxy-authorization", "proxy-connection"];

/** Whether a head has any field that must not go on. */
export function hasHopByHop(headers) {
  return headers.has("connection") || OF_PROXIES.some((name) => headers.has(name));
}

/** Takes them out of a head. */
export function stripHopByHop(headers) {
  const connection = headers.get("connection");
  if (connection !== null) for (const name of connection.split(",")) drop(headers, name.trim().toLowerCase());
  for (const name of OF_PROXIES) headers.delete(name);
}

/** What a client writes into `Connection` need not be a field name. `Upgrade` stays: a WebSocket needs it. */
function drop(headers, name) {
  if (name !== "upgrade" && /^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) headers.delete(name);
}
