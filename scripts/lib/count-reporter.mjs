// A reporter for `node --test` that only counts, and ends with one line of JSON. Node counts a file without any test
// (or with none that the name filter leaves) as one that passed; here it counts for nothing.

import path from 'node:path';

/** Node calls this with the stream of test events. */
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    const outcome = outcomeOf(type, data);
    if (outcome) counts[outcome] += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}

function outcomeOf(type, data) {
  if (data?.details?.type === 'suite') return undefined;
  if (type === 'test:fail') return data.todo ? 'skipped' : 'failed';
  if (type !== 'test:pass' || path.resolve(data.name) === data.file) return undefined;
  return data.skip || data.todo ? 'skipped' : 'passed';
}
