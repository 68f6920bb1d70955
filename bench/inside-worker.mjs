// The Worker of inside.mjs and load.mjs: runs one case n times within one request. Times nothing, for the clock stands still here.
// A case is one packed request into the wasm and, where it asks for one, the head of the upstream's answer after it.
// scripts/lib/bundle.mjs bundles it with the entry's own modules and the wasm of the same build.

import compiled from '../build/release/gateway.bin';
import * as wasm from '../build/release/ferrogate.js';
import { HEAD, NOTHING_TO_SAY, running } from '../src/entry/instance.mjs';
import { fieldsOf, pack } from '../src/entry/pack.mjs';
import { FORWARD, REPLENISH } from '../src/entry/plan.mjs';
import { MEASURED, PASS_THROUGH } from './routes.mjs';
import { ALLOWED_ORIGIN } from './work.mjs';

const CASES = {
  full: [MEASURED.path, 'GOOD_TOKEN'],
  'full, a warm limit': ['/api/v1/limits-1/42?expand=price', 'GOOD_TOKEN'],
  'full, two warm limits': ['/api/v1/limits-2/42?expand=price', 'GOOD_TOKEN'],
  'pass-through': [PASS_THROUGH, 'GOOD_TOKEN'],
  'refused (bad signature)': [MEASURED.path, 'BAD_TOKEN'],
  'not found': ['/nothing/here', 'GOOD_TOKEN'],
};

const CLIENT = '203.0.113.77';

/** Loads and starts the gateway n times over, as a fresh isolate does once. */
function load(env, n) {
  for (let call = 0; call < n; call++) {
    wasm.load(new Uint8Array(compiled), undefined, env, () => {});
    for (const [index, name] of wasm.variables().entries()) wasm.set_variable(index, env[name]);
    const [problem] = wasm.start(Date.now());
    if (problem !== undefined) throw new Error(problem);
  }
}

/** A number as messages have it: seven bits at a time, the lowest first. */
const varint = (number) => (number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))]);

/** What those who count would answer: a lease of more tokens than are spent here (gateway/src/fleet/limits/mod.rs). */
const LEASE = new Uint8Array([1, 0, 1, 0, ...[1, 1_000_000, 10_000, 0, 60_000].flatMap(varint)]);

/** Gives the isolate the tokens that a request lacks. */
function supplied(instance, plan, now) {
  for (let supplies = 0; plan.kind === REPLENISH; supplies++) {
    if (supplies === 4) throw new Error('the lease is not understood');
    for (let need = instance.need(now); need !== undefined; need = instance.need(now)) instance.heard(need.number, LEASE);
    plan = instance.step(plan, NOTHING_TO_SAY);
  }
  return plan;
}

function repeat(instance, request, n) {
  const now = Date.now();
  for (let call = 0; call < n; call++) {
    const fields = fieldsOf(instance, request);
    const plan = supplied(instance, instance.begin(now, pack(instance, request, fields), fields), now);
    if (plan.kind === FORWARD) instance.step(plan, HEAD, 200);
  }
}

export default {
  fetch(request, env) {
    const query = new URL(request.url).searchParams;
    const name = query.get('case');
    if (name === 'load') {
      load(env, Number(query.get('n')));
      return new Response('done');
    }
    if (name === null) return Response.json(Object.keys(CASES));
    // Nobody is asked here: see LEASE.
    const instance = running({ ...env, LIMITS: { idFromName() {} } });
    if (instance.problem !== undefined) return new Response(instance.problem, { status: 500 });
    const [path, token] = CASES[name];
    const headers = { origin: ALLOWED_ORIGIN, 'cf-connecting-ip': CLIENT, authorization: `Bearer ${env[token]}` };
    repeat(instance, new Request(`http://gateway.test${path}`, { headers }), Number(query.get('n')));
    return new Response('done');
  },
};
