// `wrangler dev` for one gateway: started, waited for, and ended with us.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BIN, inRepository } from './paths.mjs';
import { HOST } from './ports.mjs';
import { startBackground } from './processes.mjs';
import { Complaint } from './progress.mjs';
import { closeWithUs, endGroupWithUs } from './shutdown.mjs';
import { wranglerOutput } from './wrangler-output.mjs';

const READY_WITHIN_MS = 60_000;
const REASONS_WITHIN_MS = 5_000;
const POLL_MS = 100;

/**
 * Starts the gateway and resolves once it serves: `{ url, exited }`. One that cannot start is a complaint with all reasons;
 * `mends` may have a better line for some of them.
 */
export async function startDevServer({ port, config, persist, vars, devVars }, { show, onReload, mends = (reason) => reason }) {
  let serves = false;
  let reasons;
  const onCannotStart = (found) => {
    reasons = found.map(mends);
    if (serves) show(`${cannotStart(reasons)}\nEvery request is answered 503 until then. New values are taken with the next start.`);
  };
  const output = wranglerOutput({ show, onReload, onCannotStart });
  const { group, exited } = startBackground(path.join(BIN, 'wrangler'), wranglerArguments({ port, persist, vars, devVars }), {
    cwd: inRepository(),
    env: { ...process.env, FERROGATE_CONFIG: config, FORCE_COLOR: '0' },
    onLine: output.line,
  });
  endGroupWithUs(group);
  const url = `http://${HOST}:${port}`;
  await answers(`${url}/health/live`, exited, output);
  if (await statusOf(`${url}/health/startup`) !== 200) {
    // The log comes on another way than the answer.
    for (let waited = 0; reasons === undefined && waited < REASONS_WITHIN_MS; waited += POLL_MS) await pause(POLL_MS);
    throw new Complaint(cannotStart(reasons ?? [output.everything()]));
  }
  serves = true;
  return { url, exited };
}

const cannotStart = (reasons) => `the gateway cannot start:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`;

function wranglerArguments({ port, persist, vars, devVars }) {
  return [
    'dev', '--ip', HOST, '--port', String(port), '--inspector-port', '0', '--persist-to', persist,
    '--show-interactive-dev-session=false', ...vars.flatMap(({ name, value }) => ['--var', `${name}:${value}`]),
    ...(devVars === undefined ? [] : ['--env-file', asEnvFile(devVars)]),
  ];
}

/** wrangler reads `.dev.vars` beside its own configuration alone, and another file as an env file, in which `$` is special. */
function asEnvFile(devVars) {
  const text = fs.readFileSync(devVars, 'utf8');
  if (!text.includes('$')) return devVars;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrogate-vars-'));
  closeWithUs(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'vars');
  fs.writeFileSync(file, text.replaceAll('$', '\\$'), { mode: 0o600 });
  return file;
}

async function answers(url, exited, output) {
  const deadline = Date.now() + READY_WITHIN_MS;
  let ended;
  exited.then((how) => { ended = how ?? 'an unknown code'; });
  while (await statusOf(url) !== 200) {
    if (ended !== undefined) throw new Complaint(`wrangler dev ended with ${ended} before the gateway answered:\n${output.everything()}`);
    if (Date.now() > deadline) throw new Complaint(`the gateway did not answer at ${url} within ${READY_WITHIN_MS / 1000} s:\n${output.everything()}`);
    await pause(POLL_MS);
  }
}

/** The status of an answer; nothing when there is none. */
async function statusOf(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(POLL_MS * 20) });
    return response.status;
  } catch {
    return undefined;
  }
}
