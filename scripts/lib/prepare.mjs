// What `npm start` and `npm test` need before they can begin: Node packages that match the lock file, Node 22 for
// wrangler, the Rust toolchain and its wasm target. Does nothing, in well under a second, when all is there.
// It does not build: that is scripts/build.mjs. Node built-ins only, since it runs before `npm ci`.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BIN, inRepository, ROOT } from './paths.mjs';
import { capture } from './processes.mjs';
import { Complaint, showStep } from './progress.mjs';
import { becomeNode22 } from './respawn.mjs';

const OLDEST_NODE = 20;
const PREPARED = 'FERROGATE_PREPARED';
const WASM_TARGET = 'wasm32-unknown-unknown';

/** Sets up what is missing, then makes sure that this script runs on Node 22. */
export async function prepare() {
  // Commands run each other; what the first has found need not be looked up again.
  if (process.env[PREPARED] === ROOT) return;
  requireNode();
  if (!packagesAreCurrent()) await showStep('packages: npm ci', installPackages);
  await becomeNode22();
  useFreshlyInstalledRustup();
  checkTools();
  await installToolchain();
  process.env.WRANGLER_SEND_METRICS = 'false';
  process.env[PREPARED] = ROOT;
}

/** For commands that use something newer than the oldest Node before they prepare. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) throw new Complaint(`Node ${process.versions.node} is too old. Install Node ${OLDEST_NODE} or newer from https://nodejs.org/.`);
}

// ---- packages ------------------------------------------------------------------------------------------------------

async function installPackages() {
  // npm would empty the folder that the link points to, and with it somebody else's checkout.
  if (fs.lstatSync(inRepository('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Complaint('node_modules is a link and does not match package-lock.json. Remove the link, or run npm ci where it points to.');
  }
  const { code, output } = await npm(['ci', '--no-audit', '--no-fund']);
  if (code !== 0) throw new Complaint(`npm ci failed:\n${output.trim()}`);
  if (!fs.existsSync(path.join(BIN, 'node'))) {
    throw new Complaint('npm ci left out the binary of the package `node`. Allow install scripts (npm config get ignore-scripts), then run again.');
  }
}

/** npm notes in `.package-lock.json` what it installed; that must not be older than, or differ from, the lock file. */
function packagesAreCurrent() {
  const lock = inRepository('package-lock.json');
  const installed = inRepository('node_modules', '.package-lock.json');
  if (!fs.existsSync(installed) || !fs.existsSync(path.join(BIN, 'node'))) return false;
  if (fs.statSync(installed).mtimeMs < fs.statSync(lock).mtimeMs) return false;
  const [wanted, present] = [lock, installed].map((file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages);
  const matches = ([name, { version, optional }]) => present[name]?.version === version || (optional === true && present[name] === undefined);
  return Object.entries(wanted).filter(([name]) => name !== '').every(matches);
}

/** npm replaces `node_modules` under its own feet: it must not run on the Node that is in there. */
function npm(args) {
  const PATH = process.env.PATH.split(path.delimiter).filter((folder) => path.resolve(folder) !== BIN).join(path.delimiter);
  return capture('npm', args, { cwd: inRepository(), env: { ...process.env, PATH } });
}

// ---- Rust ----------------------------------------------------------------------------------------------------------

/** rustup's installer changes PATH for the next shell only. */
function useFreshlyInstalledRustup() {
  const folder = path.join(process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo'), 'bin');
  if (!runs('rustup', ['--version']) && fs.existsSync(path.join(folder, 'rustup'))) process.env.PATH = `${process.env.PATH}${path.delimiter}${folder}`;
}

function checkTools() {
  if (!runs('rustup', ['--version'])) throw new Complaint('rustup was not found. Install it from https://rustup.rs/.');
  if (!runs('cc', ['--version'])) throw new Complaint(`no C compiler (cc) was found; Rust links with it. Install ${compilerPackage()}.`);
}

function compilerPackage() {
  return process.platform === 'darwin' ? 'one with: xcode-select --install' : 'one, for instance with: apt-get install build-essential';
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

async function installToolchain() {
  const channel = process.env.RUSTUP_TOOLCHAIN ?? pinnedChannel();
  const installed = await rustup(['toolchain', 'list']);
  if (!installed.split('\n').some((line) => line.split(' ')[0] === channel || line.startsWith(`${channel}-`))) {
    const parts = ['--profile', 'minimal', '--component', 'rustfmt', '--component', 'clippy', '--no-self-update'];
    await showStep(`Rust ${channel}: rustup toolchain install`, () => rustup(['toolchain', 'install', channel, ...parts]));
  }
  const targets = await rustup(['target', 'list', '--installed', '--toolchain', channel]);
  if (targets.split('\n').includes(WASM_TARGET)) return;
  await showStep(`Rust for wasm: rustup target add ${WASM_TARGET}`, () => rustup(['target', 'add', WASM_TARGET, '--toolchain', channel]));
}

function pinnedChannel() {
  return /^channel\s*=\s*"([^"]+)"/m.exec(fs.readFileSync(inRepository('rust-toolchain.toml'), 'utf8'))[1];
}

async function rustup(args) {
  // From a folder without rust-toolchain.toml: otherwise some versions install the pinned toolchain unannounced.
  const { code, stdout, stderr } = await capture('rustup', args, { cwd: os.tmpdir() });
  if (code !== 0) throw new Complaint(`rustup ${args.join(' ')} failed:\n${stderr.trim()}`);
  return stdout;
}
