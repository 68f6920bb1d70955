// One way to end a command: Ctrl-C, SIGTERM, a closed terminal, or its parent gone. The first signal ends things
// politely, a later one by force. Whoever starts something registers how to end it. Node built-ins only.

import { whenOrphaned } from './orphan.mjs';
import { signalGroup, startBackground, startForeground, stopGroup } from './processes.mjs';

// npm passes Ctrl-C on although the terminal has delivered it already: two signals at once are one key press.
const ONE_PRESS_MS = 500;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, disconnect: 143 };

const groups = new Set();
const closers = [];
let stopping;
let firstSignalAt;

/** Lets the signals end this process together with all that is registered. */
export function endOnSignals() {
  for (const reason of Object.keys(EXIT_CODES)) process.on(reason, () => onSignal(reason));
  // Listening for `disconnect` would keep a process alive that has nothing left to do.
  process.channel?.unref();
  whenOrphaned(() => onSignal('SIGTERM'));
}

/** Has a background program's group ended with this process. */
export function endGroupWithUs(group) {
  if (group !== undefined) groups.add(group);
}

/** For a background program that has ended by itself: its id may soon be somebody else's. */
export function forgetGroup(group) {
  groups.delete(group);
}

/** Runs a program to its end, its lines to `onLine` or else on the terminal; it ends with us when we end first. */
export async function runWithUs(command, args, options = {}) {
  const { group, exited } = (options.onLine ? startBackground : startForeground)(command, args, options);
  endGroupWithUs(group);
  const code = await exited;
  forgetGroup(group);
  return code;
}

/** Has `close` called when this process ends. */
export function closeWithUs(close) {
  closers.push(close);
}

/** True from the first signal on: what ends now ends as intended. */
export function isStopping() {
  return stopping !== undefined;
}

/** Ends all that is registered. Safe to call twice. */
export function stopEverything() {
  stopping ??= Promise.allSettled([...[...groups].map((group) => stopGroup(group)), ...closers.map((close) => close())]);
  return stopping;
}

async function onSignal(reason) {
  if (firstSignalAt === undefined) {
    firstSignalAt = Date.now();
    await stopEverything();
    process.exit(EXIT_CODES[reason]);
  }
  if (Date.now() - firstSignalAt < ONE_PRESS_MS) return;
  for (const group of groups) signalGroup(group, 'SIGKILL');
  process.exit(EXIT_CODES[reason]);
}
