// Server-Sent Events for curl and EventSource: the generator of a subscription, written as named events.
import { nothingLeft, toAppError, toErrorBody } from '@insightloop/api';
import { isTrackedEnvelope } from '@trpc/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';

/** Shorter than the idle limits of common proxies (60 s), long enough to cost nothing. */
const heartbeatMs = 15_000;

interface StreamOptions {
  request: FastifyRequest;
  reply: FastifyReply;
  /** Aborts when the reader leaves. */
  aborter: AbortController;
}

export function sendStream(stream: unknown, { request, reply, aborter }: StreamOptions): FastifyReply {
  if (stream === nothingLeft) return reply.code(204).send();
  if (!isAsyncIterable(stream)) throw new Error('a subscription returned no stream');
  const { unnamed } = Object.fromEntries(new URLSearchParams(request.url.split('?')[1] ?? ''));
  const frames = writeFrames(stream, { aborter, named: unnamed !== 'true', requestId: request.id });
  return (
    reply
      .headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      })
      // Reads on only when the socket has drained: a slow reader holds nothing but its place in the log.
      .send(Readable.from(frames, { objectMode: false }))
  );
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

interface FrameOptions {
  aborter: AbortController;
  named: boolean;
  requestId: string;
}

async function* writeFrames(stream: AsyncIterable<unknown>, options: FrameOptions): AsyncGenerator<string> {
  const { aborter, named, requestId } = options;
  const iterator = stream[Symbol.asyncIterator]();
  try {
    yield 'retry: 1000\n\n';
    for (;;) {
      const next = withHeartbeats(iterator.next());
      let result = await next();
      for (; result === 'heartbeat'; result = await next()) yield ': heartbeat\n\n';
      if (result.done) return;
      yield frame(result.value, named);
    }
  } catch (thrown) {
    if (aborter.signal.aborted) return;
    const body = { error: toErrorBody(toAppError(thrown), requestId) };
    yield `event: error\ndata: ${JSON.stringify(body)}\n\n`;
  } finally {
    aborter.abort();
    // Nobody waits for it: a stream that is waiting itself ends by the signal, or when its next event comes.
    void iterator.return?.().catch(() => undefined);
  }
}

/**
 * Settles as `next` does, or says 'heartbeat' when that takes long; then it may be asked again. Not a race anew each
 * time: every race would leave something behind at `next`, which may take days.
 */
function withHeartbeats<T>(next: Promise<T>): () => Promise<T | 'heartbeat'> {
  let isSettled = false;
  let wake = (): void => undefined;
  const settle = (): void => {
    isSettled = true;
    wake();
  };
  next.then(settle, settle);
  return async () => {
    if (!isSettled)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, heartbeatMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return isSettled ? next : 'heartbeat';
  };
}

function frame(item: unknown, named: boolean): string {
  const [id, data] = isTrackedEnvelope(item) ? [item[0], item[1]] : [null, item];
  const type = typeof data === 'object' && data !== null && 'type' in data ? data.type : null;
  const event = named && typeof type === 'string' ? `event: ${type}\n` : '';
  return `${id === null ? '' : `id: ${id}\n`}${event}data: ${JSON.stringify(data)}\n\n`;
}
