// A part of the faults build: asks the origin under a key of a wait list, so that tests see who asked and who waited.

import { UNSHAREABLE, WaitList } from '../../../src/entry/wait_list.mjs';

/** The lists by their names, each with the options that the first request for it gave, and how many clients of it have
 * left before they had an answer. */
const lists = new Map();

function listOf(asked) {
  const name = asked.get('list');
  if (!lists.has(name)) lists.set(name, { list: new WaitList(JSON.parse(asked.get('options') ?? '{}')), left: 0 });
  return lists.get(name);
}

/**
 * Asks the origin for `path` under `key`, with `deadline` milliseconds for it. The body of the answer is what was shared;
 * `x-shared` says whether that was a `value`, `nothing`, `failed`, or `own` when it could not be shared.
 */
export async function shared(request, asked, env, ctx) {
  const one = listOf(asked);
  request.signal.addEventListener('abort', () => { one.left += 1; });
  let own;
  const work = async () => {
    const answer = await fetch(env.ORIGIN_URL + asked.get('path'));
    own = await answer.arrayBuffer();
    if (!answer.ok) throw new Error('the origin failed');
    return answer.headers.has('x-private') ? UNSHAREABLE : own;
  };
  try {
    const value = await one.list.share(asked.get('key'), ctx, work, { deadlineMs: Number(asked.get('deadline')) });
    if (value === UNSHAREABLE) return outcome('own', own);
    return value === undefined ? outcome('nothing') : outcome('value', value);
  } catch {
    return outcome('failed');
  }
}

function outcome(how, bytes) {
  return new Response(bytes, { headers: { 'x-shared': how } });
}

/** What a list says of itself; with `collect`, once all that nobody holds is gone from memory (`--expose-gc`). */
export function sharing(asked) {
  const { list, left } = listOf(asked);
  if (asked.has('collect')) globalThis.gc();
  return Response.json({ ...list.stats(), left });
}
