// How the process begins and ends: well, refused in words, killed, and many at once.
import { startEmbeddedPostgres } from '@insightloop/adapters/postgres';
import { createInsightLoopClient } from '@insightloop/client';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlainStream } from './support/plain-stream.ts';
import { processesOf } from './support/processes-of.ts';
import { startServer, type RunningServer, type StartOptions } from './support/running-server.ts';

const migrations = new URL('../prisma/migrations', import.meta.url);

let home: string;
const started: RunningServer[] = [];

beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), 'insightloop-startup-'))));
afterEach(async () => {
  for (const server of started.splice(0)) await server.kill();
  await expect.poll(() => processesOf(home), { timeout: 20_000 }).toEqual([]);
  await rm(home, { recursive: true, force: true, maxRetries: 20 });
});

const start = async (options: StartOptions = {}): Promise<RunningServer> => {
  const server = await startServer({ dataDir: join(home, 'data'), ...options });
  started.push(server);
  return server;
};

const sdk = (server: RunningServer) => createInsightLoopClient({ baseUrl: server.baseUrl });
const registration = (id: string) => ({
  id,
  name: id,
  launch: [{ method: 'npx' as const, identifier: 'cowsay' }],
});

/** What it said before it gave up, and how it ended. */
async function refusal(options: StartOptions): Promise<{ output: string; ending: string }> {
  const failure: unknown = await start(options).then(
    () => new Error('it started'),
    (error: unknown) => error,
  );
  if (!(failure instanceof Error) || !(failure.cause instanceof Error)) throw failure;
  return { output: failure.message, ending: failure.cause.message };
}

describe('the end', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s is clean: exit code 0, streams are over, and nothing is left',
    async (signal) => {
      const server = await start();
      const events = await openPlainStream(`${server.baseUrl}/api/events/servers`);
      const socket = new WebSocket(`${server.baseUrl.replace('http', 'ws')}/trpc`);
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }));
      await sdk(server).servers.register(registration('kept'));

      process.kill(server.pid, signal);
      expect(await server.stop()).toBe(0);
      await closed;
      expect((await events.take(2))[1]).toMatchObject({ name: 'server_closing' });
      await expect(events.take(1)).rejects.toThrow();
      await expect.poll(() => processesOf(home)).toEqual([]);
      await expect(fetch(server.baseUrl)).rejects.toThrow();
    },
  );

  it('keeps what was registered, also for the next start', async () => {
    const first = await start();
    await sdk(first).servers.register(registration('kept'));
    const before = await sdk(first).servers.get({ server_id: 'kept' });
    expect(await first.stop()).toBe(0);
    const second = await start();
    expect(await sdk(second).servers.get({ server_id: 'kept' })).toEqual(before);
    expect((await sdk(second).servers.list({})).total).toBe(5);
  });

  it('by kill -9 loses nothing that was acknowledged', async () => {
    const first = await start();
    const acknowledged: string[] = [];
    const registering = (async () => {
      for (let n = 0; ; n += 1) {
        await sdk(first).servers.register(registration(`kept-${n}`));
        acknowledged.push(`kept-${n}`);
      }
    })().catch(() => undefined);
    await expect.poll(() => acknowledged.length).toBeGreaterThan(20);
    await first.kill();
    await registering;

    const second = await start();
    const { servers } = await sdk(second).servers.list({ limit: 100 });
    const ids = servers.map(({ id }) => id);
    const asked = await Promise.all(
      acknowledged.map(async (id) => (await sdk(second).servers.get({ server_id: id })).server.id),
    );
    expect(asked).toEqual(acknowledged);
    expect(ids).toContain('everything');
  });
});

describe('a second process', () => {
  it('on the same data directory is refused in words, and the first goes on', async () => {
    const first = await start();
    const { output, ending } = await refusal({});
    expect(ending).toBe('it ended with 1');
    expect(output).toMatch(/InsightLoop cannot go on: .*(in use|already)/);
    expect(output).toContain(first.dataDir);
    expect(output).not.toMatch(/^\s+at /m);
    expect((await sdk(first).servers.list({})).total).toBe(4);
  });

  it('on the same port is refused in words, and leaves nothing running', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { output, ending } = await refusal({ env: { API_PORT: String(address.port) } });
    holder.close();
    expect(ending).toBe('it ended with 1');
    expect(output).toMatch(/EADDRINUSE.*API_PORT/);
    await expect.poll(() => processesOf(home)).toEqual([]);
  });
});

