// The entry of the faults build: the real one, and questions about its insides that only tests ask. It is never
// part of a deployed bundle (scripts/lib/bundle.mjs takes it for `--variant faults` alone).

import { grow, inspect } from '../../../build/release/ferrogate.js';
import { generation } from '../../../src/entry/instance.mjs';
import entry from '../../../src/entry/main.mjs';
import { shared, sharing } from './shared.mjs';

export * from '../../../src/entry/main.mjs';

export default {
  ...entry,
  fetch(request, env, ctx) {
    // A hostile request has a URL that cannot be parsed; whoever asks about our insides has not.
    if (!request.url.includes('/__ferrogate/')) return entry.fetch(request, env, ctx);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/__ferrogate/memory') return memory();
    if (pathname === '/__ferrogate/grow') return grown();
    if (pathname === '/__ferrogate/signatures') return signatures(Number(searchParams.get('hold')));
    if (pathname === '/__ferrogate/object') return askObject(env, searchParams);
    if (pathname === '/__ferrogate/shared') return shared(request, searchParams, env, ctx);
    if (pathname === '/__ferrogate/sharing') return sharing(searchParams);
    return entry.fetch(request, env, ctx);
  },
};

/** Requests in flight, bytes of wasm memory, and how often the instance was replaced. */
function memory() {
  const [slots, bytes] = inspect();
  return Response.json({ bytes, slots, resets: generation });
}

/** Makes wasm memory grow between two requests, which leaves all views on it empty. */
function grown() {
  grow();
  return memory();
}

const asked = { verified: 0, imported: 0 };
let holdMs = 0;
const { verify, importKey } = SubtleCrypto.prototype;

SubtleCrypto.prototype.verify = async function (...rest) {
  asked.verified += 1;
  if (holdMs > 0) await scheduler.wait(holdMs);
  return verify.apply(this, rest);
};
SubtleCrypto.prototype.importKey = function (...rest) {
  asked.imported += 1;
  return importKey.apply(this, rest);
};

/** How often signatures were checked and keys imported since the last time; from now on each check takes so long. */
function signatures(ms) {
  const before = { ...asked };
  Object.assign(asked, { verified: 0, imported: 0 });
  holdMs = ms;
  return Response.json(before);
}

/** Hands a message to the object of a name: bytes in hexadecimal, both ways. */
async function askObject(env, asked) {
  const message = Uint8Array.from(asked.get('message').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    const answer = await env[asked.get('binding') ?? 'SIGNALS'].getByName(asked.get('name')).handle(message);
    return Response.json({ answer: hex(answer) });
  } catch (error) {
    return Response.json({ error: String(error?.message ?? error) }, { status: 500 });
  }
}

function hex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
