// What a stream does when its connections come and go.
import { describe, expect, it } from 'vitest';
import { createEventStream, type StreamSource } from './event-stream.ts';
import { InsightLoopError } from './insightloop-error.ts';
import type { StreamMessage } from './stream-transport.ts';

const opened: StreamMessage = { type: 'opened' };
const alive: StreamMessage = { type: 'alive' };
const item = (id: string | null, value: unknown): StreamMessage => ({ type: 'item', id, value });
const lost = () => new InsightLoopError('CONNECTION_FAILED', 'lost');

type Step = StreamMessage | Error;

/** Each connection plays its steps: messages, and what it ends with. Without an error it ended well. */
function createSource(connections: Step[][], signal = new AbortController().signal, begins = true) {
  const asked: (string | null)[] = [];
  const pauses: number[] = [];
  let closed = 0;
  const source: StreamSource = {
    async *connect(lastEventId) {
      asked.push(lastEventId);
      try {
        for (const step of connections.shift() ?? []) {
          if (step instanceof Error) throw step;
          yield step;
          if (step === opened && begins) yield item(null, { type: 'subscribed' });
        }
      } finally {
        closed += 1;
      }
    },
    signal,
    pause: async (ms) => void pauses.push(ms),
    random: () => 1,
  };
  return {
    source,
    asked,
    pauses,
    get closed() {
      return closed;
    },
  };
}

async function allOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const value of stream) all.push(value);
  return all;
}

describe('createEventStream', () => {
  it('gives tracked items with their id, others as they are, and ends with the server', async () => {
    const { source } = createSource([[opened, item('a-1', 'one'), alive, item(null, 'two')]]);
    expect(await allOf(createEventStream(source))).toEqual([{ id: 'a-1', data: 'one' }, 'two']);
  });

  it('goes on behind the last item after a connection is lost', async () => {
    const { source, asked } = createSource([
      [opened, item('a-1', 1), item('a-2', 2), lost()],
      [lost()],
      [opened, lost()],
      [opened, item('a-3', 3)],
    ]);
    expect(await allOf(createEventStream(source))).toEqual([
      { id: 'a-1', data: 1 },
      { id: 'a-2', data: 2 },
      { id: 'a-3', data: 3 },
    ]);
    expect(asked).toEqual([null, 'a-2', 'a-2', 'a-2']);
  });

  it('tries again more slowly each time, up to a limit, and anew after a sign of life', async () => {
    const failing = Array.from({ length: 7 }, () => [opened, lost()]);
    const { source, pauses } = createSource([...failing, [opened, alive, lost()], [opened]]);
    await allOf(createEventStream(source));
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 250]);
  });

  it('spreads the attempts of many clients', async () => {
    const { source, pauses } = createSource([[opened, lost()], [opened]]);
    await allOf(createEventStream({ ...source, random: () => 0 }));
    expect(pauses).toEqual([125]);
  });

  it.each([
    new InsightLoopError('SERVICE_UNAVAILABLE', 'restarting', { status: 503 }),
    new InsightLoopError('UNEXPECTED_ANSWER', 'a proxy', { status: 502 }),
    new InsightLoopError('UNEXPECTED_ANSWER', 'a proxy', { status: 504 }),
  ])('tries again after $code $status', async (passing) => {
    const { source } = createSource([
      [opened, item('a-1', 1), passing],
      [opened, item('a-2', 2)],
    ]);
    expect(await allOf(createEventStream(source))).toHaveLength(2);
  });

  it.each([
    new InsightLoopError('INVALID_REQUEST', 'no such id', { status: 400 }),
    new InsightLoopError('ORCHESTRATION_FAILED', 'beyond repair', { status: 502 }),
    new InsightLoopError('GEMINI_API_ERROR', 'no key', { status: 503 }),
    new InsightLoopError('RATE_LIMIT_EXCEEDED', 'too many', { status: 429 }),
    new InsightLoopError('INTERNAL_ERROR', 'ours', { status: 500 }),
    new InsightLoopError('UNEXPECTED_ANSWER', 'something else answers', { status: 404 }),
    new TypeError('a bug'),
  ])('ends with an error that is final: $message', async (final) => {
    const { source, asked } = createSource([[opened, item('a-1', 1), final]]);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const value of createEventStream(source)) seen.push(value);
    })();
    await expect(reading).rejects.toBe(final);
    expect(seen).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  it('says at once when it cannot begin', async () => {
    const failure = lost();
    const { source, pauses } = createSource([[failure]]);
    const stream = createEventStream(source);
    await expect(stream.open()).rejects.toBe(failure);
    await expect(allOf(stream)).rejects.toBe(failure);
    expect(pauses).toEqual([]);
  });

  it('begins with what the server says first, and goes on behind its id; neither is an item', async () => {
    const first = { type: 'subscribed' };
    const { source, asked } = createSource(
      [
        [opened, item('a-0', first), lost()],
        [
          opened,
          item('a-0', first),
          item('a-5', { type: 'position' }),
          item('a-5', { type: 'server_closing' }),
          lost(),
        ],
        [opened, item('a-5', first), item('a-6', 6)],
      ],
      undefined,
      false,
    );
    const stream = createEventStream(source);
    await stream.open();
    expect(await allOf(stream)).toEqual([{ id: 'a-6', data: 6 }]);
    expect(asked).toEqual([null, 'a-0', 'a-5']);
  });

  it('has not begun when the connection is lost before that', async () => {
    const { source } = createSource([[opened, lost()]], undefined, false);
    await expect(createEventStream(source).open()).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  });

  it('asks for nothing until it is opened, and then once', async () => {
    const { source, asked } = createSource([[opened, item('a-1', 1)]]);
    const stream = createEventStream(source);
    expect(asked).toEqual([]);
    await stream.open();
    await stream.open();
    expect(asked).toEqual([null]);
    expect(await allOf(stream)).toEqual([{ id: 'a-1', data: 1 }]);
    expect(asked).toEqual([null]);
  });

  it('closes its connection when the loop is left', async () => {
    const created = createSource([[opened, item('a-1', 1), item('a-2', 2)]]);
    for await (const value of createEventStream(created.source)) if (value) break;
    expect(created.closed).toBe(1);
  });

  it('ends quietly when it is aborted: before, between connections, and in the middle of one', async () => {
    const before = createSource([[opened]], AbortSignal.abort());
    expect(await allOf(createEventStream(before.source))).toEqual([]);
    expect(before.asked).toEqual([]);

    const between = new AbortController();
    const paused = createSource([[opened, lost()]], between.signal);
    const pause = async () => between.abort();
    expect(await allOf(createEventStream({ ...paused.source, pause }))).toEqual([]);
    expect(paused.asked).toHaveLength(1);

    const middle = new AbortController();
    const cut = createSource([[opened, item('a-1', 1), new Error('aborted')]], middle.signal);
    const seen: unknown[] = [];
    for await (const value of createEventStream(cut.source)) {
      seen.push(value);
      middle.abort();
    }
    expect(seen).toHaveLength(1);
  });

  it('does not wait out its pause when it is aborted', async () => {
    const stopping = new AbortController();
    const { source } = createSource([[opened, item('a-1', 1), lost()]], stopping.signal);
    const { pause: _faked, ...real } = source;
    // The pause is ten minutes' worth of test time if it does not hear the signal.
    const stream = createEventStream({ ...real, random: () => 10_000 });
    for await (const value of stream) if (value) setImmediate(() => stopping.abort());
  });
});
