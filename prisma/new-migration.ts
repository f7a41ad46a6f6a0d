// Developer command: `node prisma/new-migration.ts <name>` writes the migration that the schema lacks.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../packages/adapters/src/postgres/index.ts';
import { migrationsFolder } from '../packages/adapters/src/prisma/migrate.ts';
import { withSchemaEngine } from '../packages/adapters/src/prisma/testing/schema-engine.ts';

const [name = ''] = process.argv.slice(2);
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error('Say what the migration does, in lower case with underscores, such as add_servers.');
  process.exit(2);
}

const dataDir = await mkdtemp(join(tmpdir(), 'insightloop-migration-'));
const scratch = await startEmbeddedPostgres({ dataDir });
try {
  const sql = await withSchemaEngine({ connection: scratch.connection }, (engine) =>
    engine.missingMigration(),
  );
  if (sql === null) {
    console.log('The schema and the migrations agree: there is nothing to write.');
  } else {
    const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
    const folder = join(migrationsFolder, `${stamp}_${name}`);
    await mkdir(folder);
    await writeFile(join(folder, 'migration.sql'), sql);
    console.log(`${join(folder, 'migration.sql')}\n\n${sql}\nRead it before you keep it.`);
  }
} finally {
  await scratch.stop();
  await rm(dataDir, { recursive: true });
}
