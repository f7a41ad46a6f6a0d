// One connection to `/ws`: the messages of its client, one after the other, and one reader of events.
import { statusOf, toAppError, toErrorBody } from '@insightloop/api';
import type { WebSocket } from '@fastify/websocket';
import {
  channel,
  channels as allChannels,
  eventFilter,
  formatPositions,
  invalidRequest,
  parseCursor,
  type Channel,
  type EventFilter,
  type Logger,
  type Positions,
} from '@insightloop/core';
import { isTrackedEnvelope, TRPCError } from '@trpc/server';
import type { RawData } from 'ws';
import { z } from 'zod';
import { jsonOf, typeOf } from './event-json.ts';

export interface ChannelsOptions {
  socket: WebSocket;
  log: Logger;
  newRequestId: () => string;
  /** @throws whatever is wrong with the input, before anything is told */
  open: (input: unknown, signal: AbortSignal, requestId: string) => Promise<unknown>;
}

/** Of messages from clients, which are short. In bytes. */
const maxMessageBytes = 64 * 1024;
/** Messages that wait while one is answered. */
const maxWaiting = 1_000;
/** What may wait for a reader before the next event does. */
const maxBufferedBytes = 256 * 1024;

/** Close codes of RFC 6455, section 7.4.1. */
const closeCode = { goingAway: 1001, unsupportedData: 1003, policyViolation: 1008, tooLarge: 1009 } as const;

const message = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    channels: z.array(channel).min(1).max(10),
    ...eventFilter.shape,
    resume_from: z.string().max(1000).nullish(),
  }),
  z.strictObject({
    type: z.literal('unsubscribe'),
    channels: z.array(channel).min(1).max(10).optional(),
  }),
  z.looseObject({ type: z.literal('ping') }),
]);
type Message = z.infer<typeof message>;

const noPositions = (): Positions => new Map();

/** What a connection reads now. */
interface Subscription {
  channels: readonly Channel[];
  filter: EventFilter;
  /** Of what was told last. */
  id: string | null;
  over: AbortController;
}

/**
 * `subscribe` adds channels to those that are read and sets the filters for all of them; one that is wrong changes
 * nothing. Each event carries the `id` to resume from.
 */
