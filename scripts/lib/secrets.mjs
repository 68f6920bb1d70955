// `.dev.vars`: the secrets of local runs. What is missing gets random values; values that stand there are never changed.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { parseEnv } from 'node:util';
import { DEV_VARS, inRepository } from './paths.mjs';

const SECRET_BYTES = 32;
const EXAMPLE = inRepository('.dev.vars.example');
const ASSIGNMENT = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;

/** Writes `.dev.vars` from the example, or adds the names that it lacks. Returns all its values by name. */
export function ensureDevVars() {
  const example = fs.readFileSync(EXAMPLE, 'utf8');
  if (!fs.existsSync(DEV_VARS)) write(withRandomValues(example));
  const present = readVars(DEV_VARS);
  const lacking = example.split('\n').filter((line) => ASSIGNMENT.test(line) && !(nameOf(line) in present));
  if (lacking.length > 0) write(`${fs.readFileSync(DEV_VARS, 'utf8').trimEnd()}\n${withRandomValues(lacking.join('\n'))}\n`);
  return readVars(DEV_VARS);
}

/** Adds names with random values to a `.dev.vars`, which is made for its owner alone if it is not there. */
export function addRandomValues(file, names) {
  if (names.length === 0) return;
  const present = fs.existsSync(file) ? `${fs.readFileSync(file, 'utf8').trimEnd()}\n\n` : '';
  const lines = names.map((name) => `${name}=${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
  fs.writeFileSync(file, `${present}# Random, written by \`npm start\` for runs on this machine. Keep them out of git.\n${lines.join('')}`, { mode: 0o600 });
}

/** The values of a `.dev.vars`; none where there is none. */
export function readVars(file) {
  return fs.existsSync(file) ? { ...parseEnv(fs.readFileSync(file, 'utf8')) } : {};
}

function write(text) {
  fs.writeFileSync(DEV_VARS, text, { mode: 0o600 });
}

function withRandomValues(text) {
  const fill = (line) => (/^\s*\w+\s*=\s*$/.test(line) ? `${line.trim()}${randomBytes(SECRET_BYTES).toString('base64url')}` : line);
  return text.split('\n').map(fill).join('\n');
}

function nameOf(line) {
  return ASSIGNMENT.exec(line)[1];
}
