// The tRPC door, where it differs from what tRPC does by itself: WebSockets, early errors, prototypes, slow readers.
import { createFixedWindowLimiter, type AppEvent } from '@insightloop/core';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, type RawData } from 'ws';
import { systemClock } from '../machine.ts';
import { rawRequest } from '../testing/raw-request.ts';
import { startTestApp, type TestApp, type TestAppOptions } from '../testing/test-app.ts';

let running: TestApp | null = null;
const start = async (options?: TestAppOptions): Promise<TestApp> => (running = await startTestApp(options));
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = null;
});

interface Message {
  id: number | null;
  result?: { type: string; id?: string; data?: { json: unknown } };
  error?: { json: { data: { httpStatus: number; error: Record<string, unknown> } } };
}

/** A client that speaks tRPC's protocol by hand, so that nothing of it is mended on the way. */
async function openSocket({ port }: TestApp) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/trpc`);
  const messages: Message[] = [];
  socket.on('message', (data: RawData) => {
    const text = (data as Buffer).toString();
    if (text !== 'PONG') messages.push(JSON.parse(text) as Message);
  });
  await once(socket, 'open');
  return {
    socket,
    messages,
    send: (id: number, method: string, path: string, input: unknown) =>
      socket.send(JSON.stringify({ id, method, params: { path, input: { json: input } } })),
    answerTo: async (id: number | null): Promise<Message> => {
      await expect.poll(() => messages.some((message) => message.id === id)).toBe(true);
      const found = messages.find((message) => message.id === id);
      if (!found) throw new Error('gone again');
      return found;
    },
  };
}

const registration = (id: string) => ({ id, name: 'A', launch: [{ method: 'npx', identifier: 'a' }] });
const eventOf = (n: number, filler = ''): AppEvent => ({
  type: 'server_registered',
  channel: 'servers',
  timestamp: new Date(0),
  server_id: `s${n}`,
  name: filler,
});

describe('a WebSocket', () => {
  it('calls the same operations', async () => {
    const app = await start();
    const { send, answerTo, socket } = await openSocket(app);
    send(1, 'mutation', 'servers.register', registration('a'));
    expect((await answerTo(1)).result?.data?.json).toMatchObject({ server: { id: 'a' } });
    send(2, 'query', 'servers.list', {});
    expect((await answerTo(2)).result?.data?.json).toMatchObject({ total: 1 });
    socket.close();
  });

  it('answers errors with the envelope, each under a request id of its own that is in the log', async () => {
    const app = await start();
    const { send, answerTo, socket } = await openSocket(app);
    send(1, 'query', 'servers.get', { server_id: 'x' });
    send(2, 'query', 'servers.get', { server_id: 'x' });
    const errors = [await answerTo(1), await answerTo(2)].map(({ error }) => error?.json.data);
    for (const error of errors)
      expect(error).toMatchObject({
        httpStatus: 404,
        error: { code: 'SERVER_NOT_FOUND', request_id: expect.stringMatching(/^req-/) },
      });
    const ids = errors.map((error) => error?.error['request_id']);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids)
      expect(app.logged).toContainEqual(
        expect.objectContaining({ request_id: id, operation: 'servers.get', code: 'SERVER_NOT_FOUND' }),
      );
    socket.close();
  });

  it('refuses what no operation takes, with a request id', async () => {
    const app = await start();
    const { send, answerTo, socket } = await openSocket(app);
    send(1, 'query', 'no.such', {});
    send(2, 'query', 'servers.list', { limit: '5' });
    send(3, 'query', 'servers.register', {});
    for (const [id, code] of [
      [1, 'NOT_FOUND'],
      [2, 'INVALID_REQUEST'],
      // By its name alone: there is no mutation that is a query.
      [3, 'NOT_FOUND'],
    ] as const)
      expect((await answerTo(id)).error?.json.data.error).toMatchObject({
        code,
        request_id: expect.stringMatching(/^req-/),
      });
    socket.close();
  });

  it('counts for the caller whose it is', async () => {
    const app = await start({ parts: { rateLimiter: createFixedWindowLimiter({ logs: 1 }, systemClock) } });
    expect((await fetch(`${app.url}/api/servers`)).status).toBe(200);
    const { send, answerTo, socket } = await openSocket(app);
    send(1, 'query', 'servers.list', {});
    expect((await answerTo(1)).error?.json.data).toMatchObject({
      httpStatus: 429,
      error: { code: 'RATE_LIMIT_EXCEEDED' },
    });
    socket.close();
  });

  it('is closed when it sends a frame of more than 1 MiB', async () => {
    const app = await start();
    const { socket } = await openSocket(app);
    socket.send('x'.repeat(1024 * 1024 + 1));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  it('streams, goes on behind an event, and leaves nothing behind', async () => {
    const app = await start();
    const first = await openSocket(app);
    first.send(1, 'subscription', 'events.subscribe', { channels: ['servers'] });
    await expect.poll(() => app.eventLog.readers).toBe(1);
    app.eventLog.append(eventOf(1));
    app.eventLog.append(eventOf(2));
    await expect.poll(() => first.messages.filter(({ result }) => result?.type === 'data').length).toBe(3);
    const [begun, one, two] = first.messages.filter(({ result }) => result?.type === 'data');
    expect([begun, one, two].map((message) => message?.result?.data?.json)).toMatchObject([
      { data: { type: 'subscribed' } },
      { data: { server_id: 's1' } },
      { data: { server_id: 's2' } },
    ]);
    first.socket.terminate();
    await expect.poll(() => app.eventLog.readers).toBe(0);

    const second = await openSocket(app);
    second.send(1, 'subscription', 'events.subscribe', {
      channels: ['servers'],
      lastEventId: one?.result?.id,
    });
    await expect.poll(() => second.messages.filter(({ result }) => result?.type === 'data').length).toBe(2);
    second.socket.send(JSON.stringify({ id: 1, method: 'subscription.stop' }));
    await expect.poll(() => app.eventLog.readers).toBe(0);
    second.socket.close();
  });
});

const filler = 'x'.repeat(2000);

describe('a reader who does not read', () => {
  it.each([
    { reads: true, how: 'is told to try again later' },
    { reads: false, how: 'is cut off, if it does not hear that either' },
  ])(
    'of a WebSocket $how, before much has piled up',
    async ({ reads }) => {
      const app = await start();
      const { socket, send } = await openSocket(app);
      send(1, 'subscription', 'events.subscribe', { channels: ['servers'] });
      await expect.poll(() => app.eventLog.readers).toBe(1);
      socket.pause();
      const [atOurEnd] = app.app.websocketServer.clients;
      await expect
        .poll(
          () => {
            for (let n = 0; n < 500; n += 1) app.eventLog.append(eventOf(n, filler));
            return atOurEnd?.readyState;
          },
          { interval: 5, timeout: 20_000 },
        )
        .not.toBe(atOurEnd?.OPEN);
      for (let n = 0; n < 5_000; n += 1) app.eventLog.append(eventOf(n, filler));
      await new Promise((resolve) => setImmediate(resolve));
      // All that is told from then on weighs nothing.
      expect(atOurEnd?.bufferedAmount).toBeLessThan(9 * 1024 * 1024);
      if (reads) {
        socket.resume();
        const [code] = (await once(socket, 'close')) as [number];
        expect(code).toBe(1013);
      }
      await expect.poll(() => app.eventLog.readers, { timeout: 10_000 }).toBe(0);
      expect(app.app.websocketServer.clients.size).toBe(0);
      socket.terminate();
    },
    30_000,
  );

  it('of an event stream holds its place and no more, and leaves nothing behind', async () => {
    const app = await start();
    const socket = connect(app.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    const input = encodeURIComponent(JSON.stringify({ json: { channels: ['servers'] } }));
    socket.write(
      `GET /trpc/events.subscribe?input=${input} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await expect.poll(() => app.eventLog.readers).toBe(1);
    for (let n = 0; n < 9000; n += 1) app.eventLog.append(eventOf(n, filler));
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await expect.poll(() => app.eventLog.readers).toBe(0);
  });
});

