// Messages to the object of signals, as bytes: the few that tests write by hand. See gateway/src/fleet/signals/mod.rs.

/** How far the log has come; the answer is the same bytes and the number. */
export const SEQUENCE = Uint8Array.from([3, 0]);

/** The same in the format before. */
export const SEQUENCE_BEFORE = Uint8Array.from([2, 0]);

/** A number as postcard writes it (LEB128). */
function varint(number) {
  const bytes = [];
  for (let left = BigInt(number); ; left >>= 7n) {
    const low = Number(left & 0x7fn);
    if (left < 0x80n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** The first two numbers that some bytes begin with. */
export function varints(bytes) {
  const numbers = [0, 0];
  let [which, shift] = [0, 1];
  for (const byte of bytes) {
    numbers[which] += (byte & 0x7f) * shift;
    shift *= 128;
    if (byte < 0x80) [which, shift] = [which + 1, 1];
    if (which === 2) break;
  }
  return numbers;
}

/** Marks a hash for a minute: the log comes one number further. */
export function mark(hash, now = Date.now()) {
  return Uint8Array.from([3, 2, 0, 0, 1, 2, ...varint(hash), ...varint(now + 60_000)]);
}
