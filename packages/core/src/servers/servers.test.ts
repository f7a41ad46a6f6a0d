// What can be done with servers, on fakes: what is kept, refused and told.
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import type { AppEvent } from '../telemetry/event.ts';
import { createRingEventLog } from '../telemetry/ring-event-log.ts';
import { MemoryServerStore } from '../testing/memory-server-store.ts';
import { serverRegistration, type ServerRegistration } from './server.ts';
import { createServers, type ServersPorts } from './servers.ts';

const registration = (id: string, more: object = {}): ServerRegistration =>
  serverRegistration.parse({
    id,
    name: id.toUpperCase(),
    launch: [{ method: 'npx', identifier: 'cowsay' }],
    ...more,
  });

function setUp(overrides: Partial<ServersPorts> = {}) {
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const told: AppEvent[] = [];
  const log = createRingEventLog({ clock });
  const asked: string[] = [];
  const ports: ServersPorts = {
    serverStore: new MemoryServerStore(),
    remoteHosts: {
      problem: (url) => {
        asked.push(url);
        return Promise.resolve(new URL(url).hostname.endsWith('.internal') ? 'is private' : null);
      },
    },
    eventLog: {
      append: (event) => {
        told.push(event);
        log.append(event);
      },
      read: (options) => log.read(options),
      readers: 0,
      isWatched: () => false,
      problem: () => null,
    },
    clock,
    isDeployed: () => false,
    ...overrides,
  };
  return { servers: createServers(ports), ports, told, asked, pass: (ms: number) => (now += ms) };
}

const refusal = async (promise: Promise<unknown>): Promise<AppError> => {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error('it was not refused', { cause: thrown });
};

describe('registering', () => {
  it('keeps the server, vouched for by the operator, and tells of it', async () => {
    const { servers, told } = setUp();
    const made = await servers.register(registration('a', { description: 'd' }));
    expect(made).toMatchObject({
      id: 'a',
      name: 'A',
      description: 'd',
      kind: 'server',
      source: 'registered',
      created_at: new Date('2026-01-01'),
      updated_at: new Date('2026-01-01'),
    });
    expect(made.launch[0]).toMatchObject({ identifier: 'cowsay', verified: true, verified_by: 'operator' });
    expect(await servers.get('a')).toEqual(made);
    expect(told).toEqual([
      {
        type: 'server_registered',
        channel: 'servers',
        timestamp: new Date('2026-01-01'),
        server_id: 'a',
        name: 'A',
      },
    ]);
  });

  it('refuses an id that is taken, changes nothing and says what to do', async () => {
    const { servers, told } = setUp();
    const first = await servers.register(registration('a'));
    const error = await refusal(servers.register(registration('a', { name: 'other' })));
    expect(error).toMatchObject({ code: 'CONFLICT', details: { server_id: 'a' } });
    expect(error.message).toContain('DELETE /api/servers/a');
    expect(await servers.get('a')).toEqual(first);
    expect(told).toHaveLength(1);
  });

  it('gives an id to one of many who want it at once', async () => {
    const { servers, told } = setUp();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => servers.register(registration('a', { name: `n${n}` }))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(told).toHaveLength(1);
  });

  it('asks of every remote address, and refuses all that is forbidden together', async () => {
    const { servers, ports, told, asked } = setUp();
    const launch = [
      { method: 'npx', identifier: 'cowsay' },
      { method: 'remote', identifier: 'https://one.internal/mcp' },
      { method: 'remote', identifier: 'https://mcp.example/' },
      { method: 'remote', identifier: 'https://two.internal/' },
    ];
    const error = await refusal(servers.register(registration('a', { launch })));
    expect(error.code).toBe('INVALID_REQUEST');
    expect(error.details).toEqual({
      issues: [1, 3].map((index) => ({
        path: ['launch', index, 'identifier'],
        code: 'forbidden_host',
        message: 'is private',
      })),
    });
    expect(asked).toEqual(launch.slice(1).map(({ identifier }) => identifier));
    expect(await ports.serverStore.list({ limit: 1, offset: 0 })).toEqual({ servers: [], total: 0 });
    expect(told).toEqual([]);
  });

  it('tells of nothing that was not kept', async () => {
    const broken = new MemoryServerStore();
    broken.insert = () => Promise.reject(new Error('the disk is full'));
    const { servers, told } = setUp({ serverStore: broken });
    await expect(servers.register(registration('a'))).rejects.toThrow('the disk is full');
    expect(told).toEqual([]);
  });
});

