// The machine under the command line when it runs as wasm: what cli/node asks for, in Node's own functions. Nothing
// here throws into wasm: what fails returns nothing, and the reason is asked for. Node built-ins only.

import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import tty from 'node:tty';
import { inRepository } from './paths.mjs';

const ASK = inRepository('scripts', 'lib', 'ask.mjs');
const LARGEST_ANSWER = 256 * 1024 * 1024;

/** A fresh machine: it remembers what failed last. */
export function nodeMachine() {
  let failure = { code: '', errno: 0 };
  const trying = (work, otherwise) => {
    try {
      return work();
    } catch (error) {
      failure = error;
      return otherwise;
    }
  };
  return {
    read: (file) => trying(() => fs.readFileSync(file)),
    list: (folder) => trying(() => fs.readdirSync(folder)),
    write: (file, content, forOwner) => trying(() => write(file, content, forOwner), false),
    failureName: () => String(failure.code ?? ''),
    failureNumber: () => Math.abs(failure.errno ?? 0),
    absolute: (file) => trying(() => path.resolve(file)),
    variable: (name) => process.env[name],
    now: () => Math.floor(Date.now() / 1000),
    random: (length) => randomFillSync(new Uint8Array(length)),
    ask,
    isTerminal: (stream) => tty.isatty(stream),
    print,
  };
}

/** Old content or new, never a part: written beside, then renamed. */
function write(file, content, forOwner) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const unfinished = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.unfinished`);
  try {
    fs.writeFileSync(unfinished, content, { mode: forOwner ? 0o600 : 0o666 });
    fs.renameSync(unfinished, file);
  } catch (error) {
    fs.rmSync(unfinished, { force: true });
    throw error;
  }
  return true;
}

/** Sends a request by another process: nothing here can wait. */
function ask(question) {
  const { error, stdout } = spawnSync(process.execPath, [ASK], { input: question, stdio: ['pipe', 'pipe', 'inherit'], maxBuffer: LARGEST_ANSWER });
  return error ? undefined : stdout;
}

/** All of it, at once: what `process.stdout` still holds is lost when the process ends. */
function print(stream, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(stream, rest));
    } catch (error) {
      // A full pipe has room again soon; one without a reader never has.
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
