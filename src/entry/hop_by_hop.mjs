// Fields that end at each hop (RFC 9110 section 7.6.1): those that `Connection` names and the ones below.

const NAMES = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Whether a head has any of them. */
export function hasHopByHop(headers) {
  for (const name of NAMES) if (headers.has(name)) return true;
  return false;
}

/** Takes them out of a head. `Upgrade: websocket` stays: the runtime makes the next hop's handshake of it. */
export function stripHopByHop(headers) {
  const connection = headers.get("connection");
  const upgrade = headers.get("upgrade");
  if (connection !== null) for (const name of connection.split(",")) drop(headers, name.trim());
  for (const name of NAMES) headers.delete(name);
  if (upgrade !== null && upgrade.toLowerCase() === "websocket") headers.set("upgrade", upgrade);
}

/** What a client writes into `Connection` need not be a field name. */
function drop(headers, name) {
  if (/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) headers.delete(name);
}
