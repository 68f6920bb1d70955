// `npm start` as a user runs it, for tests: started in a process group of its own like a terminal does, read line by
// line, interrupted by the signal that Ctrl-C sends, and always ended.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
// A first build on a slow machine takes minutes; afterwards it is seconds.
const READY_WITHIN_MS = 600_000;
const ENDED_WITHIN_MS = 15_000;
const POLL_MS = 50;

/** A temporary folder that the test's end removes. */
export function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts `npm start` with these arguments. Whatever happens, the test's end ends it and all its children. */
export function npmStart(t, args) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn('npm', ['start', '--', ...args], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = new Started(child);
  t.after(() => started.end());
  return started;
}

class Started {
  output = '';
  exit;

  constructor(child) {
    this.group = child.pid;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { this.output += chunk; });
    child.once('close', (code, signal) => { this.exit = { code, signal }; });
  }

  /** Waits for the greeting; fails with the whole output when the command ends before it. */
  async ready() {
    const greeted = () => /^Ctrl-C ends everything/m.test(this.output);
    await until(() => greeted() || this.exit, READY_WITHIN_MS, () => `npm start did not get ready:\n${this.output}`);
    if (!greeted()) throw new Error(`npm start ended with ${JSON.stringify(this.exit)}:\n${this.output}`);
    return this;
  }

  get url() {
    return /^gateway\s+(\S+)$/m.exec(this.output)[1];
  }

  get port() {
    return new URL(this.url).port;
  }

  /** The line to paste into a shell, as printed. */
  get tokenLine() {
    return /^export TOKEN=\S+$/m.exec(this.output)?.[0];
  }

  /** The requests to copy, as printed. */
  get curlLines() {
    return this.output.match(/^curl .*$/gm);
  }

  /** What a terminal does on Ctrl-C: the signal goes to every program in the foreground. */
  pressCtrlC() {
    process.kill(-this.group, 'SIGINT');
  }

  /** All running programs that descend from `npm start`. */
  descendants() {
    return descendantsOf(this.group, runningPrograms());
  }

  async ended() {
    await until(() => this.exit, ENDED_WITHIN_MS, () => `npm start did not end:\n${this.output}`);
    return this.exit;
  }

  async end() {
    const ids = this.exit ? [] : this.descendants();
    if (!this.exit) this.pressCtrlC();
    await until(() => this.exit && alive(ids).length === 0, ENDED_WITHIN_MS, () => '').catch(() => {});
    for (const id of alive(ids)) process.kill(id, 'SIGKILL');
  }
}

/** Polls until `condition()` holds, and returns what it gave. */
export async function until(condition, withinMs, complaint) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(complaint());
    await pause(POLL_MS);
  }
}

/** Those of these process ids that still run. */
export function alive(ids) {
  const running = new Set(runningPrograms().map(({ id }) => id));
  return ids.filter((id) => running.has(id));
}

/** A program that has ended and waits to be collected (state Z) does not run. */
function runningPrograms() {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.filter(([, , state]) => !state.startsWith('Z')).map(([id, parent]) => ({ id: Number(id), parent: Number(parent) }));
}

function descendantsOf(id, programs) {
  const children = programs.filter(({ parent }) => parent === id).map((program) => program.id);
  return [id, ...children.flatMap((child) => descendantsOf(child, programs))];
}
