// The few statistics that the tables use.
const sorted = (values) => [...values].sort((a, b) => a - b);

/** The value below which the share `p` of all values lies. */
export const quantile = (values, p) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * p))];

export const median = (values) => quantile(values, 0.5);

/** The fastest quarter's slowest value: drops the slices in which a neighbour on the machine was busy. */
export const fastestQuarter = (values) => quantile(values, 0.25);

/** Rows of text as a Markdown table. */
export const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
