// One definition, three doors: REST, tRPC over HTTP and tRPC over WebSocket say the same, and so does the SDK.
import type { AppRouter } from '@insightloop/api';
import { createInsightLoopClient, InsightLoopError } from '@insightloop/client';
import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  TRPCClientError,
  wsLink,
  type TRPCClient,
  type TRPCWebSocketClient,
} from '@trpc/client';
import superjson from 'superjson';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlainStream } from './support/plain-stream.ts';
import { startServer, type RunningServer } from './support/running-server.ts';

let server: RunningServer;
let batch: TRPCClient<AppRouter>;
let socket: TRPCClient<AppRouter>;
let line: TRPCWebSocketClient;
/** What the batching client has sent. */
const sent: string[] = [];

beforeAll(async () => {
  server = await startServer();
  batch = createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${server.baseUrl}/trpc`,
        transformer: superjson,
        fetch: (url, init) => {
          const address = String(url);
          sent.push(address);
          return fetch(address, init as RequestInit);
        },
      }),
    ],
  });
  line = createWSClient({ url: `${server.baseUrl.replace('http', 'ws')}/trpc` });
  socket = createTRPCClient<AppRouter>({ links: [wsLink({ client: line, transformer: superjson })] });
});
afterAll(async () => {
  await line.close();
  await server.stop();
});

const rest = async (path: string, init?: RequestInit) => {
  const answer = await fetch(server.baseUrl + path, init);
  return { status: answer.status, body: await answer.json() };
};
const post = (path: string, body: unknown) =>
  rest(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const sdk = () => createInsightLoopClient({ baseUrl: server.baseUrl });

const registration = (id: string) => ({
  id,
  name: `Server ${id}`,
  launch: [
    { method: 'npx' as const, identifier: 'cowsay', env: [{ name: 'KEY', required: true, secret: true }] },
  ],
});

/** As JSON says it: how REST shows what the other doors give with Dates. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the same server', () => {
  it('is the same at every door, with times as times where the wire allows it', async () => {
    const made = await post('/api/servers', registration('same'));
    expect(made.status).toBe(201);
    const shown = await rest('/api/servers/same');
    expect(shown).toEqual({ status: 200, body: made.body });

    const found = await Promise.all([
      batch.servers.get.query({ server_id: 'same' }),
      socket.servers.get.query({ server_id: 'same' }),
      sdk().servers.get({ server_id: 'same' }),
    ]);
    for (const one of found) {
      expect(asJson(one)).toEqual(shown.body);
      expect(one.server.created_at).toBeInstanceOf(Date);
    }
  });

  it('may be registered and removed at any of them', async () => {
    await batch.servers.register.mutate(registration('by-batch'));
    await socket.servers.register.mutate(registration('by-socket'));
    await sdk().servers.register(registration('by-sdk'));
    for (const id of ['by-batch', 'by-socket', 'by-sdk'])
      expect((await rest(`/api/servers/${id}`)).status).toBe(200);
    expect((await rest('/api/servers/by-batch', { method: 'DELETE' })).body).toEqual({
      status: 'removed',
      server_id: 'by-batch',
      removed_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await socket.servers.remove.mutate({ server_id: 'by-sdk' })).removed_at).toBeInstanceOf(Date);
    expect((await sdk().servers.remove({ server_id: 'by-socket' })).status).toBe('removed');
    await expect(batch.servers.get.query({ server_id: 'by-sdk' })).rejects.toThrow(/No server has the id/);
  });

  it('stands in the same list', async () => {
    const query = { limit: 3, offset: 1 };
    const { body } = await rest('/api/servers?limit=3&offset=1');
    for (const list of await Promise.all([
      batch.servers.list.query(query),
      socket.servers.list.query(query),
      sdk().servers.list(query),
    ]))
      expect(asJson(list)).toEqual(body);
  });
});

interface Refusal {
  status: number | null;
  code: string;
  message: string;
  details: unknown;
}

/** What each door says of the same wrong call; each has to be wrong. */
async function refusals(calls: {
  rest: () => Promise<{ status: number; body: unknown }>;
  trpc: (client: TRPCClient<AppRouter>) => Promise<unknown>;
  sdk: () => Promise<unknown>;
}): Promise<Refusal[]> {
  const told = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      (value) => new Error(`it was not refused: ${JSON.stringify(value)}`),
      (thrown: unknown) => thrown,
    );
  const { status, body } = await calls.rest();
  const { error } = body as {
    error: { code: string; message: string; details: unknown; request_id: string };
  };
  expect(error.request_id).toMatch(/^req-/);
  const all: Refusal[] = [{ status, code: error.code, message: error.message, details: error.details }];
  for (const client of [batch, socket]) {
    const thrown = await told(calls.trpc(client));
    if (!(thrown instanceof TRPCClientError)) throw new Error('no error of tRPC', { cause: thrown });
    const shape = thrown.data as { httpStatus: number; error: typeof error };
    expect(shape.error.request_id).toMatch(/^req-/);
    const { code, message, details } = shape.error;
    expect(thrown.message).toBe(message);
    all.push({ status: shape.httpStatus, code, message, details });
  }
  const thrown = await told(calls.sdk());
  if (!(thrown instanceof InsightLoopError)) throw new Error('no error of the SDK', { cause: thrown });
  all.push({ status: thrown.status, code: thrown.code, message: thrown.message, details: thrown.details });
  return all;
}

describe('the same error', () => {
  it('for a server that is not there', async () => {
    const [first, ...others] = await refusals({
      rest: () => rest('/api/servers/nowhere'),
      trpc: (client) => client.servers.get.query({ server_id: 'nowhere' }),
      sdk: () => sdk().servers.get({ server_id: 'nowhere' }),
    });
    expect(first).toMatchObject({ status: 404, code: 'SERVER_NOT_FOUND', details: { server_id: 'nowhere' } });
    for (const other of others) expect(other).toEqual(first);
  });

  it('for an id that is taken', async () => {
    const [first, ...others] = await refusals({
      rest: () => post('/api/servers', registration('memory')),
      trpc: (client) => client.servers.register.mutate(registration('memory')),
      sdk: () => sdk().servers.register(registration('memory')),
    });
    expect(first).toMatchObject({ status: 409, code: 'CONFLICT', details: { server_id: 'memory' } });
    for (const other of others) expect(other).toEqual(first);
  });

  it('for an input that is wrong in two places, with both', async () => {
    const wrong = {
      ...registration('Wrong Id'),
      launch: [{ method: 'npx' as const, identifier: '../evil' }],
    };
    const [first, ...others] = await refusals({
      rest: () => post('/api/servers', wrong),
      trpc: (client) => client.servers.register.mutate(wrong),
      sdk: () => sdk().servers.register(wrong),
    });
    expect(first).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      details: { issues: [{ path: ['id'] }, { path: ['launch', 0, 'identifier'] }] },
    });
    for (const other of others) expect(other).toEqual(first);
  });
});

it('takes a batch as one request and answers each call by itself', async () => {
  sent.length = 0;
  const results = await Promise.allSettled([
    batch.system.health.query(),
    batch.servers.get.query({ server_id: 'everything' }),
    batch.servers.get.query({ server_id: 'nowhere' }),
    batch.servers.list.query({ limit: 1 }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toContain('system.health,servers.get,servers.get,servers.list?batch=1');
});

describe('after any call at the REST door', () => {
  it.each([
    '/health',
    '/api/info',
    '/api/servers?limit=2&offset=0',
    '/api/servers?limit=x',
    '/api/servers/everything',
    '/api/servers/5',
  ])('the tRPC door still refuses a string for a number: GET %s', async (path) => {
    await rest(path);
    const input = encodeURIComponent(JSON.stringify({ json: { limit: '2', offset: '0' } }));
    const { status, body } = await rest(`/trpc/servers.list?input=${input}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: {
        json: { data: { error: { details: { issues: [{ path: ['limit'] }, { path: ['offset'] }] } } } },
      },
    });
    // @ts-expect-error: what a caller without types may send
    await expect(socket.servers.list.query({ limit: '2' })).rejects.toThrow(/not valid/);
  });
});

