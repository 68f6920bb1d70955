// Fields that end at each hop (RFC 9110 section 7.6.1). The runtime shows them all but sends most of them to
// nobody: `Connection`, `Keep-Alive`, `TE`, `Trailer`, `Transfer-Encoding` and `Upgrade` of another hop. What is left
// for us are the fields that `Connection` names and those of proxies; tests/worker/hop_by_hop.test.mjs checks
// on the runtime that nothing of either kind gets through.

const OF_PROXIES = ["proxy-authenticate", "proxy-authorization", "proxy-connection"];

/** What nearly every head says, and what names no field of another kind. */
const ORDINARY = /^(?:keep-alive|close)$/i;

/** Whether a head names fields that must not go on. Enough for a route that hands everything on untouched: the fields
 * of proxies are then part of everything, and looking for each of them cost such a route 8 % of its CPU. */
export function namesHopByHop(headers) {
  const connection = headers.get("connection");
  return connection !== null && !ORDINARY.test(connection);
}

/** Takes them out of a head. */
export function stripHopByHop(headers) {
  const connection = headers.get("connection");
  if (connection !== null && !ORDINARY.test(connection)) {
    for (const name of connection.split(",")) drop(headers, name.trim().toLowerCase());
  }
  for (const name of OF_PROXIES) headers.delete(name);
}

/** What a client writes into `Connection` need not be a field name. `Upgrade` stays: a WebSocket needs it. */
function drop(headers, name) {
  if (name !== "upgrade" && /^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) headers.delete(name);
}
