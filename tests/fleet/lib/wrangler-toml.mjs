// What wrangler.toml says of the Worker, as Miniflare wants it, read by wrangler itself: a binding, an object class, a
// consumer or a migration that is added there is in the rig.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const wrangler = createRequire(import.meta.url)('wrangler');
const ROOT = path.resolve(import.meta.dirname, '../../..');
const config = wrangler.unstable_readConfig({ config: path.join(ROOT, 'wrangler.toml') }, { hideWarnings: true });
// The values of .dev.vars and of .env are of this machine: the first is not read where other files are named, and these
// are not read where the environment says so.
process.env.CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV = 'false';
const { workerOptions: read } = wrangler.unstable_getMiniflareWorkerOptions(config, undefined, { envFiles: ['none'] });
const { modulesRules: _, durableObjects, queueConsumers, ...shared } = read;

/** An object of the rig itself (objects.mjs). */
const PROBES = { className: 'Probe', useSQLite: true };

/** The options of one isolate. Only the owner has object classes and consumers. */
export function workerOptions({ name, owner, variables }) {
  const owns = name === owner;
  const objects = Object.entries({ ...durableObjects, PROBES }).map(([binding, object]) => [binding, owns ? object : { ...object, scriptName: owner }]);
  return {
    ...shared,
    name,
    bindings: { ...shared.bindings, ...variables, FLEET_ISOLATE: name },
    durableObjects: Object.fromEntries(objects),
    queueConsumers: owns ? queueConsumers : {},
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
}

/** Applies the migrations of all databases. `database` gives one by its binding. */
export async function migrate(database) {
  for (const { binding, migrations_dir: folder } of config.d1_databases) {
    const statements = migrations(folder === undefined ? undefined : path.resolve(ROOT, folder));
    if (statements.length === 0) continue;
    const opened = await database(binding);
    await opened.batch(statements.map((statement) => opened.prepare(statement)));
  }
}

function migrations(folder) {
  const files = fs.existsSync(folder ?? '') ? fs.readdirSync(folder).filter((file) => file.endsWith('.sql')).sort() : [];
  return files.flatMap((file) => wrangler.unstable_splitSqlQuery(fs.readFileSync(path.join(folder, file), 'utf8')));
}
