// Starting and ending other programs. Each background program gets a process group of its own, so that its children
// (wrangler's workerd, for one) end with it, by ids that this module was given. Node built-ins only.

import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Complaint } from './progress.mjs';

const POLL_MS = 50;
const GRACE_MS = 5000;
const KILL_WAIT_MS = 2000;

/** Runs a program to its end and collects what it says, line by line to `onLine` meanwhile. */
export function capture(command, args, { onLine, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (chunk) => { texts[name] += chunk; });
      if (onLine) eachLine(child[name], onLine);
    }
    child.once('error', (error) => reject(missing(command, error)));
    child.once('close', (code) => resolve({ code, ...texts, output: texts.stdout + texts.stderr }));
  });
}

function missing(command, error) {
  return error.code === 'ENOENT' ? new Complaint(`${command} was not found.`) : error;
}

/** Calls `onLine` with every line of a stream, the unfinished last one included. */
export function eachLine(stream, onLine) {
  let rest = '';
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(line.replace(/\r$/, ''));
  });
  stream.once('end', () => { if (rest !== '') onLine(rest); });
}

/** Starts a program in a process group of its own, its lines to `onLine`. `exited` resolves when it has ended. */
export function startBackground(command, args, { onLine, ...options }) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
  for (const stream of [child.stdout, child.stderr]) eachLine(stream.setEncoding('utf8'), onLine);
  return { group: child.pid, exited: exitOf(child, command) };
}

/** The same with its output on the terminal. */
export function startForeground(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true, ...options });
  return { group: child.pid, exited: exitOf(child, command) };
}

/** The exit code, the signal's name, or why it could not start. */
function exitOf(child, command) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(missing(command, error).message));
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
}

/** Ends a whole process group: politely, and after the grace by force. Resolves when nobody of it is left. */
export async function stopGroup(group, { graceMs = GRACE_MS } = {}) {
  if (group === undefined) return;
  signalGroup(group, 'SIGTERM');
  if (await groupEnds(group, graceMs)) return;
  signalGroup(group, 'SIGKILL');
  await groupEnds(group, KILL_WAIT_MS);
}

/** Sends a signal to everyone in a group. False when the group is empty. */
export function signalGroup(group, signal) {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    // macOS answers EPERM for a group whose members have ended but are not yet collected.
    if (error.code === 'EPERM') return false;
    throw error;
  }
}

async function groupEnds(group, withinMs) {
  const deadline = Date.now() + withinMs;
  while (signalGroup(group, 0)) {
    if (Date.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}
