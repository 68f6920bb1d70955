// `npm start`: the whole gateway on this machine. Sets up what is missing, builds, starts the example origin and
// `wrangler dev`, and shows what is going on until Ctrl-C. How each part works is in scripts/lib.

import { prepare, requireNode } from './lib/prepare.mjs';
import { Complaint, elapsed, fail, steps } from './lib/progress.mjs';
import { closeWithUs, endOnSignals, isStopping, stopEverything } from './lib/shutdown.mjs';

const STEPS = 4;

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
  const { applyMigrations } = await import('./lib/migrations.mjs');
  // It takes a moment, and the build does not need it.
  const migrating = applyMigrations({ persist: options.persist });
  migrating.catch(() => {});
  await step('build', (print) => runBuild(['--config', options.config], print));
  await step('database', (print) => migrating.then(({ applied }) => applied.forEach((name) => print(`applied ${name}`))));
  const origin = options.origin ? await step('example origin', startOrigin) : await step('no origin', () => undefined);
  const served = await step('gateway', (print) => startGateway({ ...options, port, origin }, print));
  return { ...served, welcome: await greet(options, served, origin) };
}

async function startOrigin() {
  const { startOrigin: startShop } = await import('../examples/shop/origin.mjs');
  const shop = await startShop({ port: 0 });
  closeWithUs(shop.close);
  return shop;
}

async function startGateway({ port, config, persist, vars, origin }, print) {
  const { startDevServer } = await import('./lib/dev-server.mjs');
  const { watchConfig } = await import('./lib/live-config.mjs');
  const named = vars.some(({ name }) => name === 'SHOP_URL');
  const setting = await settled(config, origin && !named ? [{ name: 'SHOP_URL', value: origin.url }, ...vars] : vars);
  const { devVars, written } = setting;
  if (written.length > 0) print(`wrote random values for ${written.join(', ')} to ${devVars}; keep it out of git`);
  const show = (text) => { if (!isStopping()) console.log(text); };
  const mends = (reason) => setting.missing.find(({ name }) => reason.includes(` ${name} is not set`))?.line ?? reason;
  const events = { show, mends, onReload: () => show('gateway reloaded') };
  const served = await startDevServer({ port, config, persist, vars: setting.vars, devVars }, events);
  closeWithUs(watchConfig(config, { show }));
  return { ...served, setting };
}

/** What the gateway gets for its variables. The example's stands in the checkout, where wrangler finds it by itself. */
async function settled(config, vars) {
  const { isExample, settle } = await import('./lib/own-gateway.mjs');
  const { ensureDevVars } = await import('./lib/secrets.mjs');
  if (isExample(config)) return { secrets: ensureDevVars(), vars, missing: [], written: [] };
  return settle(config, vars);
}

async function greet({ config }, { url, setting }, origin) {
  const { isExample, suggestions } = await import('./lib/own-gateway.mjs');
  const { demoToken, exampleRequests, welcome } = await import('./lib/demo.mjs');
  const token = isExample(config) ? await demoToken(config, setting.secrets) : undefined;
  const requests = isExample(config) ? exampleRequests(url, token) : await suggestions(url, config, setting);
  return welcome({ url, originUrl: origin?.url, token, requests });
}

start().catch(async (error) => {
  if (!isStopping()) fail(error);
  await stopEverything();
  process.exit();
});
