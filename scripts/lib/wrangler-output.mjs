// What of `wrangler dev`'s output belongs on the terminal: the gateway's own log lines, errors and warnings. Its
// banner, the table of bindings and its request lines (the gateway logs a better one) do not.

import { stripVTControlCharacters } from 'node:util';

const KEPT_LINES = 200;
const NOISE = [
  /^\[wrangler:info\]/,
  /^⎔/,
  /^The file .* changed, restarting build/,
  /^\[custom build\]\s*(Running: .*|\d+ routes?, .*|built .*)?$/,
  // What every run without the internet shows and that means nothing.
  /Unable to fetch the `Request\.cf` object/,
  /ENOTFOUND workers\.cloudflare\.com/,
];
// The first ones are the answers to our own questions, whether the gateway serves and has started.
const OWN_ANSWERS = ['live', 'startup'].map((path) => new RegExp(`^\\{.*"path":"/health/${path}".*"status":(200|503)`));
const CANNOT_START = /\{"level":"error","msg":"cannot start".*\}/;
const BANNER_END = /\bReady on http/;
const RELOADED = /Local server updated and ready/;
const PROBLEM = /\[(ERROR|WARNING)\]|^\[wrangler:(error|warn)\]|^\s*(Uncaught|\w*Error:)/;

/**
 * Sorts lines. `show` gets those for the terminal; all of them are kept for a failed start. Why the gateway cannot start
 * is told to `onCannotStart`, as a list.
 */
export function wranglerOutput({ show, onReload, onCannotStart }) {
  const kept = [];
  const awaited = [...OWN_ANSWERS];
  let ready = false;
  let problem = false;
  let noise = false;
  const line = (raw) => {
    const text = stripVTControlCharacters(raw);
    kept.push(text);
    if (kept.length > KEPT_LINES) kept.shift();
    if (BANNER_END.test(text)) ready = true;
    if (RELOADED.test(text)) onReload();
    const stopped = CANNOT_START.exec(text);
    if (stopped) return onCannotStart(JSON.parse(stopped[0]).reasons);
    // What a line begins goes on in the indented and empty lines below it: an error, or noise.
    const answer = awaited.findIndex((pattern) => pattern.test(text));
    const ours = answer >= 0;
    if (ours) awaited.splice(answer, 1);
    noise = ours || NOISE.some((pattern) => pattern.test(text)) || (noise && /^\s/.test(text));
    problem = !noise && (PROBLEM.test(text) || (problem && /^(\s|$)/.test(text)));
    if (!noise && text.trim() !== '' && (ready || problem || text.startsWith('{'))) show(text);
  };
  return { line, everything: () => kept.join('\n').trim() };
}