describe('an id that no path can hold as it is', () => {
  it.each([
    ['a%20b', 'a b'],
    ['%C3%A9', 'é'],
    ['%E4%B8%AD%E6%96%87', '中文'],
    ['%F0%9F%98%80', '😀'],
    ['a%2Fb', 'a/b'],
    ['..%2F..%2Fetc%2Fpasswd', '../../etc/passwd'],
    ['%2e%2e%2f', '../'],
    ['a%25b', 'a%b'],
    ['constructor', 'constructor'],
    ['__proto__', '__proto__'],
    ["'%3B%20DROP%20TABLE%20servers%3B%20--", "'; DROP TABLE servers; --"],
  ])('%s arrives as %o, and names nothing', async (segment, id) => {
    const shown = await rest(`/api/servers/${segment}`);
    expect(shown).toMatchObject({
      status: 404,
      body: { error: { code: 'SERVER_NOT_FOUND', details: { server_id: id } } },
    });
    expect((await rest(`/api/servers/${segment}`, { method: 'DELETE' })).status).toBe(404);
    const asked = sdk().servers.get({ server_id: id });
    await expect(asked).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND', details: { server_id: id } });
  });
});

it('refuses an id that no database could be asked for', async () => {
  for (const method of ['GET', 'DELETE'])
    expect(await rest('/api/servers/a%00b', { method })).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST', details: { issues: [{ path: ['server_id'] }] } } },
    });
  for (const server_id of ['a\0b', '\ud800'])
    await expect(sdk().servers.get({ server_id })).rejects.toMatchObject({ status: 400 });
});

