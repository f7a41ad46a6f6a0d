// Applies prisma/migrations at start, and writes down what it did as Prisma itself does.
import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@insightloop/core';
import type pg from 'pg';

/** Where the migrations of this repository lie. */
export const migrationsFolder = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

export interface Migration {
  name: string;
  sql: string;
}

/** The migrations of a folder, in the order of their names. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names
      .sort()
      .map(async (name) => ({ name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  );
}

/**
 * Applies what is not applied yet, each migration in a transaction of its own together with its row in
 * `_prisma_migrations`. Any number of processes may do so at once, `prisma migrate deploy` among them: one has the lock
 * and does it all, the others wait and find it done. Migrations that the database has and the folder has not belong to
 * a newer version and are left alone.
 * @param client a connection of its own; its limits on time are lifted
 * @returns the names of those that this call applied
 * @throws AppError SERVICE_UNAVAILABLE naming the migration that was edited since, has failed before or fails now
 */
export async function migrate(client: pg.ClientBase, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  await client.query(`SET statement_timeout = 0; SET lock_timeout = '5min'`);
  await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
  try {
    const history = await readHistory(client);
    const missing = migrations.filter((migration) => !isApplied(migration, history));
    for (const migration of missing) await inTransaction(client, () => apply(client, migration));
    return missing.map((migration) => migration.name);
  } finally {
    // Where the connection is lost, so is the lock.
    await client.query('SELECT pg_advisory_unlock($1)', [lockKey]).catch(() => undefined);
  }
}

/** The advisory lock of Prisma's schema engine, held by the session as there. */
const lockKey = 72707369;

/** The table as Prisma's schema engine makes it. */
const tableDefinition = `CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`;

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  const startedAt = new Date();
  await client.query(migration.sql).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw failure(migration.name, `failed and was rolled back: ${reason}.`, cause);
  });
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, $4, clock_timestamp(), 1)`,
    [randomUUID(), checksumOf(migration), migration.name, startedAt],
  );
}

interface HistoryRow {
  migration_name: string;
  checksum: string;
  finished: boolean;
}

async function readHistory(client: pg.ClientBase): Promise<HistoryRow[]> {
  // Looked for first: CREATE TABLE IF NOT EXISTS asks for the right to create even where there is nothing to create.
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  );
  if (!rows[0]?.found) await client.query(tableDefinition);
  const history = await client.query<HistoryRow>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  return history.rows;
}

function isApplied(migration: Migration, history: HistoryRow[]): boolean {
  const rows = history.filter((row) => row.migration_name === migration.name);
  if (rows.some((row) => !row.finished))
    throw failure(
      migration.name,
      'has failed before. Mend the database and say so with "prisma migrate resolve".',
    );
  if (rows.some((row) => row.checksum !== checksumOf(migration)))
    throw failure(
      migration.name,
      'was edited after it was applied. Restore it, and make a new one for the change.',
    );
  return rows.length > 0;
}

const checksumOf = ({ sql }: Migration): string => createHash('sha256').update(sql).digest('hex');

const failure = (migration: string, problem: string, cause?: unknown): AppError =>
  new AppError('SERVICE_UNAVAILABLE', `Migration ${migration} of the database ${problem}`, {
    details: { migration },
    cause,
    infrastructure: true,
  });

async function inTransaction(client: pg.ClientBase, action: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await action();
    await client.query('COMMIT');
  } catch (error) {
    // The first error is the one that tells; where the connection is lost, so is the transaction.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
