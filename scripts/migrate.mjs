// `npm run migrate`: applies the migrations of the database that it does not have yet, on this machine or, with
// `-- --env staging --remote`, where the Worker is deployed. Says which they were. What it does is wrangler's.

import { prepare } from './lib/prepare.mjs';
import { applyMigrations, migrateOptions, USAGE } from './lib/migrations.mjs';
import { fail } from './lib/progress.mjs';

try {
  const options = migrateOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else {
    await prepare();
    const { applied, where } = await applyMigrations(options);
    console.log(applied.length === 0 ? `${where}: nothing to apply` : `${where}: applied ${applied.join(', ')}`);
  }
} catch (error) {
  fail(error);
}
