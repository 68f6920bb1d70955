// What the terminal shows while something takes long: one line per step with the seconds it took.
// Node built-ins only: this also runs before `npm ci`.

const TICK_MS = 1000;
const QUIET_TICK_MS = 15_000;
const CLEAR_LINE = '\r\x1b[K';

/** An expected failure: the message says what to do, a stack trace would only hide it. */
export class Complaint extends Error {}

/** Counts the steps of one command: `[1/3] build ... 12 s`. */
export function steps(total) {
  let current = 0;
  return (title, work) => showStep(`[${++current}/${total}] ${title}`, work);
}

/** Runs `work(print)` under one line that shows the elapsed seconds; what the work prints goes above that line. */
export async function showStep(label, work) {
  const line = statusLine(label);
  const ticker = setInterval(line.show, line.intervalMs);
  try {
    const result = await work(line.print);
    line.finish();
    return result;
  } catch (error) {
    line.finish('failed');
    throw error;
  } finally {
    clearInterval(ticker);
  }
}

/** On a terminal the line is written over itself; elsewhere each state is a line, and there are fewer of them. */
function statusLine(label) {
  const started = Date.now();
  const interactive = process.stdout.isTTY === true;
  const clear = interactive ? CLEAR_LINE : '';
  const show = () => process.stdout.write(`${clear}${label} ... ${elapsed(started)}${interactive ? '' : '\n'}`);
  const print = (text) => {
    process.stdout.write(`${clear}${text}\n`);
    if (interactive) show();
  };
  const finish = (end = elapsed(started)) => process.stdout.write(`${clear}${label} ... ${end}\n`);
  if (interactive) show();
  return { show, print, finish, intervalMs: interactive ? TICK_MS : QUIET_TICK_MS };
}

/** The seconds since a moment, as people read them. */
export function elapsed(started) {
  const seconds = (Date.now() - started) / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** Ends the command with the right words: one line for a complaint, the stack trace for a mistake of ours. */
export function fail(error) {
  console.error(error instanceof Complaint ? `\nferrogate: ${error.message}` : error);
  process.exitCode = 1;
}
