// Reads a plan: the words and the text that a turn of the driver leaves in wasm memory. The layout is that of
// gateway/src/driver/wire.rs. A plan is copied out at once, so it stays true whatever runs next.

export const MADE = 0;
export const RELAY = 1;
export const CLOSED = 2;
export const FORWARD = 3;
export const DELIVER = 4;
export const PARKED = 5;
export const VERIFY = 7;
export const DIGEST = 8;
export const READ = 9;
export const RUN = 10;
export const REFRESH = 11;
export const REPLENISH = 12;

const ASCII = 1;
const UNTOUCHED = 2;
export const ASKS = 4;
export const FLUSHES = 8;
export const FLUSHES_NOW = 16;
export const REPLENISHES = 32;
const COUNTS = 64;
const HEADER_WORDS = 8;

const decoder = new TextDecoder();

export class Plan {
  constructor(instance) {
    const { words, bytes, layout } = instance;
    const at = words[layout + 3] >>> 2;
    const start = words[layout + 2];
    const flags = words[at + 3];
    const length = words[at + 5];
    this.instance = instance;
    this.kind = words[at];
    this.index = words[at + 1];
    this.generation = words[at + 2];
    this.number = words[at + 4];
    this.limit = words[at + 7];
    this.untouched = (flags & UNTOUCHED) !== 0;
    this.counts = (flags & COUNTS) !== 0;
    /** What is due behind the response; 0 for nothing. */
    this.due = flags & (ASKS | FLUSHES | FLUSHES_NOW | REPLENISHES);
    this.next = 0;
    this.offset = 0;
    // A copy, for the output is written over by the next turn.
    this.words = [];
    for (let word = at + HEADER_WORDS, end = at + words[at + 6]; word < end; word++) this.words.push(words[word]);
    const text = bytes.subarray(start, start + length);
    // Lengths are in bytes: in ASCII those are characters; elsewhere the bytes are kept and decoded field by field.
    this.text = (flags & ASCII) !== 0 ? decoder.decode(text) : undefined;
    this.bytes = this.text === undefined ? text.slice() : undefined;
  }

  /** The next field. */
  field() {
    const from = this.offset;
    this.offset = from + this.words[this.next++];
    return this.text === undefined ? decoder.decode(this.bytes.subarray(from, this.offset)) : this.text.slice(from, this.offset);
  }

  /** The constant list that the next edits begin with, if any. Does not move on. */
  constant() {
    const list = this.words[this.next];
    return list === 0 ? undefined : this.instance.list(list - 1);
  }

  /** Carries out the next edits: the constant list (unless it is there already), then remove, set, append. */
  edit(headers, constantIsThere = false) {
    const { words } = this;
    const constant = constantIsThere ? undefined : this.constant();
    const at = this.next;
    this.next += 4;
    if (constant !== undefined) for (const pair of constant.pairs) headers.set(pair[0], pair[1]);
    for (let left = words[at + 1]; left > 0; left--) headers.delete(this.field());
    for (let left = words[at + 2]; left > 0; left--) headers.set(this.field(), this.field());
    for (let left = words[at + 3]; left > 0; left--) headers.append(this.field(), this.field());
  }
}

/** Writes the log line of a request, and behind it those of the audit log; empty stands for none. */
export function writeLog(lines) {
  if (lines === "") return;
  if (!lines.includes("\n")) return console.log(lines);
  for (const line of lines.split("\n")) console.log(line);
}
