// Checks signatures of tokens by WebCrypto: RS256 and ES256. Which key, and whether anybody is believed, is decided in
// wasm; an instance imports each of its keys once.

import * as instances from "./instance.mjs";

/** What `crypto.subtle` calls the algorithms of JWKs (RFC 7518 section 3.1). ES256 signatures are two numbers one after
 * another in both (RFC 7518 section 3.4). */
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

const encoder = new TextEncoder();

/** Checks the signature of a plan. Gives what `step` takes, whatever happens. */
export async function verified(plan) {
  const signed = encoder.encode(plan.field());
  const signature = bytesOf(plan.field());
  const key = await keyOf(plan).catch(broken);
  if (key === undefined) return instances.KEY_UNUSABLE;
  try {
    const isRight = await crypto.subtle.verify(key.algorithm.name === "ECDSA" ? ALGORITHMS.ES256 : key.algorithm, key, signature, signed);
    return isRight ? instances.SIGNED : instances.UNSIGNED;
  } catch {
    // The key is good, so it is the signature that cannot be one.
    return instances.UNSIGNED;
  }
}

/** The key of a plan. Two requests that are the first to ask for it import it twice, for neither may wait for a promise of
 * the other. */
async function keyOf({ instance, number }) {
  const known = instance.keys.get(number);
  if (known !== undefined) return known;
  const jwk = JSON.parse(instance.publicKey(number));
  const key = await crypto.subtle.importKey("jwk", jwk, ALGORITHMS[jwk.alg], false, ["verify"]);
  instance.keys.set(number, key);
  return key;
}

/** Keys are looked at when the gateway starts: one that cannot be imported is a defect of that. */
function broken(error) {
  console.error(JSON.stringify({ level: "error", msg: "key unusable", error: String(error?.message) }));
}

/** The bytes of canonical base64url. */
function bytesOf(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