describe('a setting that cannot be', () => {
  it.each([
    [{ API_PORT: 'eight thousand' }, /API_PORT/],
    [{ LOG_LEVEL: 'loud', RATE_LIMIT_LOGS: '-1' }, /LOG_LEVEL.*\n.*RATE_LIMIT_LOGS/],
    [{ API_HOST: '0.0.0.0' }, /API_HOST=0\.0\.0\.0 .*INSIGHTLOOP_ALLOW_ANONYMOUS/],
    [{ CORS_ORIGINS: '*' }, /CORS_ORIGINS/],
    [{ TRUST_PROXY: 'everybody' }, /TRUST_PROXY/],
    [{ DATABASE_URL_FILE: '/nowhere/at/all' }, /DATABASE_URL_FILE/],
  ])('%o is named, and nothing is started', async (env, message) => {
    const { output, ending } = await refusal({ env });
    expect(ending).toBe('it ended with 1');
    expect(output).toContain('InsightLoop cannot go on: ');
    expect(output).toMatch(message);
    expect(output).not.toMatch(/^\s+at /m);
    expect(await readdir(home)).toEqual([]);
  });

  it('of a database that does not answer says so, without its password', async () => {
    const { output, ending } = await refusal({
      env: { DATABASE_URL: 'postgresql://user:hunter2@127.0.0.1:1/insightloop' },
    });
    expect(ending).toBe('it ended with 1');
    expect(output).toContain('InsightLoop cannot go on: ');
    expect(output).not.toContain('hunter2');
    expect(output).not.toMatch(/^\s+at /m);
  });

  it('of a data directory that is a file says so', async () => {
    const dataDir = join(home, 'file');
    await writeFile(dataDir, '');
    const { output, ending } = await refusal({ dataDir });
    expect(ending).toBe('it ended with 1');
    expect(output).toContain(dataDir);
  });
});

it('listens to everybody where the operator says so, under names that the operator gives', async () => {
  const server = await start({
    env: {
      API_HOST: '0.0.0.0',
      INSIGHTLOOP_ALLOW_ANONYMOUS: 'true',
      INSIGHTLOOP_ALLOWED_HOSTS: 'api.example',
    },
  });
  const { port } = new URL(server.baseUrl);
  expect((await fetch(`http://127.0.0.2:${port}/health`)).status).toBe(200);
});

describe('six processes at once', () => {
  it('on one empty PostgreSQL all become ready, and one of them has applied the migrations', async () => {
    await using stack = new AsyncDisposableStack();
    const postgres = await startEmbeddedPostgres({ dataDir: join(home, 'postgres') });
    stack.defer(() => postgres.stop());
    const { host, user, database } = postgres.connection;
    const url = `postgresql://${user}@localhost:${postgres.connection.port}/${database}?host=${encodeURIComponent(host)}`;
    const servers = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        start({ dataDir: join(home, `data-${n}`), env: { DATABASE_URL: url } }),
      ),
    );
    stack.defer(async () => {
      for (const server of servers) expect(await server.stop()).toBe(0);
    });

    const [first, ...others] = servers;
    if (!first) throw new Error('none started');
    await sdk(first).servers.register(registration('shared'));
    for (const other of others)
      expect((await sdk(other).servers.get({ server_id: 'shared' })).server.id).toBe('shared');

    const client = new pg.Client(postgres.connection);
    await client.connect();
    stack.defer(() => client.end());
    const { rows } = await client.query<{ migration_name: string; finished: boolean; steps: number }>(
      'SELECT migration_name, finished_at IS NOT NULL AND rolled_back_at IS NULL AS finished, applied_steps_count AS steps FROM _prisma_migrations ORDER BY migration_name',
    );
    const folders = (await readdir(migrations, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted();
    expect(folders.length).toBeGreaterThan(0);
    expect(rows).toEqual(folders.map((migration_name) => ({ migration_name, finished: true, steps: 1 })));
    const { rows: counted } = await client.query<{ total: string }>('SELECT count(*) AS total FROM servers');
    expect(counted).toEqual([{ total: '5' }]);
  });
});
