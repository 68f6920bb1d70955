// One HTTP request for the command line: a question as JSON on standard input, its answer as JSON on standard output.
// Both kinds of the command line start it, so that neither needs an HTTP client of its own. Secrets come and go by the
// two streams, never by arguments. A redirect is an answer like any other. Node built-ins only.

const LARGEST = 32 * 1024 * 1024;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { within_ms: withinMs, ...question } = JSON.parse(Buffer.concat(chunks));
process.stdout.write(JSON.stringify(await ask(question, AbortSignal.timeout(withinMs)).catch(failed)));

async function ask({ method, url, headers, body }, signal) {
  const response = await fetch(url, { method, headers, body: body ?? undefined, redirect: 'manual', signal });
  const parts = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > LARGEST) return { failure: 'ETOOBIG' };
    parts.push(part);
  }
  return { status: response.status, headers: [...response.headers], body: Buffer.concat(parts).toString() };
}

/** By the name that Node gives it, or else in its words. */
function failed(error) {
  if (error.name === 'TimeoutError') return { failure: 'ETIMEDOUT' };
  const cause = error.cause ?? error;
  return { failure: String(cause.code ?? cause.message) };
}
