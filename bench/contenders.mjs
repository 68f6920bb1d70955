// Which servers there are, and which rows of the table they fill. Data only; nothing is started here.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_CONTENDERS, EVERY_STAGE, FERROGATE_BUNDLE, compatibility } from './lib/places.mjs';
import { SECRET } from './lib/tokens.mjs';
import { MEASURED, PASS_THROUGH } from './routes.mjs';

const built = (...files) => files.map((file) => join(BUILT_CONTENDERS, file));

/** The files of a bundle folder, index.js first: workerd takes the first module as the main one. */
export function bundleFiles(folder) {
  if (!existsSync(folder)) return [join(folder, 'index.js')]; // reported as missing where it is used
  const others = readdirSync(folder).filter((name) => name !== 'index.js' && /\.(js|mjs|wasm|bin)$/.test(name));
  return ['index.js', ...others].map((name) => join(folder, name));
}

/** Workers by key. `full` ones do all of the common work. */
export const WORKERS = {
  constant: { name: 'constant JavaScript', files: built('constant.js') },
  bare: { name: 'bare JavaScript proxy', files: built('bare.js') },
  'bare-logged': { name: 'bare proxy + log line + hop-by-hop', files: built('bare-logged.js') },
  hand: { name: 'hand-written JavaScript', full: true, files: built('hand.js') },
  hono: { name: 'Hono', full: true, files: built('hono.js') },
  'workers-rs': {
    name: 'idiomatic workers-rs',
    full: true,
    files: built('workers-rs/index.js', 'workers-rs/workers_rs_contender_bg.wasm'),
  },
  ferrogate: { name: 'Ferrogate', full: true, files: bundleFiles(FERROGATE_BUNDLE), ferrogate: true },
  // With everything switched on that a request can meet; the first does by hand what the second's file says.
  'hono-every-stage': { name: 'Hono, every stage', full: true, every: true, files: built('hono-every-stage.js') },
  'every-stage': {
    name: 'Ferrogate, every stage',
    full: true,
    every: true,
    files: [...bundleFiles(FERROGATE_BUNDLE).filter((file) => !file.endsWith('.bin')), EVERY_STAGE],
    ferrogate: true,
  },
};

const EVERY = Object.keys(WORKERS).filter((key) => WORKERS[key].every);
const FULL = Object.keys(WORKERS).filter((key) => WORKERS[key].full && !WORKERS[key].every);
const GOOD = { path: MEASURED.path, token: 'good', status: 200 };
const FRESH = { path: MEASURED.path, fresh: true, status: 200 };
const REFUSED = { path: MEASURED.path, token: 'badSignature', status: 401 };
const row = (worker, kind, name, load = GOOD) => ({ key: `${kind}:${worker}`, worker, kind, name, ...load });

/** Rows of one worker share its process. */
export const ROWS = [
  row('bare', 'proxy', 'bare JavaScript proxy'),
  row('bare-logged', 'proxy', 'bare proxy + log line + hop-by-hop'),
  ...FULL.map((key) => row(key, 'full', `full: ${WORKERS[key].name}`)),
  ...EVERY.map((key) => row(key, 'every', `full: ${WORKERS[key].name}`)),
  ...FULL.map((key) => row(key, 'fresh', `full, every token new: ${WORKERS[key].name}`, FRESH)),
  row('ferrogate', 'pass', 'pass-through: Ferrogate', { ...GOOD, path: PASS_THROUGH }),
  ...FULL.map((key) => row(key, 'refused', `refused (bad signature): ${WORKERS[key].name}`, REFUSED)),
];

/** What `startWorkerd` takes. Ferrogate alone runs with the compatibility flags that it is deployed with. */
export const workerOf = (key, originUrl) => ({
  files: WORKERS[key].files,
  flags: WORKERS[key].ferrogate ? compatibility().flags : [],
  bindings: { JWT_SECRET: SECRET, ORIGIN_URL: originUrl },
});

/** Ends the run with one line for each worker that was not built. */
export function requireBuilt(keys) {
  const missing = [...new Set(keys)].flatMap((key) => WORKERS[key].files.filter((file) => !existsSync(file)));
  if (missing.length === 0) return;
  console.error(`not built: ${missing.join(', ')}\nrun \`npm run bench:build\`, or leave the rows out with --only`);
  process.exit(1);
}
