// Waiting for something to become true. Not for the passing of time: nothing here sleeps a fixed while.

import { setTimeout as pause } from 'node:timers/promises';

const STEP_MS = 5;

/** Polls until `condition()` gives something true, and gives that. `complaint` says what was there instead. */
export async function eventually(condition, complaint = () => `never held: ${condition}`, withinMs = 5000) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > deadline) throw new Error(complaint());
    await pause(STEP_MS);
  }
}

/** The outcome of a promise, or a failure when it takes longer. */
export async function within(ms, promise, what) {
  const stop = new AbortController();
  const late = pause(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} took longer than ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
  }
}
