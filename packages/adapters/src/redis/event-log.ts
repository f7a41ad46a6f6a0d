// The event log on Redis Streams: one numbered log for all processes that share a Redis.
import {
  channels,
  createBell,
  createEventRings,
  serviceUnavailable,
  type Channel,
  type Clock,
  type EventLog,
  type Logger,
} from '@insightloop/core';
import { connectRedis, type RedisConnection } from './connection.ts';
import { indexOf } from './entries.ts';
import { createMirror } from './mirror.ts';
import { createOutbox } from './outbox.ts';
import { appendScript, beatScript, keysFor } from './scripts.ts';

export interface RedisEventLog extends EventLog {
  /** Resolves when what was appended so far can be read here. */
  settled(): Promise<void>;
  /** Writes what still waits, if Redis answers, and ends. */
  close(): Promise<void>;
}

export interface RedisEventLogOptions {
  url: string;
  clock: Clock;
  logger: Logger;
  /** Names this process among those that share the log. */
  writerId: string;
  /** Logs under other prefixes know nothing of each other. */
  prefix?: string;
  /** Events kept per channel. */
  capacity?: number;
  retentionMs?: number;
}

const dayMs = 24 * 60 * 60 * 1000;
const beatMs = 2_000;
/** How long a process counts as one that watches, without a beat. */
const watchedMs = 3 * beatMs;
const firstRetryMs = 100;
const slowestRetryMs = 5_000;
const closeWithinMs = 2_000;
/** Events that another process may have told a reader before we took them up. */
const ahead = 100_000;
/** Ids of streams that leave the numbers to Redis. */
const leastVersion = 7;

/**
 * While Redis is away events wait here, 10,000 of each channel at most; what finds no room is told as a gap afterwards.
 * @throws AppError SERVICE_UNAVAILABLE when Redis cannot be reached at the start
 */
