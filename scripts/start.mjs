// `npm start`: the whole gateway on this machine. Sets up what is missing, builds, starts the example origin and
// `wrangler dev`, and shows what is going on until Ctrl-C. How each part works is in scripts/lib.

import { prepare, requireNode } from './lib/prepare.mjs';
import { Complaint, elapsed, fail, steps } from './lib/progress.mjs';
import { closeWithUs, endOnSignals, isStopping, stopEverything } from './lib/shutdown.mjs';

const STEPS = 3;

async function start() {
  const began = Date.now();
  requireNode();
  const { startOptions, USAGE } = await import('./lib/options.mjs');
  const options = startOptions(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  await prepare();
  endOnSignals();
  const gateway = await startParts(options, steps(STEPS));
  console.log(`ready in ${elapsed(began)}`);
  console.log(gateway.welcome);
  const how = await gateway.exited;
  if (!isStopping()) throw new Complaint(`wrangler dev ended with ${how}.`);
}

/** Everything below imports late: before `prepare`, packages need not be there. */
async function startParts(options, step) {
  const { claimPort } = await import('./lib/ports.mjs');
  const port = await claimPort(options.port);
  const { runBuild } = await import('./lib/build-step.mjs');
  await step('build', (print) => runBuild(['--config', options.config], print));
  const origin = options.origin ? await step('example origin', startOrigin) : await step('no origin', () => undefined);
  const served = await step('gateway', () => startGateway({ ...options, port, origin }));
  return { ...served, welcome: await greet(options, served.url, origin) };
}

async function startOrigin() {
  const { startOrigin: startShop } = await import('../examples/shop/origin.mjs');
  const shop = await startShop({ port: 0 });
  closeWithUs(shop.close);
  return shop;
}

async function startGateway({ port, config, persist, vars, origin }) {
  const { ensureDevVars } = await import('./lib/secrets.mjs');
  const { startDevServer } = await import('./lib/dev-server.mjs');
  const { watchConfig } = await import('./lib/live-config.mjs');
  ensureDevVars();
  const named = vars.some(({ name }) => name === 'SHOP_URL');
  const allVars = origin && !named ? [{ name: 'SHOP_URL', value: origin.url }, ...vars] : vars;
  const show = (text) => { if (!isStopping()) console.log(text); };
  const served = await startDevServer({ port, config, persist, vars: allVars }, { show, onReload: () => show('gateway reloaded') });
  closeWithUs(watchConfig(config, { show }));
  return served;
}

async function greet({ config }, url, origin) {
  const { ensureDevVars } = await import('./lib/secrets.mjs');
  const { demoToken, welcome } = await import('./lib/demo.mjs');
  const token = await demoToken(config, ensureDevVars());
  return welcome({ url, config, originUrl: origin?.url, token });
}

start().catch(async (error) => {
  if (!isStopping()) fail(error);
  await stopEverything();
  process.exit();
});
