// The WebSocket of channels: what it answers, where it goes on, what it refuses, and that nothing stays behind.
import { createFixedWindowLimiter, type AppEvent } from '@insightloop/core';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { systemClock } from '../machine.ts';
import { startTestApp, type TestApp } from '../testing/test-app.ts';

let app: TestApp;
const sockets: WebSocket[] = [];
beforeEach(async () => (app = await startTestApp()));
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await expect.poll(() => app.eventLog.readers).toBe(0);
  await app[Symbol.asyncDispose]();
});

interface Said {
  type: string;
  id?: string;
  channels?: string[];
  server_id?: string;
  missed?: number;
  error?: { code: string; request_id: string; details: { issues: { path: string[] }[] } };
}

/** A client: what it was told, in order. */
async function connect(options: ClientOptions = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ws`, options);
  sockets.push(socket);
  const told: Said[] = [];
  socket.on('message', (data: Buffer) => told.push(JSON.parse(data.toString()) as Said));
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  let taken = 0;
  return {
    socket,
    told,
    closed,
    say: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    /** The next so many that were not taken yet. */
    async take(count: number): Promise<Said[]> {
      await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(taken + count);
      taken += count;
      return told.slice(taken - count, taken);
    },
  };
}

const removed = (n: number, server_id = `n-${n}`): AppEvent => ({
  type: 'server_removed',
  channel: 'servers',
  timestamp: new Date(0),
  server_id,
});
const line = (number: number, level: 'info' | 'error'): AppEvent => ({
  ...{ type: 'log', channel: 'logs', timestamp: new Date(0), server_id: 'a', deployment_id: 'd' },
  ...{ number, level, message: `line ${number}`, source: 'mcp-server' },
});
const names = (said: Said[]): string[] => said.map(({ type, server_id }) => server_id ?? type);

describe('a subscription', () => {
  it('is answered, and then tells what happens, each with its id', async () => {
    const { say, take, told } = await connect();
    app.eventLog.append(removed(1));
    say({ type: 'ping' });
    expect(await take(1)).toMatchObject([{ type: 'pong', timestamp: expect.any(String) }]);
    say({ type: 'subscribe', channels: ['servers', 'orchestration'] });
    expect(await take(1)).toMatchObject([
      {
        type: 'subscribed',
        channels: ['orchestration', 'servers'],
        server_id: null,
        task_id: null,
        level: null,
        id: expect.any(String),
      },
    ]);
    app.eventLog.append(removed(2));
    app.eventLog.append(line(1, 'error'));
    app.eventLog.append(removed(3));
    expect(names(await take(2))).toEqual(['n-2', 'n-3']);
    expect(told).toHaveLength(4);
    expect(told[2]).toMatchObject({ type: 'server_removed', channel: 'servers', id: expect.any(String) });
  });

  it('grows and shrinks without losing or repeating anything', async () => {
    const { say, take } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    await take(1);
    app.eventLog.append(removed(1));
    say({ type: 'subscribe', channels: ['logs'] });
    app.eventLog.append(removed(2));
    const first = await take(3);
    expect(names(first).toSorted()).toEqual(['n-1', 'n-2', 'subscribed']);
    app.eventLog.append(line(1, 'info'));
    expect(await take(1)).toMatchObject([{ type: 'log', number: 1 }]);
    say({ type: 'unsubscribe', channels: ['servers'] });
    const answers = await take(2);
    expect(answers.map(({ type, channels }) => [type, channels])).toEqual(
      expect.arrayContaining([
        ['unsubscribed', ['logs']],
        ['subscribed', ['logs']],
      ]),
    );
    app.eventLog.append(removed(3));
    app.eventLog.append(line(2, 'info'));
    expect(await take(1)).toMatchObject([{ type: 'log', number: 2 }]);
    say({ type: 'unsubscribe' });
    expect(await take(1)).toMatchObject([{ type: 'unsubscribed', channels: [] }]);
    await expect.poll(() => app.eventLog.readers).toBe(0);
  });

  it('goes on behind an id, of this connection or another', async () => {
    const first = await connect();
    first.say({ type: 'subscribe', channels: ['servers', 'logs'] });
    const [begun] = await first.take(1);
    app.eventLog.append(removed(1));
    app.eventLog.append(line(1, 'info'));
    const [one] = await first.take(2);
    first.socket.terminate();
    app.eventLog.append(removed(2));
    const second = await connect();
    second.say({ type: 'subscribe', channels: ['servers', 'logs'], resume_from: one?.id });
    expect(names(await second.take(3))).toEqual(['subscribed', 'a', 'n-2']);
    // Nothing was told at the beginning, and its id is worth as much.
    second.say({ type: 'subscribe', channels: ['servers', 'logs'], resume_from: begun?.id });
    expect(names(await second.take(4))).toEqual(['subscribed', 'n-1', 'a', 'n-2']);
  });

  it('is told how much is gone', async () => {
    const { say, take } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    const [begun] = await take(1);
    for (let n = 1; n <= 10_010; n += 1) app.eventLog.append(removed(n));
    const late = await connect();
    late.say({ type: 'subscribe', channels: ['servers'], resume_from: begun?.id });
    expect(await late.take(3)).toMatchObject([
      { type: 'subscribed' },
      { type: 'gap', channel: 'servers', missed: 10 },
      { server_id: 'n-11' },
    ]);
  });

  it('has filters, of the last subscribe, for all its channels', async () => {
    const { say, take } = await connect();
    say({ type: 'subscribe', channels: ['servers', 'logs'], server_id: 'a', level: 'error' });
    expect(await take(1)).toMatchObject([{ type: 'subscribed', server_id: 'a', level: 'error' }]);
    app.eventLog.append(removed(1));
    app.eventLog.append(line(1, 'info'));
    app.eventLog.append(line(2, 'error'));
    app.eventLog.append(removed(2, 'a'));
    expect(await take(2)).toMatchObject([
      { type: 'log', number: 2 },
      { type: 'server_removed', server_id: 'a' },
    ]);
  });
});

describe('a reader who does not read', () => {
  it('holds its place and no more, and is told what it missed', async () => {
    const { socket, say, take, told } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    await take(1);
    socket.pause();
    const filler = 'x'.repeat(1000);
    let sent = 0;
    for (let round = 0; round < 60; round += 1) {
      for (let count = 0; count < 1_000; count += 1) app.eventLog.append(removed((sent += 1), filler));
      await new Promise((resolve) => setImmediate(resolve));
      for (const client of app.app.websocketServer.clients)
        expect(client.bufferedAmount).toBeLessThan(1024 * 1024);
    }
    socket.resume();
    await expect.poll(() => told.some(({ type }) => type === 'gap'), { timeout: 20_000 }).toBe(true);
    app.eventLog.append(removed(0, 'last'));
    await expect.poll(() => told.at(-1)?.server_id, { timeout: 20_000 }).toBe('last');
    const missed = told.reduce((sum, said) => sum + (said.missed ?? 0), 0);
    const seen = told.filter(({ type }) => type === 'server_removed').length;
    expect(missed + seen).toBe(sent + 1);
  }, 60_000);
});

describe('what is wrong', () => {
  it.each([
    ['no JSON', 'not json {', undefined],
    ['JSON that is no object', '[1]', undefined],
    ['no type', '{}', 'type'],
    ['an unknown type', '{"type":"publish"}', 'type'],
    ['an unknown channel', '{"type":"subscribe","channels":["gossip"]}', 'channels'],
    ['no channels', '{"type":"subscribe","channels":[]}', 'channels'],
    ['a field that does not exist', '{"type":"subscribe","channels":["servers"],"__proto__x":1}', undefined],
    [
      'an id that is none of ours',
      '{"type":"subscribe","channels":["servers"],"resume_from":"x"}',
      undefined,
    ],
    ['a level that does not exist', '{"type":"subscribe","channels":["logs"],"level":"loud"}', 'level'],
  ])('%s is said, and what is subscribed goes on', async (_what, text, path) => {
    const { socket, say, take } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    await take(1);
    say(text);
    const [said] = await take(1);
    expect(said).toMatchObject({
      type: 'error',
      error: {
        code: 'INVALID_REQUEST',
        message: expect.any(String),
        request_id: expect.stringMatching(/^req-/),
      },
    });
    if (path) expect(said?.error?.details.issues[0]?.path[0]).toBe(path);
    app.eventLog.append(removed(1));
    expect(names(await take(1))).toEqual(['n-1']);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it.each([
    ['a binary frame', Buffer.from('{"type":"ping"}'), 1003],
    ['a frame of 1 MB', 'x'.repeat(1_000_000), 1009],
    ['a larger one', 'x'.repeat(2 * 1024 * 1024), 1009],
  ])('%s closes the connection, and no other', async (_what, data, code) => {
    const [bad, good] = [await connect(), await connect()];
    good.say({ type: 'subscribe', channels: ['servers'] });
    await good.take(1);
    bad.socket.send(data);
    expect(await bad.closed).toBe(code);
    app.eventLog.append(removed(1));
    expect(names(await good.take(1))).toEqual(['n-1']);
  });

  it('a thousand subscribes are one reader, and the last of them holds', async () => {
    const { say, told } = await connect();
    for (let n = 0; n < 999; n += 1) say({ type: 'subscribe', channels: ['servers'], server_id: `n-${n}` });
    say({ type: 'subscribe', channels: ['servers'], server_id: 'last' });
    await expect
      .poll(() => told.at(-1), { timeout: 20_000 })
      .toMatchObject({ type: 'subscribed', server_id: 'last' });
    await expect.poll(() => app.eventLog.readers).toBe(1);
    app.eventLog.append(removed(1));
    app.eventLog.append(removed(2, 'last'));
    await expect.poll(() => told.at(-1)).toMatchObject({ type: 'server_removed', server_id: 'last' });
  }, 30_000);

  it('more messages at once than anybody means end the connection', async () => {
    const { say, closed } = await connect();
    for (let n = 0; n < 20_000; n += 1) say('{"type":"ping"}');
    say('{"type":"subscribe","channels":["servers"]}');
    // Answered one by one, or closed: never piled up without end.
    const code = await Promise.race([
      closed,
      expect
        .poll(() => app.eventLog.readers, { timeout: 20_000 })
        .toBe(1)
        .then(() => null),
    ]);
    expect([null, 1008]).toContain(code);
  }, 30_000);

  it('what the limit of requests refuses is said, and the connection stays', async () => {
    await app[Symbol.asyncDispose]();
    const rateLimiter = createFixedWindowLimiter({ logs: 1 }, systemClock);
    app = await startTestApp({ parts: { rateLimiter } });
    const { say, take } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    say({ type: 'subscribe', channels: ['logs'] });
    const said = await take(2);
    expect(said.map(({ type, error }) => error?.code ?? type).toSorted()).toEqual([
      'RATE_LIMIT_EXCEEDED',
      'subscribed',
    ]);
    app.eventLog.append(removed(1));
    expect(names(await take(1))).toEqual(['n-1']);
  });

  it('a page of another site cannot open one', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ws`, { headers });
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error.message).toContain('403');
    }
  });

  it('a request that is no WebSocket is told what to do', async () => {
    const answer = await fetch(`${app.url}/ws`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: 'INVALID_REQUEST', message: expect.stringContaining('subscribe') },
    });
  });
});

describe('an end', () => {
  it('of the server is told, with the id to come back with', async () => {
    const { say, take, closed } = await connect();
    say({ type: 'subscribe', channels: ['servers'] });
    const [begun] = await take(1);
    void app.app.close();
    expect(await take(1)).toMatchObject([{ type: 'server_closing', id: begun?.id }]);
    expect(await closed).toBe(1001);
  });

  it('of many connections leaves nothing behind', async () => {
    for (let round = 0; round < 5; round += 1) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect()));
      for (const { say } of clients) say({ type: 'subscribe', channels: ['servers'] });
      await expect.poll(() => app.eventLog.readers).toBe(20);
      for (const { socket } of clients) socket.terminate();
      await expect.poll(() => app.eventLog.readers).toBe(0);
      expect(app.app.websocketServer.clients.size).toBe(0);
    }
  });
});
