// The database: a bounded pool of connections, the client on it, and the migrations before either is used.
import type { Logger } from '@insightloop/core';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { answered, cannotOpen } from './database-errors.ts';
import { PrismaClient } from './generated/client.ts';
import { migrate, migrationsFolder } from './migrate.ts';

export interface Database {
  client: PrismaClient;
  /** The names of the migrations that opening it applied. */
  migrated: string[];
  /** @throws AppError SERVICE_UNAVAILABLE when it does not answer */
  ping(): Promise<void>;
  /** Waits for the queries under way. May be called again. */
  close(): Promise<void>;
}

export type DatabaseOptions = ({ url: string } | { connection: pg.PoolConfig }) & {
  /** Connections at most, per process. Default 10; PostgreSQL itself has 100. */
  poolSize?: number;
  /** Default: those of this repository. */
  migrations?: string;
  /** Hears of connections that break while nobody uses them. */
  log?: Logger;
};

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 30_000;
/** Beyond the server's own limit: only a server that has vanished without a word takes so long. */
const answerTimeoutMs = statementTimeoutMs + 5_000;

/**
 * Applies the migrations that the database lacks and opens it. Tables are in the schema `public`.
 * @throws AppError SERVICE_UNAVAILABLE when it cannot be reached or a migration cannot be applied
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { poolSize = 10, migrations = migrationsFolder, log } = options;
  const target = 'url' in options ? { connectionString: options.url } : options.connection;
  const migrated = await applyMigrations(target, migrations).catch((error: unknown) => {
    throw cannotOpen(error);
  });

  const pool = new pg.Pool({
    ...target,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool awaits it, though its types do not say so
    onConnect: prepareSession,
  });
  // Both would end the process without a listener: a connection that breaks while it is idle, which the pool replaces by
  // itself, and one that the pool has given up but whose end the server overtakes with an error of its own.
  pool.on('connect', (connection) => connection.on('error', () => undefined));
  pool.on('error', (error) => log?.warn({ err: error }, 'an idle database connection broke'));
  const client = new PrismaClient({ adapter: new PrismaPg(pool) });

  let closed: Promise<void> | null = null;
  return {
    client,
    migrated,
    async ping() {
      await answered(pool.query('SELECT 1'));
    },
    close: () => (closed ??= client.$disconnect().then(() => pool.end())),
  };
}

/**
 * What an operator may have set otherwise for the server, the database or the role. Prisma sends times without a zone
 * and reads them ignoring it, so a session in another zone would shift every one; the stores count on statements that
 * wait for each other instead of failing; a transaction that nobody ends keeps its locks.
 */
function prepareSession(client: pg.ClientBase): Promise<unknown> {
  return client.query(`
    SET TIME ZONE 'UTC';
    SET search_path TO public;
    SET default_transaction_isolation TO 'read committed';
    SET statement_timeout TO ${statementTimeoutMs};
    SET idle_in_transaction_session_timeout TO ${statementTimeoutMs}`);
}

async function applyMigrations(target: pg.ClientConfig, folder: string): Promise<string[]> {
  const client = new pg.Client({ ...target, connectionTimeoutMillis: connectTimeoutMs, keepAlive: true });
  // A break is told to the query under way; this keeps the event itself from ending the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await prepareSession(client);
    return await migrate(client, folder);
  } finally {
    await client.end();
  }
}
