// How many requests windows of time hold. A client knows of a request when it was sent and when its answer was there; it was
// admitted somewhere between. So the counts are bounds: what is found to be too many or too few is that in truth.

const inOrder = (requests, time) => requests.toSorted((one, other) => one[time] - other[time]);

/** The most requests that some window of this length holds for certain, wherever it begins. */
export function mostWithin(requests, windowMs) {
  const sent = inOrder(requests, 'sentMs');
  return Math.max(0, ...sent.map(({ sentMs: from }, at) => {
    let held = 0;
    for (let next = at; next < sent.length && sent[next].sentMs <= from + windowMs; next++) held += sent[next].doneMs <= from + windowMs;
    return held;
  }));
}

/** The fewest requests that every window of this length between two moments may hold at most. */
export function leastWithin(requests, windowMs, from, to) {
  const begins = [from, ...requests.map(({ doneMs }) => doneMs + 1e-6)].filter((begin) => begin >= from && begin + windowMs <= to);
  const counts = begins.map((begin) => requests.filter(({ sentMs, doneMs }) => doneMs >= begin && sentMs <= begin + windowMs).length);
  return Math.min(...counts);
}
