// The Worker of inside.mjs: runs one case n times within one request. Times nothing, for the clock stands still here.
//
// instance.mjs stands beside it in the bundle and exports `cases`: {name: {begin(), step()}}. `begin` hands one packed
// request to the wasm, `step` the head of the upstream's answer; a case that is answered at once has no `step`.
import { cases } from './instance.mjs';

function repeat({ begin, step }, n) {
  if (!step) {
    for (let i = 0; i < n; i++) begin();
    return;
  }
  for (let i = 0; i < n; i++) {
    begin();
    step();
  }
}

export default {
  fetch(request) {
    const query = new URL(request.url).searchParams;
    const name = query.get('case');
    if (name === null) return Response.json(Object.keys(cases));
    repeat(cases[name], Number(query.get('n')));
    return new Response('done');
  },
};
