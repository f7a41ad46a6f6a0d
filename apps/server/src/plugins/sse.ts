// Server-Sent Events for curl and EventSource: the generator of a subscription, written as named events.
import { nothingLeft, toAppError, toErrorBody } from '@insightloop/api';
import { isTrackedEnvelope } from '@trpc/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { jsonOf, typeOf } from './event-json.ts';

/** Shorter than the idle limits of common proxies (60 s), long enough to cost nothing. */
const heartbeatMs = 15_000;

/** What is written at once at most, when much is to be told. In characters. */
const chunkLength = 64 * 1024;

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
  return reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    .send(readableOf(stream, { aborter, named: unnamed !== 'true', requestId: request.id }));
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

interface FrameOptions {
  aborter: AbortController;
  named: boolean;
  requestId: string;
}

/**
 * Reads on only when the socket has drained: a slow reader holds nothing but its place in the log. What is there at one
 * moment is written at once, so that the more a busy server has to tell, the less each event costs it.
 */
function readableOf(stream: AsyncIterable<unknown>, { aborter, named, requestId }: FrameOptions): Readable {
  let text = 'retry: 1000\n\n';
  let flushing: NodeJS.Immediate | null = null;
  let isFull = false;
  let drained = Promise.withResolvers<void>();

  const readable = new Readable({
    read() {
      isFull = false;
      drained.resolve();
      drained = Promise.withResolvers();
    },
    destroy(error, done) {
      clearTimeout(heartbeat);
      if (flushing) clearImmediate(flushing);
      drained.resolve();
      aborter.abort();
      done(error);
    },
  });
  const flush = (): void => {
    flushing = null;
    if (text === '' || readable.destroyed) return;
    isFull = !readable.push(text);
    text = '';
    heartbeat.refresh();
  };
  const heartbeat = setTimeout(() => {
    if (!isFull) text += ': heartbeat\n\n';
    flush();
    heartbeat.refresh();
  }, heartbeatMs);
  const write = async (frame: string): Promise<void> => {
    text += frame;
    if (text.length > chunkLength) flush();
    else flushing ??= setImmediate(flush);
    while (isFull && !aborter.signal.aborted) await drained.promise;
  };

  const pump = async (): Promise<void> => {
    try {
      await write('');
      for await (const item of stream) {
        if (aborter.signal.aborted) return;
        await write(frameOf(item, named));
        // Cut off, a reader would come back at once; told to, it waits as long as it was asked to.
        if (typeOf(isTrackedEnvelope(item) ? item[1] : item) === 'server_closing') return;
      }
    } catch (thrown) {
      if (aborter.signal.aborted) return;
      const body = { error: toErrorBody(toAppError(thrown), requestId) };
      await write(`event: error\ndata: ${JSON.stringify(body)}\n\n`);
    } finally {
      flush();
      if (!readable.destroyed) readable.push(null);
      aborter.abort();
    }
  };
  // Not before the headers are sent: the first word would come ahead of them.
  setImmediate(() => void pump());
  return readable;
}

/** What only says where a reader stands is no event here but an id alone: an EventSource keeps it and tells nobody. */
const standing: ReadonlySet<string | null> = new Set(['subscribed', 'position']);

function frameOf(item: unknown, named: boolean): string {
  const [id, data] = isTrackedEnvelope(item) ? [item[0], item[1]] : [null, item];
  const type = typeOf(data);
  if (id !== null && standing.has(type)) return `id: ${id}\n\n`;
  const event = named && type !== null ? `event: ${type}\n` : '';
  return `${id === null ? '' : `id: ${id}\n`}${event}data: ${jsonOf(data)}\n\n`;
}
