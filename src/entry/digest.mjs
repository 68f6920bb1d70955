// The body of a request that is signed, or is for the gateway itself: read as a whole, up to a limit.

import * as instances from "./instance.mjs";

/** What is read at once. */
const PIECE_BYTES = 64 * 1024;

/** What there is to digest without a body. */
export const NOTHING = new Uint8Array(0);

/** Reads a body. Gives its bytes and their SHA-256, or why there are none. */
export async function digest(body, limit) {
  try {
    const bytes = await collected(body, limit);
    if (bytes === undefined) return { failure: instances.BODY_TOO_LARGE };
    return { bytes, digest: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) };
  } catch {
    return { failure: instances.BODY_BROKEN };
  }
}

/** Reads a body. Gives its bytes, or why there are none. */
export async function readBody(body, limit) {
  try {
    return (await collected(body, limit)) ?? instances.BODY_TOO_LARGE;
  } catch {
    return instances.BODY_BROKEN;
  }
}

async function collected(body, limit) {
  const reader = body.getReader({ mode: "byob" });
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(Math.min(PIECE_BYTES, limit + 1 - length)));
    if (done) return joined(pieces, length);
    pieces.push(value);
    length += value.byteLength;
    if (length > limit) {
      reader.cancel().catch(() => {});
      return undefined;
    }
  }
}

function joined(pieces, length) {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
