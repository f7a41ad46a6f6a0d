// Opening the database: migrations by many at once, agreement with Prisma's own engine, and what keeps it closed.
import { fork } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../postgres/index.ts';
import { openDatabase, type Database } from './index.ts';
import { migrationsFolder, readMigrations } from './migrate.ts';
import type { OpeningReport } from './testing/opening-process.ts';
import { withSchemaEngine } from './testing/schema-engine.ts';

let home: string;
let postgres: EmbeddedPostgres;
let admin: pg.Pool;
let connection: pg.PoolConfig;
let ours: string[];
let databases = 0;
const opened: Database[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'database-'));
  postgres = await startEmbeddedPostgres({ dataDir: join(home, 'data') });
  admin = new pg.Pool({ ...postgres.connection, max: 1 });
  // The pool forgets a connection before it is closed, and PostgreSQL may be stopped in between.
  admin.on('connect', (client) => client.on('error', () => undefined));
  ours = (await readMigrations(migrationsFolder)).map((migration) => migration.name);
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
  await rm(home, { recursive: true });
});

beforeEach(async () => {
  databases += 1;
  connection = { ...postgres.connection, database: `test_${databases}` };
  await admin.query(`CREATE DATABASE test_${databases}`);
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});

const open = async (options: { migrations?: string; connection?: pg.PoolConfig; poolSize?: number } = {}) => {
  const database = await openDatabase({ connection, ...options });
  opened.push(database);
  return database;
};

describe('opening an empty database', () => {
  it('is done by six processes at once, of which one applies the migrations', async () => {
    const reports = await openInProcesses(6);
    const applied = reports.map((report) => ('migrated' in report ? report.migrated.length : report.failed));
    expect(applied.sort()).toEqual([0, 0, 0, 0, 0, ours.length]);
  });

  it('leaves Prisma’s own engine nothing to do', async () => {
    expect((await open()).migrated).toEqual(ours);
    expect((await open()).migrated).toEqual([]);
    await withSchemaEngine({ connection }, async (engine) => {
      expect(await engine.status()).toEqual({ edited: [], failed: [], history: null });
      expect(await engine.deploy()).toEqual([]);
    });
  });

  it('has nothing to do after Prisma’s own engine, and writes the same', async () => {
    await open();
    const byUs = await migrationRecords();
    connection = { ...connection, database: `${connection.database}_by_prisma` };
    await admin.query(`CREATE DATABASE ${connection.database}`);
    await withSchemaEngine({ connection }, async (engine) => expect(await engine.deploy()).toEqual(ours));
    expect((await open()).migrated).toEqual([]);
    expect(await migrationRecords()).toEqual(byUs);
  });
});

describe('the migrations', () => {
  it('make what the schema says', async () => {
    await withSchemaEngine({ connection }, async (engine) =>
      expect(await engine.missingMigration()).toBeNull(),
    );
  });

  it('are missed where the schema says more', async () => {
    const prismaFolder = join(home, 'prisma');
    await cp(dirname(migrationsFolder), prismaFolder, { recursive: true });
    const schema = join(prismaFolder, 'schema.prisma');
    await writeFile(schema, `${await readFile(schema, 'utf8')}\nmodel Added {\n  id String @id\n}\n`);
    await withSchemaEngine({ connection, prismaFolder }, async (engine) =>
      expect(await engine.missingMigration()).toContain('CREATE TABLE "Added"'),
    );
  });

  it('are applied in order, later ones on top, and those of a newer version are left alone', async () => {
    const first = await migrationFolder({ '1_a': 'CREATE TABLE a (id INT)' });
    const both = await migrationFolder({
      '2_b': `ALTER TABLE a ADD COLUMN b TEXT DEFAULT 'x;y'; CREATE TABLE b (id INT)`,
      '1_a': 'CREATE TABLE a (id INT)',
    });
    expect((await open({ migrations: first })).migrated).toEqual(['1_a']);
    expect((await open({ migrations: both })).migrated).toEqual(['2_b']);
    expect((await open({ migrations: first })).migrated).toEqual([]);
  });

  it('are refused when one was edited after it was applied', async () => {
    await open({ migrations: await migrationFolder({ '1_a': 'CREATE TABLE a (id INT)' }) });
    const edited = await migrationFolder({ '1_a': 'CREATE TABLE a (id BIGINT)' });
    await expect(open({ migrations: edited })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: expect.stringContaining(
        'Migration 1_a of the database was edited after it was applied',
      ) as string,
      details: { migration: '1_a' },
    });
  });

  it('are refused when one has failed before, until that is resolved', async () => {
    await open();
    const record = `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = $1`;
    await withClient((client) => client.query(record, [ours[0]]));
    await expect(open()).rejects.toMatchObject({
      message: expect.stringContaining('has failed before') as string,
      details: { migration: ours[0] },
    });
  });

  it('that fail change nothing, and say why', async () => {
    const failing = { '1_a': 'CREATE TABLE a (id INT)', '2_b': 'CREATE TABLE b (id INT); SELECT 1 / 0' };
    await expect(open({ migrations: await migrationFolder(failing) })).rejects.toMatchObject({
      message: expect.stringContaining('division by zero') as string,
      details: { migration: '2_b' },
    });
    const mended = await migrationFolder({ ...failing, '2_b': 'CREATE TABLE b (id INT)' });
    expect((await open({ migrations: mended })).migrated).toEqual(['2_b']);
  });
});

