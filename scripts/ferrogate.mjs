#!/usr/bin/env node
// `npm run ferrogate -- ARGUMENTS`: the command line. Natively where cargo is, or where it has been; as wasm from
// build/cli/ (`npm run build:cli`) for everybody else. Both say the same. Node built-ins only.
//
// FERROGATE_CLI=native or FERROGATE_CLI=wasm takes one of them and no other.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { pathToFileURL } from 'node:url';
import { CLI, CLI_WASM, ROOT, TOOLS, inRepository } from './lib/paths.mjs';

const BUILD = ['build', '--quiet', '--locked', '-p', 'ferrogate-cli', '--profile', 'tool', '--target-dir', TOOLS];

process.exitCode = await main(process.argv.slice(2));

async function main(words) {
  const wanted = process.env.FERROGATE_CLI;
  // npm changes into the repository before it runs a script; paths are meant from where the user stands.
  if (process.env.npm_lifecycle_event === 'ferrogate' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  // `ferrogate init` writes paths to this checkout; `ferrogate admin` sends requests by Node and a program of it.
  process.env.FERROGATE_CHECKOUT = ROOT;
  process.env.FERROGATE_NODE = process.execPath;
  if (![undefined, '', 'native', 'wasm'].includes(wanted)) {
    console.error(`ferrogate: FERROGATE_CLI is native or wasm; found ${wanted}`);
    return 2;
  }
  if (wanted !== 'wasm' && nativeIsThere()) return native(words);
  if (wanted !== 'native' && fs.existsSync(CLI_WASM)) return wasm(words);
  console.error('ferrogate: there is no command line yet. Install Rust (https://rustup.rs/), or run: npm run build:cli');
  return 2;
}

/** Brings the native program up to date where that is possible; says whether there is one. */
function nativeIsThere() {
  if (fs.existsSync(inRepository('cli', 'Cargo.toml'))) {
    // Standard output belongs to the command.
    const { error, status } = spawnSync('cargo', BUILD, { cwd: inRepository(), stdio: ['ignore', 2, 2] });
    if (!error && status !== 0) process.exit(2);
  }
  return fs.existsSync(CLI);
}

function native(words) {
  const { status, signal, error } = spawnSync(CLI, words, { stdio: 'inherit' });
  if (error) console.error(`ferrogate: ${CLI} could not be started: ${error.message}`);
  return error ? 2 : status ?? 128 + os.constants.signals[signal];
}

async function wasm(words) {
  const { run } = await import(pathToFileURL(CLI_WASM).href);
  const { nodeMachine } = await import('./lib/cli-host.mjs');
  return run(words, nodeMachine());
}
