// `npm run size`: how large the shipped wasm is, raw and compressed, against the budget. Size is start-up time.

import fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { WASM } from './lib/paths.mjs';
import { Complaint, fail } from './lib/progress.mjs';

const BUDGET_GZIP_BYTES = 400_000;

function size() {
  if (!fs.existsSync(WASM)) throw new Complaint('there is no release build yet. Run: npm run build');
  const wasm = fs.readFileSync(WASM);
  const gzip = gzipSync(wasm, { level: 9 }).length;
  console.log(`wasm: ${bytes(wasm.length)} raw, ${bytes(gzip)} gzip -9 (budget ${bytes(BUDGET_GZIP_BYTES)})`);
  if (gzip > BUDGET_GZIP_BYTES) throw new Complaint(`the wasm is ${bytes(gzip - BUDGET_GZIP_BYTES)} over its budget.`);
}

function bytes(count) {
  return `${count.toLocaleString('en')} bytes`;
}

try {
  size();
} catch (error) {
  fail(error);
}
