// Conversations of hostile clients by chance, always the same for the same seed, and what may become of them: the rules
// that ../hostile.test.mjs holds the gateway to, written down a second time and apart from the gateway's own.

import { body, leftover } from './hostile/bodies.mjs';
import { dice } from './hostile/chance.mjs';
import { fields, frame, target } from './hostile/heads.mjs';

/** Conversations with so many requests together: { cases, pipelined, leaves }. */
export function conversations(seed, count) {
  const lots = dice(seed);
  const all = [];
  for (let number = 0; number < count;) {
    const length = Math.min(1 + lots.below(8), count - number);
    const cases = Array.from({ length }, () => hostileCase(lots, number++));
    all.push({ ...cutBehindWrong(cases, (left) => { number -= left; }), pipelined: lots.chance(0.5), leaves: lots.chance(0.02) });
    all.at(-1).cases.at(-1).wire += leftover(lots);
  }
  return all;
}

/** Nothing that follows a broken frame is sure to be read as it was meant: it is sent another time. */
function cutBehindWrong(cases, giveBack) {
  const wrong = cases.findIndex(({ right }) => !right);
  if (wrong < 0) return { cases };
  giveBack(cases.length - 1 - wrong);
  return { cases: cases.slice(0, wrong + 1) };
}

function hostileCase(lots, number) {
  const { method, version, hosts } = frame(lots);
  const goal = target(lots);
  const { lines, believed } = fields(lots);
  const framed = body(lots, number);
  const head = [`${method} ${goal} ${version}`, ...hosts.map((host) => `host: ${host}`), `x-case: ${number}`, ...lines, ...framed.lines];
  const wire = `${head.join('\r\n')}\r\n\r\n${framed.text}`;
  const fails = goal.split(/[?#]/)[0].endsWith('/fail');
  return { number, method, target: goal, hosts, believed, wire, fails, right: framed.right, named: namedByConnection(lines) };
}

/** The names that a client says end at this hop. */
function namedByConnection(lines) {
  return lines.filter((line) => /^connection: /.test(line)).flatMap((line) => line.slice('connection: '.length).toLowerCase().split(', '));
}

/** Whether the upstream may be blamed: it was made to fail, or the body of the request broke off on the way to it. */
export function mayFail({ fails, right }) {
  return fails || !right;
}

/** Every path that a target can be said to name. The runtime puts a `Host` as it is in front of the target; what
 * follows a slash in there is then part of the path, for decision and upstream alike. */
export function sentPaths({ target: goal, hosts }) {
  const path = (text) => text.split(/[?#\s]/)[0]; // a blank or a line break ends the target
  const own = /^[a-z]+:\/\//i.test(goal) ? goal.replace(/^[a-z]+:\/\/[^/?#]*/i, '') : goal;
  const [host = ''] = hosts;
  const slash = host.search(/[/?#]/);
  return slash < 0 ? [path(own)] : [path(host.slice(slash) + own)];
}

/** Whether a path has one meaning only: visible ASCII of RFC 3986, no empty or dot segment, nothing hidden in encodings. */
export function hasOneMeaning(path) {
  if (!/^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\dA-Fa-f]{2})*)+$/.test(path)) return false;
  if (/%(?:[01][\da-f]|7f|2f|5c)/i.test(path)) return false;
  const segments = path.split('/').slice(1);
  return segments.every((segment, at) => (segment !== '' || at === segments.length - 1) && !/^\.{1,2}$/.test(segment.replace(/%2e/gi, '.')));
}

/** A request as a test's failure shows it. */
export function shown({ number, wire }) {
  const text = JSON.stringify(wire);
  return `request ${number}: ${text.length > 1200 ? `${text.slice(0, 1200)}… (${wire.length} bytes)` : text}`;
}
