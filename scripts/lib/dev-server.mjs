// `wrangler dev` for one gateway: started, waited for, and ended with us.

import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BIN, inRepository } from './paths.mjs';
import { HOST } from './ports.mjs';
import { startBackground } from './processes.mjs';
import { Complaint } from './progress.mjs';
import { endGroupWithUs } from './shutdown.mjs';
import { wranglerOutput } from './wrangler-output.mjs';

const READY_WITHIN_MS = 60_000;
const POLL_MS = 100;

/** Starts the gateway and resolves once it answers: `{ url, exited }`. */
export async function startDevServer({ port, config, persist, vars }, { show, onReload }) {
  const output = wranglerOutput({ show, onReload });
  const { group, exited } = startBackground(path.join(BIN, 'wrangler'), wranglerArguments({ port, persist, vars }), {
    cwd: inRepository(),
    env: { ...process.env, FERROGATE_CONFIG: config, FORCE_COLOR: '0' },
    onLine: output.line,
  });
  endGroupWithUs(group);
  const url = `http://${HOST}:${port}`;
  await answers(`${url}/health/live`, exited, output);
  return { url, exited };
}

function wranglerArguments({ port, persist, vars }) {
  return [
    'dev', '--ip', HOST, '--port', String(port), '--inspector-port', '0', '--persist-to', persist,
    '--show-interactive-dev-session=false', ...vars.flatMap(({ name, value }) => ['--var', `${name}:${value}`]),
  ];
}

async function answers(url, exited, output) {
  const deadline = Date.now() + READY_WITHIN_MS;
  let ended;
  exited.then((how) => { ended = how ?? 'an unknown code'; });
  while (!await isLive(url)) {
    if (ended !== undefined) throw new Complaint(`wrangler dev ended with ${ended} before the gateway answered:\n${output.everything()}`);
    if (Date.now() > deadline) throw new Complaint(`the gateway did not answer at ${url} within ${READY_WITHIN_MS / 1000} s:\n${output.everything()}`);
    await pause(POLL_MS);
  }
}

async function isLive(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(POLL_MS * 20) });
    return response.status === 200;
  } catch {
    return false;
  }
}
