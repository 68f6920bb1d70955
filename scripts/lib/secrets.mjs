// `.dev.vars`: the secrets of local runs. A fresh clone gets random ones; values that stand there are never changed.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { DEV_VARS, inRepository } from './paths.mjs';

const SECRET_BYTES = 32;
const EXAMPLE = inRepository('.dev.vars.example');
const ASSIGNMENT = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;

/** Writes `.dev.vars` from the example, or adds the names that it lacks. Returns all its values by name. */
export function ensureDevVars() {
  const example = fs.readFileSync(EXAMPLE, 'utf8');
  if (!fs.existsSync(DEV_VARS)) write(withRandomValues(example));
  const present = readDevVars();
  const lacking = example.split('\n').filter((line) => ASSIGNMENT.test(line) && !(nameOf(line) in present));
  if (lacking.length > 0) write(`${fs.readFileSync(DEV_VARS, 'utf8').trimEnd()}\n${withRandomValues(lacking.join('\n'))}\n`);
  return readDevVars();
}

function write(text) {
  fs.writeFileSync(DEV_VARS, text, { mode: 0o600 });
}

function withRandomValues(text) {
  const fill = (line) => (/^\s*\w+\s*=\s*$/.test(line) ? `${line.trim()}${randomBytes(SECRET_BYTES).toString('base64url')}` : line);
  return text.split('\n').map(fill).join('\n');
}

function readDevVars() {
  const found = fs.readFileSync(DEV_VARS, 'utf8').split('\n').map((line) => ASSIGNMENT.exec(line)).filter(Boolean);
  return Object.fromEntries(found.map(([, name, value]) => [name, unquote(value)]));
}

function nameOf(line) {
  return ASSIGNMENT.exec(line)[1];
}

function unquote(value) {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted ? quoted[2] : value;
}
