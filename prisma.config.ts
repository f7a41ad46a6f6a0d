// Prisma's command line. The service itself migrates at start and needs none of it but `prisma generate`.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// Before every command the CLI downloads its schema engine, which only `migrate` and `db` run. The others are content
// with any file that exists, and so work offline.
if (!process.argv.some((word) => word === 'migrate' || word === 'db'))
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(import.meta.url);

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
