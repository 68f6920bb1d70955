// All smoke checks, one after another, and what became of them.

import { BASICS } from './basics.mjs';
import { CONNECTIONS } from './connections.mjs';
import { CORS } from './cors.mjs';
import { Skip } from './expect.mjs';
import { LIMITS } from './limits.mjs';
import { TOKENS } from './tokens.mjs';

const CHECKS = [...BASICS, ...CORS, ...TOKENS, ...LIMITS, ...CONNECTIONS];

/** Runs them. Gives a list of { name, outcome: pass | fail | skip, reason, ms }; `onOutcome` sees each as it comes. */
export async function runChecks(target, onOutcome) {
  const outcomes = [];
  for (const [name, check] of CHECKS) {
    const began = performance.now();
    const verdict = await judge(check, target);
    const outcome = { name, ...verdict, ms: Math.round(performance.now() - began) };
    onOutcome(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

async function judge(check, target) {
  try {
    await check(target);
    return { outcome: 'pass' };
  } catch (error) {
    return { outcome: error instanceof Skip ? 'skip' : 'fail', reason: error.message };
  }
}
