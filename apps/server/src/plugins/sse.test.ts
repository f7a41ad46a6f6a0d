// Server-Sent Events: the frames, where a stream goes on, how it ends, and what a reader costs.
import { serverNotFound } from '@insightloop/core';
import { tracked } from '@trpc/server';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { rawRequest } from '../testing/raw-request.ts';
import { openRestDoor, routed, t, type RestDoor } from '../testing/rest-door.ts';

/** How many streams have not ended yet. */
let open = 0;
let pulled = 0;
const secret = 'password=hunter2';

async function* counted<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  open += 1;
  try {
    yield* items;
  } finally {
    open -= 1;
  }
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve());
  });

const streamMeta = (path: `/${string}`) => routed('GET', path, { stream: 'StreamEvent' });
const resumable = z.strictObject({ lastEventId: z.string().optional() });

const router = t.router({
  count: t.procedure
    .meta(streamMeta('/count/{to}'))
    .input(resumable.extend({ to: z.int() }))
    .subscription(({ input }) =>
      counted(
        (async function* () {
          for (let n = Number(input.lastEventId ?? 0) + 1; n <= input.to; n += 1)
            yield tracked(String(n), { type: 'number', n });
        })(),
      ),
    ),
  odd: t.procedure.meta(streamMeta('/odd')).subscription(async function* () {
    yield { type: 'lines', text: 'one\ntwo\r\n\nid: 9\ndata: x\u2028' };
    yield { no: 'type' };
    yield { type: 5 };
    yield 'text';
    yield null;
  }),
  quiet: t.procedure.meta(streamMeta('/quiet')).subscription(({ signal }) =>
    counted(
      (async function* () {
        yield { type: 'begin' };
        await aborted(signal);
      })(),
    ),
  ),
  silent: t.procedure.meta(streamMeta('/silent')).subscription(({ signal }) =>
    counted(
      (async function* (): AsyncGenerator<{ type: string }> {
        await aborted(signal);
      })(),
    ),
  ),
  flood: t.procedure.meta(streamMeta('/flood')).subscription(() =>
    counted(
      (async function* () {
        for (;;) {
          pulled += 1;
          yield { type: 'drop', water: 'x'.repeat(1000) };
          // As a real source does: it lets others take their turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
      })(),
    ),
  ),
  missing: t.procedure.meta(streamMeta('/missing')).subscription(() => {
    throw serverNotFound('x');
  }),
  breaking: t.procedure
    .meta(streamMeta('/breaking/{how}'))
    .input(z.strictObject({ how: z.enum(['ours', 'not-ours']) }))
    .subscription(({ input }) =>
      counted(
        (async function* () {
          yield { type: 'begin' };
          throw input.how === 'ours' ? serverNotFound('x') : new Error(secret);
        })(),
      ),
    ),
});

let door: RestDoor;
beforeAll(async () => (door = await openRestDoor(router)));
afterAll(() => door[Symbol.asyncDispose]());
beforeEach(() => {
  open = 0;
  pulled = 0;
});

const text = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
  (await fetch(door.url + path, { headers })).text();

describe('a frame', () => {
  it('has an id to go on behind, the type as its name, and the data in one line', async () => {
    expect(await text('/count/2')).toBe(
      'retry: 1000\n\n' +
        'id: 1\nevent: number\ndata: {"type":"number","n":1}\n\n' +
        'id: 2\nevent: number\ndata: {"type":"number","n":2}\n\n',
    );
  });

  it('has no name where the reader wants none, and then is a message to an EventSource', async () => {
    expect(await text('/count/1?unnamed=true')).toBe(
      'retry: 1000\n\nid: 1\ndata: {"type":"number","n":1}\n\n',
    );
    expect(await text('/count/1?unnamed=false')).toContain('event: number');
  });

  it('cannot be forged by what stands in the data', async () => {
    const frames = (await text('/odd')).split('\n\n').slice(1, -1);
    expect(frames).toEqual([
      'event: lines\ndata: {"type":"lines","text":"one\\ntwo\\r\\n\\nid: 9\\ndata: x\u2028"}',
      'data: {"no":"type"}',
      'data: {"type":5}',
      'data: "text"',
      'data: null',
    ]);
  });

  it('comes under the headers of a stream, and with the request’s id', async () => {
    const { headers } = await fetch(`${door.url}/count/1`, { headers: { 'x-request-id': 'mine' } });
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': 'mine',
    });
  });
});