export function serveChannels({ socket, log, newRequestId, open }: ChannelsOptions): void {
  let current: Subscription | null = null;
  /** Set while the subscription changes: what is read meanwhile is not told, as the next one reads it again. */
  let change: PromiseWithResolvers<void> | null = null;
  let waiting = 0;
  let working = Promise.resolve();

  const say = (data: object): void => {
    socket.send(JSON.stringify(data));
  };

  const sayError = (thrown: unknown, requestId: string): void => {
    const error = toAppError(thrown);
    if (statusOf(error).status >= 500)
      log.error({ request_id: requestId, err: error.cause ?? error }, error.message);
    say({ type: 'error', error: toErrorBody(error, requestId) });
  };

  /** The next event waits until a slow reader has read: it is told of a gap where that takes too long. */
  const tell = (text: string): Promise<void> | null => {
    if (socket.bufferedAmount <= maxBufferedBytes) {
      socket.send(text);
      return null;
    }
    return new Promise((resolve) => {
      const end = (): void => {
        socket.off('close', end);
        resolve();
      };
      socket.once('close', end);
      socket.send(text, end);
    });
  };

  const pump = async (stream: AsyncIterable<unknown>, subscription: Subscription, requestId: string) => {
    const { signal } = subscription.over;
    try {
      for await (const item of stream) {
        while (change) await change.promise;
        if (signal.aborted || !isTrackedEnvelope(item)) return;
        const [id, data] = item;
        const isFirst = subscription.id === null;
        subscription.id = id;
        const filters = isFirst ? filtersOf(subscription.filter) : '';
        await tell(`{"id":${JSON.stringify(id)},${filters}${jsonOf(data).slice(1)}`);
        if (typeOf(data) === 'server_closing') {
          socket.close(closeCode.goingAway, 'The server is ending; come back and resume from the last id.');
          return;
        }
      }
    } catch (thrown) {
      if (signal.aborted) return;
      if (current === subscription) current = null;
      sayError(thrown, requestId);
    }
  };

  /** Replaces what is read now, without a hole and without telling anything twice. */
  const read = async (wanted: Omit<Subscription, 'id' | 'over'>, resume: Positions, requestId: string) => {
    change = Promise.withResolvers();
    try {
      const positions = current?.id ? parseCursor(current.id, current.channels) : noPositions();
      for (const [name, position] of resume) positions.set(name, position);
      for (const name of positions.keys()) if (!wanted.channels.includes(name)) positions.delete(name);
      const next: Subscription = { ...wanted, id: null, over: new AbortController() };
      const lastEventId = positions.size > 0 ? formatPositions(positions) : null;
      const input = { channels: [...wanted.channels], ...wanted.filter, lastEventId };
      const stream = await open(input, next.over.signal, requestId);
      if (!isAsyncIterable(stream)) throw new Error('a subscription returned no stream');
      if (socket.readyState !== socket.OPEN) next.over.abort();
      current?.over.abort();
      current = next;
      void pump(stream, next, requestId);
    } finally {
      change.resolve();
      change = null;
    }
  };

  const answer = async (asked: Message, requestId: string): Promise<void> => {
    switch (asked.type) {
      case 'ping':
        say({ type: 'pong', timestamp: new Date() });
        return;
      case 'subscribe': {
        const { type: _, channels, resume_from: resumeFrom, ...filter } = asked;
        const wanted = allChannels.filter(
          (name) => channels.includes(name) || current?.channels.includes(name),
        );
        const resume: Positions = resumeFrom
          ? parseCursor(resumeFrom, [...new Set(channels)])
          : noPositions();
        await read({ channels: wanted, filter }, resume, requestId);
        return;
      }
      case 'unsubscribe': {
        const leaving = asked.channels ?? allChannels;
        const rest = (current?.channels ?? []).filter((name) => !leaving.includes(name));
        if (current && rest.length > 0 && rest.length < current.channels.length)
          await read({ channels: rest, filter: current.filter }, noPositions(), requestId);
        else if (rest.length === 0) {
          current?.over.abort();
          current = null;
        }
        say({ type: 'unsubscribed', channels: rest, timestamp: new Date() });
      }
    }
  };

  const take = async (text: string): Promise<void> => {
    const requestId = newRequestId();
    try {
      await answer(messageIn(text), requestId);
    } catch (thrown) {
      sayError(thrown, requestId);
    }
    waiting -= 1;
    if (waiting === 0) socket.resume();
  };

  socket.on('message', (data, isBinary) => {
    const text = textOf(data);
    if (isBinary) socket.close(closeCode.unsupportedData, 'Send text, not binary frames.');
    else if (Buffer.byteLength(text) > maxMessageBytes)
      socket.close(closeCode.tooLarge, 'A message may have 64 KiB.');
    else if (waiting >= maxWaiting) socket.close(closeCode.policyViolation, 'Too many messages at once.');
    else {
      waiting += 1;
      // What has come already comes; more is not read before this is answered.
      socket.pause();
      working = working.then(() => take(text));
    }
  });
  socket.on('close', () => {
    current?.over.abort();
    current = null;
  });
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** @throws AppError INVALID_REQUEST */
function messageIn(text: string): Message {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidRequest('The message is not valid JSON.');
  }
  const checked = message.safeParse(parsed);
  if (checked.success) return checked.data;
  throw toAppError(new TRPCError({ code: 'BAD_REQUEST', cause: checked.error }));
}

/** The answer to a subscribe names the filters that now hold. */
const filtersOf = ({ server_id, task_id, level }: EventFilter): string =>
  `${JSON.stringify({ server_id: server_id ?? null, task_id: task_id ?? null, level: level ?? null }).slice(1, -1)},`;
