// One connection, fed with the very bytes that a server would send.
import superjson from 'superjson';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Door } from './door.ts';
import { readMessages } from './server-sent-events.ts';
import type { StreamMessage } from './stream-transport.ts';

const never = new AbortController().signal;

/** A server whose answer the test writes piece by piece. */
function createStreamingServer(init: ResponseInit = {}) {
  const encoder = new TextEncoder();
  const asked: string[] = [];
  let pulls = 0;
  let cancelled = false;
  let writer: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void (writer = controller),
      pull: () => void (pulls += 1),
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  const door: Door = {
    url: 'http://api.example/trpc',
    headers: { authorization: 'Bearer k' },
    fetch: async (url, request) => {
      asked.push(new Request(url).url);
      // As a real connection does: aborting the request errors its body.
      request?.signal?.addEventListener('abort', () => {
        cancelled = true;
        writer?.error(request.signal?.reason);
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' }, ...init });
    },
  };
  return {
    door,
    asked,
    write: (text: string) => writer?.enqueue(encoder.encode(text)),
    writeBytes: (bytes: Uint8Array) => writer?.enqueue(bytes),
    close: () => writer?.close(),
    get pulls() {
      return pulls;
    },
    get cancelled() {
      return cancelled;
    },
  };
}

const event = (name: string | null, data: string, id?: string): string =>
  `${name === null ? '' : `event: ${name}\n`}data: ${data}\n${id === undefined ? '' : `id: ${id}\n`}\n\n`;

const connected = event('connected', '{"reconnectAfterInactivityMs":15000}');

const read = (door: Door, signal: AbortSignal = never): AsyncGenerator<StreamMessage, void> =>
  readMessages({
    ...door,
    path: 'events.subscribe',
    input: { channels: ['servers'] },
    signal,
    failures: {
      lost: (cause) => new Error('lost', { cause }),
      unexpected: (what) => new Error(what),
      refused: () => null,
    },
  });

async function allOf(messages: AsyncIterable<StreamMessage>): Promise<StreamMessage[]> {
  const all = [];
  for await (const message of messages) all.push(message);
  return all;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('readMessages', () => {
  it('asks with the input in the address and reads what the server tells until it ends the stream', async () => {
    const server = createStreamingServer();
    const date = new Date('2026-11-01T00:00:00.000Z');
    server.write(connected + event('ping', '') + event(null, superjson.stringify({ at: date }), 'e-1'));
    server.write(event(null, superjson.stringify('untracked'), '') + event('restore-id', '', 'e-1'));
    server.write(event('return', ''));
    expect(await allOf(read(server.door))).toEqual([
      { type: 'opened' },
      { type: 'alive' },
      { type: 'item', id: 'e-1', value: { at: date } },
      { type: 'item', id: null, value: 'untracked' },
    ]);
    const url = new URL(server.asked[0] ?? '');
    expect(url.pathname).toBe('/trpc/events.subscribe');
    expect(superjson.parse(url.searchParams.get('input') ?? '')).toEqual({ channels: ['servers'] });
  });

  it('puts together events and characters that arrive in pieces', async () => {
    const server = createStreamingServer();
    for (const byte of new TextEncoder().encode(
      connected + event(null, superjson.stringify('größer 🧭'), 'e-1'),
    ))
      server.writeBytes(Uint8Array.of(byte));
    server.write(event('return', ''));
    expect(await allOf(read(server.door))).toEqual([
      { type: 'opened' },
      { type: 'item', id: 'e-1', value: 'größer 🧭' },
    ]);
  });

  it('asks the server for more only when it is asked for more', async () => {
    const server = createStreamingServer();
    const messages = read(server.door);
    server.write(connected);
    await messages.next();
    const pulls = server.pulls;
    server.write(event(null, superjson.stringify(1), 'e-1'));
    server.write(event(null, superjson.stringify(2), 'e-2'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.pulls).toBe(pulls);
    expect((await messages.next()).value).toMatchObject({ id: 'e-1' });
    expect((await messages.next()).value).toMatchObject({ id: 'e-2' });
    await messages.return();
  });

  it('throws the error that the server sends in the stream', async () => {
    const server = createStreamingServer();
    const error = {
      code: 'INVALID_REQUEST',
      message: 'The last event id is none of ours.',
      details: { issues: [] },
      timestamp: '2026-11-01T00:00:00.000Z',
      request_id: 'req-1',
    };
    const shape = { message: 'm', code: -32600, data: { code: 'BAD_REQUEST', httpStatus: 400, error } };
    server.write(connected + event('serialized-error', superjson.stringify(shape)));
    await expect(allOf(read(server.door))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      status: 400,
      requestId: 'req-1',
    });
    expect(server.cancelled).toBe(true);
  });

  it('tells a connection that is lost from a stream that has ended', async () => {
    const server = createStreamingServer();
    server.write(connected);
    server.close();
    await expect(allOf(read(server.door))).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  });

  it.each([
    ['no stream', { headers: { 'content-type': 'text/html' } }, '', 'UNEXPECTED_ANSWER'],
    ['an event that is not JSON', {}, event(null, 'nonsense', 'e-1'), 'UNEXPECTED_ANSWER'],
    ['an error that is not ours', {}, event('serialized-error', '{"json":{}}'), 'UNEXPECTED_ANSWER'],
  ])('refuses what it cannot read: %s', async (_what, init, text, code) => {
    const server = createStreamingServer(init);
    server.write(text);
    await expect(allOf(read(server.door))).rejects.toMatchObject({ code });
  });

  it('refuses an event that never ends before it fills the memory', async () => {
    const server = createStreamingServer();
    const megabyte = 'x'.repeat(1024 * 1024);
    server.write(`${connected}data: `);
    for (let written = 0; written < 40; written += 1) server.write(megabyte);
    await expect(allOf(read(server.door))).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
  });

  it('cuts a connection that stays silent longer than the server said it would', async () => {
    vi.useFakeTimers();
    const server = createStreamingServer();
    server.write(connected);
    const messages = read(server.door);
    await messages.next();
    const silent = messages.next();
    const lost = expect(silent).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    await vi.advanceTimersByTimeAsync(14_999);
    expect(server.cancelled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await lost;
    expect(server.cancelled).toBe(true);
  });

  it('does not count the time in which nobody reads', async () => {
    vi.useFakeTimers();
    const server = createStreamingServer();
    server.write(connected);
    const messages = read(server.door);
    await messages.next();
    await vi.advanceTimersByTimeAsync(60_000);
    server.write(event(null, superjson.stringify(1), 'e-1'));
    expect((await messages.next()).value).toMatchObject({ id: 'e-1' });
    await messages.return();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('closes the connection when it is left and when it is aborted', async () => {
    const left = createStreamingServer();
    left.write(connected);
    for await (const message of read(left.door)) if (message.type === 'opened') break;
    expect(left.cancelled).toBe(true);

    const stopping = new AbortController();
    const aborted = createStreamingServer();
    aborted.write(connected);
    const messages = read(aborted.door, stopping.signal);
    await messages.next();
    const pending = expect(messages.next()).rejects.toThrow();
    stopping.abort();
    await pending;
    expect(aborted.cancelled).toBe(true);
  });
});