export async function openRedisEventLog(options: RedisEventLogOptions): Promise<RedisEventLog> {
  const { url, clock, logger, writerId, prefix = 'insightloop:events' } = options;
  const { capacity = 10_000, retentionMs = dayMs } = options;
  const keys = keysFor(prefix);
  const rings = createEventRings({ clock, epoch: '0', capacity, retentionMs, ahead });
  const outbox = createOutbox(clock);
  const taken = createBell();
  const mirror = createMirror({ rings, keys, capacity, onTaken: () => taken.ring() });
  const ended = new AbortController();
  let problem: string | null = null;
  let batch = 1;
  let watchedElsewhere: readonly Channel[] = [];

  const append = async (connection: RedisConnection, entries: ReturnType<typeof outbox.batch>) => {
    const reply = await connection.send([
      ...['EVAL', appendScript, String(keys.streams.length + 2)],
      ...[keys.sequence, keys.writer(writerId), ...keys.streams],
      ...[String(clock.now()), String(retentionMs), String(capacity), String(entries.length > 0 ? batch : 0)],
      ...channels.flatMap((channel) => [mirror.newest(channel), mirror.oldest(channel)]),
      ...entries.flatMap(({ channel, text }) => [indexOf(channel), text]),
    ]);
    return (Array.isArray(reply) ? reply : []).map(Number);
  };

  const write = async (connection: RedisConnection, signal: AbortSignal): Promise<void> => {
    for (;;) {
      await outbox.filled(signal);
      const entries = outbox.batch();
      if (entries.length === 0) return;
      const numbers = await append(connection, entries);
      // Fewer than were sent, where an earlier try of this batch had arrived after all.
      if (numbers.length === 0 || numbers.length > entries.length)
        throw new Error('Redis did not number what was written');
      batch += 1;
      outbox.done(numbers);
    }
  };

  const beat = async (connection: RedisConnection, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const reply = await connection.send([
        ...['EVAL', beatScript, String(keys.streams.length * 2), ...keys.watched, ...keys.streams],
        ...[writerId, String(watchedMs), String(retentionMs)],
        ...channels.map((channel) => (rings.readersOf(channel) > 0 ? '1' : '0')),
      ]);
      const others = Array.isArray(reply) ? reply.map(Number) : [];
      watchedElsewhere = channels.filter((_channel, index) => (others[index] ?? 0) > 0);
      await clock.sleep(beatMs, signal).catch(() => undefined);
    }
  };

  /** From one connection to its loss. */
  const session = async (onReady: () => void): Promise<void> => {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    ended.signal.addEventListener('abort', end);
    const open: RedisConnection[] = [];
    const work: Promise<void>[] = [];
    try {
      const writer = await connectRedis(url, 'insightloop-events');
      open.push(writer);
      await checkVersion(writer);
      const reader = await connectRedis(url, 'insightloop-events-reader');
      open.push(reader);
      // Begins an epoch where none is, and where Redis has forgotten something that we have told.
      await append(writer, []);
      await mirror.load(reader);
      onReady();
      work.push(mirror.follow(reader, over.signal), write(writer, over.signal), beat(writer, over.signal));
      await Promise.race([Promise.all(work), writer.lost, reader.lost, aborted(over.signal)]);
    } finally {
      ended.signal.removeEventListener('abort', end);
      end();
      for (const connection of open) connection.close();
      await Promise.allSettled(work);
    }
  };

  const run = async (onReady: () => void): Promise<void> => {
    let failures = 0;
    while (!ended.signal.aborted) {
      await session(() => {
        if (problem !== null) logger.info({}, 'Redis answers again');
        problem = null;
        failures = 0;
        onReady();
      }).catch((cause: unknown) => {
        if (ended.signal.aborted) return;
        if (problem === null)
          logger.error({ err: cause }, 'Redis is lost: events wait here until it is back');
        problem = 'Redis does not answer: events are told when it is back.';
      });
      const limitMs = Math.min(slowestRetryMs, firstRetryMs * 2 ** failures);
      failures += 1;
      await clock.sleep(limitMs, ended.signal).catch(() => undefined);
    }
  };

  const ready = Promise.withResolvers<null>();
  const first = await reachable(url);
  if (first !== null) throw first;
  const running = run(() => {
    ready.resolve(null);
  });
  await ready.promise;

  const settled = async (): Promise<void> => {
    const written = await outbox.written(ended.signal);
    for (const [channel, number] of written ?? [])
      while (rings.last(channel).seen < number && !ended.signal.aborted) await taken.wait(ended.signal);
  };

  return {
    append: (event) => {
      outbox.add(event);
    },
    read(readOptions) {
      if (problem !== null) throw serviceUnavailable(problem, 5);
      return rings.read(readOptions, outbox.written(ended.signal) ?? undefined);
    },
    get readers() {
      return rings.readers;
    },
    isWatched: (channel) => rings.readersOf(channel) > 0 || watchedElsewhere.includes(channel),
    problem: () => problem,
    settled,
    async close() {
      const limit = new AbortController();
      const inTime = clock.sleep(closeWithinMs, limit.signal).catch(() => undefined);
      await Promise.race([outbox.written(limit.signal), inTime]);
      limit.abort();
      ended.abort();
      await running;
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
    if (signal.aborted) resolve();
  });

/** Null when it is; else why it cannot be used. */
async function reachable(url: string): Promise<Error | null> {
  try {
    const connection = await connectRedis(url, 'insightloop-events');
    try {
      await checkVersion(connection);
    } finally {
      connection.close();
    }
    return null;
  } catch (cause) {
    const { host } = new URL(url);
    const why = cause instanceof Error && cause.message !== '' ? cause.message : 'it does not answer';
    return serviceUnavailable(`Redis at ${host} cannot be used: ${why}. Is REDIS_URL right?`, 5, cause);
  }
}

/** @throws Error when it is too old */
async function checkVersion(connection: RedisConnection): Promise<void> {
  const info = await connection.send(['INFO', 'server']);
  const version = /^redis_version:(\d+)\S*/m.exec(String(info));
  if (Number(version?.[1] ?? 0) < leastVersion)
    throw new Error(`version ${leastVersion} or newer is needed, and it is ${version?.[0] ?? 'unknown'}`);
}
