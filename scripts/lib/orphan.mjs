// npm runs a script through a shell. A signal sent to npm alone ends that shell and tells the script nothing; what the
// script sees is that its parent has changed. Node built-ins only.

const POLL_MS = 250;

/** Calls `then` once the shell that npm started us with is gone. Without npm it never does. */
export function whenOrphaned(then) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const ticker = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(ticker);
    then();
  }, POLL_MS);
  ticker.unref();
}
