// Numbers by chance, always the same for the same seed (xorshift32).

/** Dice of a seed. */
export function dice(seed) {
  // A state of zero would stay zero; small seeds differ in few bits, so they are spread first.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  const one = (list) => list[below(list.length)];
  const chance = (share) => next() < share;
  /** Some of a list, `most` at most; one may come twice. */
  const some = (list, most) => Array.from({ length: below(most + 1) }, () => one(list));
  return { below, one, chance, some };
}
