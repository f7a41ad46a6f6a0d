// The stores on a real PostgreSQL: our own, and one that somebody else runs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, type Server, type ServerStore } from '@insightloop/core';
import {
  describeAnswerStore,
  describeDeploymentStore,
  describeDiscoveryStore,
  describeServerStore,
  describeTaskStore,
} from '@insightloop/core/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../postgres/index.ts';
import {
  createAnswerStore,
  createDeploymentStore,
  createDiscoveryStore,
  createHttpCache,
  createServerStore,
  createTaskStore,
  openDatabase,
  type Database,
} from './index.ts';
import { startOutsidePostgres, type OutsidePostgres } from './testing/outside-postgres.ts';

async function emptyStore(database: Database) {
  await database.client.server.deleteMany();
  return { store: createServerStore(database), end: () => undefined };
}

async function emptyDeploymentStore(database: Database) {
  await database.client.deployment.deleteMany();
  return { store: createDeploymentStore(database), end: () => undefined };
}

async function emptyTaskStore(database: Database) {
  await database.client.task.deleteMany();
  return { store: createTaskStore(database), end: () => undefined };
}

async function emptyAnswerStore(database: Database) {
  await database.client.answer.deleteMany();
  let now = Date.now();
  return {
    store: createAnswerStore(database, { now: () => now }),
    age: (ms: number) => {
      now += ms;
    },
    end: () => undefined,
  };
}

async function emptyDiscoveryStore(database: Database) {
  await database.client.server.deleteMany();
  return {
    store: createDiscoveryStore(database),
    servers: createServerStore(database),
    end: () => undefined,
  };
}

describe('on the embedded PostgreSQL', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  let database: Database;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'server-store-'));
    postgres = await startEmbeddedPostgres({ dataDir });
    database = await openDatabase({ connection: postgres.connection });
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
    await rm(dataDir, { recursive: true });
  });

  describeServerStore('embedded', () => emptyStore(database));
  describeDeploymentStore('embedded', () => emptyDeploymentStore(database));
  describeAnswerStore('embedded', () => emptyAnswerStore(database));
  describeDiscoveryStore('embedded', () => emptyDiscoveryStore(database));

  it('keeps answers of other services until nobody checks them', async () => {
    const cache = createHttpCache(database);
    const [early, late] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
    await cache.put('one', { etag: 'W/"1"', body: 'first \0', checked_at: early });
    await cache.put('one', { etag: null, body: 'second', checked_at: early });
    await cache.put('two', { etag: '"2"', body: 'x'.repeat(3_000_000), checked_at: early });
    await cache.touch('two', late);
    await cache.touch('none', late);
    expect(await cache.find('one')).toEqual({ etag: null, body: 'second', checked_at: early });
    expect((await cache.find('two'))?.checked_at).toEqual(late);
    expect(await cache.find('none')).toBeNull();
    expect(await cache.prune(late)).toBe(1);
    expect(await cache.find('one')).toBeNull();
    expect(await cache.find('two')).not.toBeNull();
  });
  describeTaskStore('embedded', () => emptyTaskStore(database));
});

describe('on a PostgreSQL behind DATABASE_URL', () => {
  let postgres: OutsidePostgres;
  let database: Database;
  beforeAll(async () => {
    postgres = await startOutsidePostgres();
    database = await openDatabase({ url: postgres.url });
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });

  describeServerStore('outside', () => emptyStore(database));
  describeDeploymentStore('outside', () => emptyDeploymentStore(database));
  describeAnswerStore('outside', () => emptyAnswerStore(database));
  describeTaskStore('outside', () => emptyTaskStore(database));
});

describe('while the database is away', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  let database: Database;
  let store: ServerStore;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'server-store-'));
    postgres = await startEmbeddedPostgres({ dataDir });
    database = await openDatabase({ connection: postgres.connection, poolSize: 2 });
    store = createServerStore(database);
  });
  afterEach(async () => {
    await database.close();
    await postgres.stop();
    await rm(dataDir, { recursive: true });
  });

  it('every method says so, and works again when it is back', async () => {
    const now = new Date();
    const about = {
      id: 'some',
      name: 'Some',
      description: null,
      launch: [],
      created_at: now,
      updated_at: now,
    };
    const entry: Server = { ...about, kind: 'server', source: 'registered' };
    const calls = {
      insert: () => store.insert(entry),
      put: () => store.put(entry),
      find: () => store.find('some'),
      list: () => store.list({ limit: 10, offset: 0 }),
      delete: () => store.delete('some'),
      ping: () => database.ping(),
    };
    await calls.insert();
    await postgres.stop();
    for (const [name, call] of Object.entries(calls)) {
      const failure: unknown = await call().catch((error: unknown) => error);
      expect(failure, name).toBeInstanceOf(AppError);
      expect(failure, name).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 });
      expect(failure, name).toHaveProperty('cause', expect.any(Error));
    }
    postgres = await startEmbeddedPostgres({ dataDir });
    expect(await store.find('some')).toMatchObject({ id: 'some' });
  });

  it('a query that was under way fails with the same words', async () => {
    await database.client.$executeRaw`CREATE FUNCTION dawdle() RETURNS TRIGGER LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$`;
    await database.client.$executeRaw`CREATE TRIGGER dawdle BEFORE DELETE ON servers
      FOR EACH STATEMENT EXECUTE FUNCTION dawdle()`;
    const underWay = store.delete('some').catch((error: unknown) => error);
    const isAsleep = () =>
      database.client.$queryRaw<object[]>`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    while ((await isAsleep()).length === 0);
    await postgres.stop();
    expect(await underWay).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