describe('a key "__proto__"', () => {
  const hostile = (key: string) =>
    `{"json":{${key},"id":"hostile","name":"A","launch":[{"method":"npx","identifier":"a"}]}}`;

  it.each([
    ['of the input', hostile('"__proto__":{"description":"x"}')],
    ['within it', hostile('"description":null').replace('"method"', '"__proto__":{"version":"1"},"method"')],
    [
      'that superjson is to walk',
      `{"json":{"id":"hostile"},"meta":{"values":{"__proto__.x":["undefined"]}}}`,
    ],
  ])('%s is refused by POST, GET and WebSocket, and nothing is stored', async (_where, body) => {
    const app = await start();
    const posted = await rawRequest(
      app,
      [
        'POST /trpc/servers.register HTTP/1.1',
        'Host: localhost',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ],
      body,
    );
    expect(posted.status).toBe(400);
    expect(posted.body).toContain('INVALID_REQUEST');
    const query = encodeURIComponent(body);
    const asked = await rawRequest(app, [
      `GET /trpc/servers.list?input=${query} HTTP/1.1`,
      'Host: localhost',
    ]);
    expect(asked.status).toBe(400);

    const { socket, answerTo } = await openSocket(app);
    socket.send(`{"id":1,"method":"mutation","params":{"path":"servers.register","input":${body}}}`);
    // A message that cannot be read is nobody's: tRPC answers it without its id.
    expect((await answerTo(null)).error?.json.data.error).toMatchObject({ code: 'INVALID_REQUEST' });
    socket.close();
    expect(await app.serverStore.list({ limit: 1, offset: 0 })).toMatchObject({ total: 0 });
    expect(({} as Record<string, unknown>)['description']).toBeUndefined();
  });
});

describe('a batch', () => {
  const batch = (calls: number) =>
    `/trpc/${Array.from({ length: calls }, () => 'system.live').join(',')}?batch=1&input=%7B%7D`;

  it('answers each call', async () => {
    const { url } = await start();
    const answer = await fetch(url + batch(3));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(
      Array.from({ length: 3 }, () => ({ result: { data: { json: { status: 'live' } } } })),
    );
  });

  it('of more than 50 calls is refused', async () => {
    const { url } = await start();
    expect((await fetch(url + batch(50))).status).toBe(200);
    const answer = await fetch(url + batch(51));
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('INVALID_REQUEST');
  });
});

it('logs what goes wrong around the operations, and says nothing of it', async () => {
  const ids = { next: () => 'req-x' };
  const app = await start({
    parts: {
      ids,
      rateLimiter: {
        take: () => {
          throw new Error('password=hunter2');
        },
      },
    },
  });
  const answer = await fetch(`${app.url}/trpc/servers.list?input=%7B%22json%22%3A%7B%7D%7D`);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('hunter2');
  expect(app.logged.filter(({ level }) => level === 50)).toEqual([
    expect.objectContaining({
      request_id: 'req-x',
      err: expect.objectContaining({ message: expect.stringContaining('hunter2') }),
    }),
  ]);
});