describe('an open database', () => {
  it('keeps to its number of connections', async () => {
    const database = await open({ poolSize: 3 });
    await Promise.all(Array.from({ length: 30 }, () => database.client.server.count()));
    const { rows } = await admin.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = $1',
      [connection.database],
    );
    expect(rows[0]?.count).toBe(3);
  });

  it('gives up a statement that takes too long, and a transaction that nobody ends', async () => {
    const { client } = await open();
    expect(
      await client.$queryRaw`SELECT current_setting('statement_timeout') AS statement,
        current_setting('idle_in_transaction_session_timeout') AS transaction`,
    ).toEqual([{ statement: '30s', transaction: '30s' }]);
  });

  it('needs no right to create tables once it is migrated', async () => {
    await open();
    const user = `reader_${databases}`;
    await withClient((client) =>
      client.query(`CREATE ROLE ${user} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${user}`),
    );
    const { options: _, ...plain } = connection;
    const database = await open({ connection: { ...plain, user } });
    expect(await database.client.server.count()).toBe(0);
  });

  it('outlives a broken connection', async () => {
    const database = await open({ poolSize: 1 });
    await database.ping();
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
      connection.database,
    ]);
    await expect
      .poll(() =>
        database.ping().then(
          () => 'answers',
          () => 'broken',
        ),
      )
      .toBe('answers');
  });

  it('closes more than once', async () => {
    const database = await open();
    await Promise.all([database.close(), database.close()]);
    await expect(database.ping()).rejects.toThrow();
  });
});

describe('a database that cannot be opened', () => {
  it.each([
    ['nobody listens', 'postgresql://user:hush-hush@127.0.0.1:1/db', 'ECONNREFUSED'],
    ['there is no such host', 'postgresql://user:hush-hush@no.such.host.invalid/db', 'no.such.host.invalid'],
  ])('says so where %s, without the password', async (_, url, reason) => {
    const failure: unknown = await openDatabase({ url }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(String(failure)).toContain(reason);
    expect(String(failure)).toContain('DATABASE_URL');
    expect(String(failure)).not.toContain('hush-hush');
  });
});

/** Forks processes, lets all of them load, and sends them off together. */
async function openInProcesses(count: number): Promise<OpeningReport[]> {
  const script = fileURLToPath(new URL('testing/opening-process.ts', import.meta.url));
  const children = Array.from({ length: count }, () => fork(script, { execArgv: [] }));
  const nextMessages = () =>
    Promise.all(
      children.map(
        (child) =>
          new Promise((accept, reject) => {
            child.once('message', accept);
            child.once('exit', (code) => reject(new Error(`a process ended with ${code}`)));
          }),
      ),
    );
  await nextMessages();
  const reports = nextMessages();
  for (const child of children) child.send(connection);
  return (await reports) as OpeningReport[];
}

async function migrationFolder(migrations: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(home, 'migrations-'));
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }
  return folder;
}

async function withClient<T>(action: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(connection);
  await client.connect();
  return await action(client).finally(() => client.end());
}

/** The table of applied migrations, as it is defined and filled, but for ids and times. */
async function migrationRecords() {
  return await withClient(async (client) => {
    const columns = await client.query(
      `SELECT column_name, data_type, character_maximum_length, is_nullable, column_default, ordinal_position
       FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`,
    );
    const rows = await client.query(
      `SELECT length(id) AS id_length, checksum, migration_name, logs, rolled_back_at, applied_steps_count,
         finished_at >= started_at AS finished, started_at > now() - interval '1 hour' AS recent
       FROM _prisma_migrations ORDER BY started_at`,
    );
    return { columns: columns.rows as unknown[], rows: rows.rows as unknown[] };
  });
}
