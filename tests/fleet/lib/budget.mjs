// The time that the tests of this folder have, and the seeds of those that go on for as long as there is some:
// FERROGATE_SOAK_SECONDS is for all of them together. FERROGATE_SEED repeats one round.

import { randomFrom } from './seed.mjs';

/** What a minute is enough for: the tests that look at something once. The rest is for rounds. */
const FIXED_MS = 30_000;

/** The time of all tests together. */
export const SECONDS = Number(process.env.FERROGATE_SOAK_SECONDS ?? 60);

/** The tests that go on in rounds, and how much of the time each has, compared with the others. */
const WEIGHTS = {
  'the sequence': 1,
  'limits under faults': 1,
};

/** Milliseconds that a test has. */
export function shareOf(name, seconds = SECONDS) {
  if (!(name in WEIGHTS)) throw new Error(`${name} has no weight in ${import.meta.filename}`);
  const all = seconds * 1000;
  const weights = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);
  return (Math.max(all - FIXED_MS, all / 2) * WEIGHTS[name]) / weights;
}

/**
 * Calls `round(random, seed)` again and again until the test's share of time is over, at least once, each time with
 * another seed; `random` gives numbers from 0 to 1 by it. A failure names the seed.
 */
export async function rounds(name, round, { ms = shareOf(name), seed = process.env.FERROGATE_SEED } = {}) {
  const until = performance.now() + ms;
  let done = 0;
  do {
    const current = seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(seed);
    try {
      await round(randomFrom(current), current);
    } catch (error) {
      throw new Error(`round ${done + 1} of "${name}" failed; again with FERROGATE_SEED=${current}: ${error.message}`, { cause: error });
    }
    done += 1;
  } while (seed === undefined && performance.now() < until);
  return done;
}