describe('looking', () => {
  it('finds by id, or says how to find', async () => {
    const { servers } = setUp();
    const error = await refusal(servers.get('x'));
    expect(error).toMatchObject({ code: 'SERVER_NOT_FOUND', details: { server_id: 'x' } });
    expect(error.message).toContain('GET /api/servers');
  });

  it('lists in pages, by id', async () => {
    const { servers } = setUp();
    for (const id of ['c', 'a', 'b']) await servers.register(registration(id));
    const page = await servers.list({ limit: 2, offset: 1 });
    expect(page.servers.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(page.total).toBe(3);
  });
});

describe('removing', () => {
  it('forgets the server and tells of it', async () => {
    const { servers, told, pass } = setUp();
    await servers.register(registration('a'));
    pass(1000);
    const removedAt = new Date('2026-01-01T00:00:01Z');
    expect(await servers.remove('a')).toEqual({ status: 'removed', server_id: 'a', removed_at: removedAt });
    expect((await refusal(servers.get('a'))).code).toBe('SERVER_NOT_FOUND');
    expect(told.at(-1)).toEqual({
      type: 'server_removed',
      channel: 'servers',
      timestamp: removedAt,
      server_id: 'a',
    });
    expect((await servers.register(registration('a'))).id).toBe('a');
  });

  it('of what is not there is refused, and told to nobody', async () => {
    const { servers, told } = setUp();
    expect((await refusal(servers.remove('a'))).code).toBe('SERVER_NOT_FOUND');
    expect(told).toEqual([]);
  });

  it('happens once, though many ask at once', async () => {
    const { servers, told } = setUp();
    await servers.register(registration('a'));
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => servers.remove('a')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(told.filter(({ type }) => type === 'server_removed')).toHaveLength(1);
  });

  it('is refused while a deployment of it lives', async () => {
    const { servers } = setUp({ isDeployed: (id) => id === 'a' });
    await servers.register(registration('a'));
    const error = await refusal(servers.remove('a'));
    expect(error.code).toBe('CONFLICT');
    expect((await servers.get('a')).id).toBe('a');
  });
});

describe('the catalog', () => {
  it('is laid out, and its ids are its own', async () => {
    const { servers } = setUp();
    await servers.seedCatalog([registration('everything'), registration('memory')]);
    expect((await servers.get('everything')).source).toBe('catalog');

    const taken = await refusal(servers.register(registration('everything')));
    expect(taken.code).toBe('CONFLICT');
    expect(taken.message).not.toContain('DELETE');
    expect((await refusal(servers.remove('everything'))).code).toBe('CONFLICT');
    expect((await servers.get('everything')).source).toBe('catalog');
  });

  it('is refreshed at each start and remembers its first', async () => {
    const { servers, pass } = setUp();
    await servers.seedCatalog([registration('memory')]);
    pass(1000);
    await servers.seedCatalog([registration('memory', { name: 'Renamed' })]);
    expect(await servers.get('memory')).toMatchObject({
      name: 'Renamed',
      created_at: new Date('2026-01-01T00:00:00Z'),
      updated_at: new Date('2026-01-01T00:00:01Z'),
    });
    expect((await servers.list({ limit: 10, offset: 0 })).total).toBe(1);
  });

  it('has its ids back when somebody took one before', async () => {
    const { servers } = setUp();
    await servers.register(registration('memory', { name: 'Mine' }));
    await servers.seedCatalog([registration('memory', { name: 'Memory' })]);
    expect(await servers.get('memory')).toMatchObject({ name: 'Memory', source: 'catalog' });
  });
});