describe('a stream goes on', () => {
  const three = 'retry: 1000\n\nid: 3\nevent: number\ndata: {"type":"number","n":3}\n\n';

  it('behind the event that the header names', async () => {
    expect(await text('/count/3', { 'last-event-id': '2' })).toBe(three);
  });

  it('behind the event that the query names, for readers that set no header', async () => {
    expect(await text('/count/3?lastEventId=2')).toBe(three);
  });

  it('behind the one in the header where both are named: it is the newer', async () => {
    expect(await text('/count/3?lastEventId=0', { 'last-event-id': '2' })).toBe(three);
  });
});

describe('an error', () => {
  it('before the stream is an answer like every other', async () => {
    const answer = await fetch(`${door.url}/missing`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({ error: { code: 'SERVER_NOT_FOUND' } });
    expect((await fetch(`${door.url}/count/x`)).status).toBe(400);
    expect((await fetch(`${door.url}/count/1?more=1`)).status).toBe(400);
    expect(open).toBe(0);
  });

  it('in the stream is its last event, with the same envelope', async () => {
    const [, begin, error = '', ...rest] = (await text('/breaking/ours', { 'x-request-id': 'mine' })).split(
      '\n\n',
    );
    expect(begin).toContain('event: begin');
    const [name, data = ''] = error.split('\n');
    expect(name).toBe('event: error');
    expect(JSON.parse(data.replace('data: ', ''))).toEqual({
      error: {
        code: 'SERVER_NOT_FOUND',
        message: expect.any(String),
        details: { server_id: 'x' },
        timestamp: expect.any(String),
        request_id: 'mine',
      },
    });
    expect(rest).toEqual(['']);
    expect(open).toBe(0);
  });

  it('in the stream that is not ours says nothing of itself', async () => {
    const told = await text('/breaking/not-ours');
    expect(told).toContain('INTERNAL_ERROR');
    expect(told).not.toContain(secret);
  });
});

describe('a reader who leaves', () => {
  it.each(['/quiet', '/silent', '/flood'])('ends %s', async (path) => {
    const leaving = new AbortController();
    const { body } = await fetch(door.url + path, { signal: leaving.signal });
    await body?.getReader().read();
    await expect.poll(() => open).toBe(1);
    leaving.abort();
    await expect.poll(() => open).toBe(0);
  });

  it('before the first word ends it too, and so does one who asks for the head only', async () => {
    const socket = connect(door.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.destroy();
    expect((await rawRequest(door, ['HEAD /silent HTTP/1.1', 'Host: localhost'])).status).toBe(200);
    await expect.poll(() => open).toBe(0);
  });

  it('is not needed for the application to close', async () => {
    const other = await openRestDoor(router);
    const { body } = await fetch(`${other.url}/quiet`);
    const rest = body?.getReader();
    await rest?.read();
    await other.app.close();
    await expect.poll(() => open).toBe(0);
    await rest?.cancel().catch(() => undefined);
  });
});

describe('a reader who does not read', () => {
  it('stops the source instead of filling the memory', async () => {
    const socket = connect(door.port, '127.0.0.1');
    socket.pause();
    await once(socket, 'connect');
    socket.write('GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let before = -1;
    // Until nothing has been pulled for a while: the kernel's buffers are full then.
    await expect
      .poll(
        () => {
          const isStill = pulled > 0 && pulled === before;
          before = pulled;
          return isStill;
        },
        { interval: 300, timeout: 20_000 },
      )
      .toBe(true);
    expect(pulled).toBeLessThan(20_000);

    socket.resume();
    await expect.poll(() => pulled).toBeGreaterThan(before);
    socket.destroy();
    await expect.poll(() => open).toBe(0);
  }, 30_000);
});

describe('a stream in which nothing happens', () => {
  afterEach(() => void vi.useRealTimers());

  it('says now and then that it is alive, and no more than that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const socket = connect(door.port, '127.0.0.1').setEncoding('utf8');
    let told = '';
    socket.on('data', (chunk: string) => (told += chunk));
    socket.write('GET /quiet HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => told.includes('event: begin'));
    expect(told).not.toContain('heartbeat');
    for (let beat = 1; beat <= 3; beat += 1) {
      await until(() => vi.getTimerCount() > 0);
      vi.advanceTimersByTime(15_000);
      await until(() => told.split(': heartbeat\n\n').length === beat + 1);
    }
    socket.destroy();
    await until(() => open === 0);
    await until(() => vi.getTimerCount() === 0);
  });

  /** With timers that stand still, only turns of the event loop pass. */
  async function until(isSo: () => boolean): Promise<void> {
    for (let turn = 0; !isSo(); turn += 1) {
      if (turn > 100_000) throw new Error('it never came to that');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});