describe('the same events', () => {
  const path = '/api/events/servers';

  const openSocketStream = async (lastEventId?: string) => {
    const seen: { id: string; data: unknown }[] = [];
    const stands = Promise.withResolvers<void>();
    const input = { channels: ['servers' as const], ...(lastEventId !== undefined && { lastEventId }) };
    const subscription = socket.events.subscribe.subscribe(input, {
      onStarted: () => stands.resolve(),
      // Where it begins is no event.
      onData: ({ id, data }) => void (data.type !== 'subscribed' && seen.push({ id, data: asJson(data) })),
      onError: stands.reject,
    });
    await stands.promise;
    return {
      take: async (count: number) => {
        await expect.poll(() => seen.length).toBe(count);
        subscription.unsubscribe();
        return seen;
      },
    };
  };

  const openSdkStream = async (lastEventId?: string) => {
    const stream = sdk().events.subscribe({
      channels: ['servers'],
      ...(lastEventId !== undefined && { lastEventId }),
    });
    await stream.open();
    return {
      take: async (count: number) => {
        const seen: { id: string; data: unknown }[] = [];
        for await (const { id, data } of stream) if (seen.push({ id, data: asJson(data) }) === count) break;
        return seen;
      },
    };
  };

  it('under the same numbers, in the same order, through every stream, now and once more', async () => {
    const plain = await openPlainStream(server.baseUrl + path);
    const others = [await openSocketStream(), await openSdkStream()];
    const expected: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      await post('/api/servers', registration(`event-${n}`));
      await rest(`/api/servers/event-${n}`, { method: 'DELETE' });
      expected.push(`server_registered event-${n}`, `server_removed event-${n}`);
    }
    const frames = await plain.take(10);
    plain.close();
    const told = frames.map(({ id, data }) => ({ id, data }));
    expect(told.map(({ data }) => nameOf(data))).toEqual(expected);
    expect(frames.map(({ name }) => name)).toEqual(expected.map((line) => line.split(' ')[0]));
    for (const other of others) expect(await other.take(10)).toEqual(told);

    const fourth = told[3]?.id ?? '';
    const again = [
      await openPlainStream(server.baseUrl + path, { 'last-event-id': fourth }),
      await openPlainStream(`${server.baseUrl}${path}?lastEventId=${fourth}&unnamed=true`),
    ];
    for (const stream of again) {
      expect((await stream.take(6)).map(({ id, data }) => ({ id, data }))).toEqual(told.slice(4));
      stream.close();
    }
    for (const stream of [await openSocketStream(fourth), await openSdkStream(fourth)])
      expect(await stream.take(6)).toEqual(told.slice(4));
  });

  it.each(['none-of-ours', '', '0-0-0', 'x:1', '../..', '99999999999999999999'])(
    'but none for a place that is none of ours: %o',
    async (lastEventId) => {
      const refused = await fetch(`${server.baseUrl}${path}?lastEventId=${encodeURIComponent(lastEventId)}`);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ error: { code: 'INVALID_REQUEST' } });
      await expect(openSocketStream(lastEventId)).rejects.toThrow(/last event id/);
      await expect(openSdkStream(lastEventId)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        status: 400,
      });
    },
  );

  it('of a channel that is none are refused everywhere', async () => {
    const refused = await fetch(`${server.baseUrl}/api/events/gossip`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: { code: 'INVALID_REQUEST', details: { issues: [{ path: ['channels', 0] }] } },
    });
    const stream = sdk().events.subscribe({ channels: ['gossip' as 'servers'] });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      status: 400,
    });
  });
});

const nameOf = (event: unknown): string => {
  const { type, server_id } = event as { type: string; server_id: string };
  return `${type} ${server_id}`;
};
