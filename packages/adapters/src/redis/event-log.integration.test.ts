// The event log on a real Redis: the contract, two processes on one log, and what happens when Redis goes away.
import type { AppEvent, Clock, Logger, LoggedEvent } from '@insightloop/core';
import { describeEventLog } from '@insightloop/core/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis } from './connection.ts';
import { openRedisEventLog, type RedisEventLog, type RedisEventLogOptions } from './event-log.ts';
import { noRedis, startRedis, type RedisServer } from './testing/redis-server.ts';

if (noRedis) {
  if (process.env['CI'] === 'true') throw new Error(noRedis);
  console.warn(`skipped: ${noRedis}`);
}

const clock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => void (await sleep(ms, undefined, signal ? { signal } : {})),
};
const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let count = 0;
const openOn = (redis: RedisServer, options: Partial<RedisEventLogOptions> = {}): Promise<RedisEventLog> => {
  count += 1;
  return openRedisEventLog({
    url: redis.url,
    clock,
    logger: silent,
    writerId: `writer-${count}`,
    prefix: `test-${count}`,
    // The events of these tests are as old as the epoch of Unix.
    retentionMs: 100 * 365 * 24 * 60 * 60 * 1000,
    ...options,
  });
};

const removed = (name: number | string): AppEvent => ({
  type: 'server_removed',
  channel: 'servers',
  timestamp: new Date(0),
  server_id: `n-${name}`,
});

const nameOf = ({ event }: LoggedEvent): string => {
  if (event.type === 'gap') return `gap ${event.missed}`;
  return 'server_id' in event ? event.server_id : event.type;
};

/** Reads on in the background. */
function readerOf(log: RedisEventLog, after: string | null = null) {
  const over = new AbortController();
  const told: string[] = [];
  let cursor = after;
  const reading = (async () => {
    for await (const logged of log.read({ channels: ['servers'], after, signal: over.signal })) {
      cursor = logged.cursor;
      if (logged.event.type !== 'subscribed') told.push(nameOf(logged));
    }
  })();
  return {
    told,
    cursor: () => cursor,
    async leave() {
      over.abort();
      await reading;
    },
  };
}

describe.skipIf(noRedis !== null)('with a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  describeEventLog('Redis Streams', {
    open: async (capacity) => {
      const log = await openOn(redis, { capacity });
      return { log, settled: () => log.settled(), end: () => log.close() };
    },
    runs: 40,
  });

  describe('two processes on one log', () => {
    it('tell each other’s events, under the same numbers', async () => {
      const [one, two] = [await openOn(redis, { prefix: 'two' }), await openOn(redis, { prefix: 'two' })];
      const [atOne, atTwo] = [readerOf(one), readerOf(two)];
      await expect.poll(() => [atOne.cursor(), atTwo.cursor()]).not.toContain(null);
      for (let n = 1; n <= 50; n += 1) (n % 2 === 0 ? one : two).append(removed(n));
      await expect.poll(() => [atOne.told.length, atTwo.told.length]).toEqual([50, 50]);
      expect(atOne.told).toEqual(atTwo.told);
      expect(atOne.cursor()).toBe(atTwo.cursor());
      await atOne.leave();
      for (let n = 51; n <= 60; n += 1) one.append(removed(n));
      // Behind a number of the other process, perhaps before this one has heard of it.
      await one.settled();
      const moved = readerOf(two, atOne.cursor());
      await expect.poll(() => moved.told.length).toBe(10);
      expect(moved.told[0]).toBe('n-51');
      await moved.leave();
      await atTwo.leave();
      await Promise.all([one.close(), two.close()]);
    });

    it('know what is watched at the other', async () => {
      const [one, two] = [await openOn(redis, { prefix: 'w' }), await openOn(redis, { prefix: 'w' })];
      const reader = readerOf(one);
      await expect.poll(() => two.isWatched('servers'), { timeout: 20_000 }).toBe(true);
      expect(two.isWatched('metrics')).toBe(false);
      await reader.leave();
      await expect.poll(() => two.isWatched('servers'), { timeout: 20_000 }).toBe(false);
      await Promise.all([one.close(), two.close()]);
    });
  });

  it('goes on after a restart of ours, where the last reader was', async () => {
    const before = await openOn(redis, { prefix: 'again' });
    const reader = readerOf(before);
    await expect.poll(() => reader.cursor()).not.toBeNull();
    for (const n of [1, 2, 3]) before.append(removed(n));
    await expect.poll(() => reader.told).toHaveLength(3);
    await reader.leave();
    for (const n of [4, 5]) before.append(removed(n));
    await before.close();
    const after = await openOn(redis, { prefix: 'again' });
    const again = readerOf(after, reader.cursor());
    await expect.poll(() => again.told).toEqual(['n-4', 'n-5']);
    await again.leave();
    await after.close();
  });

  it('keeps no more in Redis than it has to', async () => {
    const log = await openOn(redis, { prefix: 'small', capacity: 100 });
    for (let n = 1; n <= 1_000; n += 1) log.append(removed(n));
    await log.settled();
    const connection = await connectRedis(redis.url, 'test');
    expect(await connection.send(['XLEN', '{small}:servers'])).toBe(100);
    for (let n = 0; n < 30; n += 1) log.append({ ...removed(n), server_id: 'x'.repeat(1024 * 1024) });
    await log.settled();
    log.append(removed(1_001));
    await log.settled();
    expect(await connection.send(['XLEN', '{small}:servers'])).toBeLessThan(12);
    expect(Number(await connection.send(['PTTL', '{small}:servers']))).toBeGreaterThan(0);
    connection.close();
    await log.close();
  });

  it('takes what it cannot read for one event that is missing', async () => {
    const log = await openOn(redis, { prefix: 'newer' });
    const reader = readerOf(log);
    log.append(removed(1));
    await expect.poll(() => reader.told).toHaveLength(1);
    const connection = await connectRedis(redis.url, 'test');
    const [last] = (await connection.send(['XREVRANGE', '{newer}:servers', '+', '-', 'COUNT', '1'])) as [
      [string],
    ];
    await connection.send([
      ...['XADD', '{newer}:servers', `${last[0].split('-')[0]}-*`],
      ...['event', JSON.stringify({ type: 'from_the_future', channel: 'servers' }), 'sequence', '99'],
    ]);
    connection.close();
    log.append(removed(3));
    await expect.poll(() => reader.told).toEqual(['n-1', 'gap 1', 'n-3']);
    await reader.leave();
    await log.close();
  });
});

describe.skipIf(noRedis !== null)('when Redis goes away', () => {
  it('says so, keeps what happens meanwhile, and tells it afterwards, once', async () => {
    await using redis = await startRedis();
    const log = await openOn(redis);
    const reader = readerOf(log);
    log.append(removed(1));
    await expect.poll(() => reader.told).toEqual(['n-1']);
    await redis.save();
    await redis.kill();
    await expect.poll(() => log.problem()).toMatch(/Redis does not answer/);
    expect(() =>
      log.read({ channels: ['servers'], after: null, signal: new AbortController().signal }),
    ).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
    for (const n of [2, 3]) log.append(removed(n));
    await redis.start();
    await expect.poll(() => log.problem(), { timeout: 20_000 }).toBeNull();
    await expect.poll(() => reader.told).toEqual(['n-1', 'n-2', 'n-3']);
    await reader.leave();
    await log.close();
  });

  it.each([
    { how: 'with nothing', save: false, gap: 'gap null' },
    { how: 'with an older state', save: true, gap: 'gap null' },
  ])('and comes back $how, its numbers mean nothing else than before', async ({ save, gap }) => {
    await using redis = await startRedis();
    const log = await openOn(redis);
    const reader = readerOf(log);
    for (const n of [1, 2]) log.append(removed(n));
    await expect.poll(() => reader.told).toHaveLength(2);
    const old = reader.cursor();
    if (save) await redis.save();
    for (const n of [3, 4]) log.append(removed(n));
    await expect.poll(() => reader.told).toHaveLength(4);
    const lost = reader.cursor();
    await redis.kill();
    log.append(removed(5));
    await redis.start();
    await expect
      .poll(() => reader.told, { timeout: 20_000 })
      .toEqual(['n-1', 'n-2', 'n-3', 'n-4', gap, 'n-5']);
    for (const cursor of [old, lost]) {
      const again = readerOf(log, cursor);
      await expect.poll(() => again.told).toEqual([gap, 'n-5']);
      await again.leave();
    }
    await reader.leave();
    await log.close();
  });

  it('in silence, that is noticed too, and nothing comes twice', async () => {
    await using redis = await startRedis();
    const log = await openOn(redis);
    const reader = readerOf(log);
    log.append(removed(1));
    await expect.poll(() => reader.told).toHaveLength(1);
    redis.freeze(true);
    log.append(removed(2));
    await expect.poll(() => log.problem(), { timeout: 40_000 }).not.toBeNull();
    redis.freeze(false);
    await expect.poll(() => reader.told, { timeout: 20_000 }).toEqual(['n-1', 'n-2']);
    log.append(removed(3));
    await expect.poll(() => reader.told, { timeout: 20_000 }).toEqual(['n-1', 'n-2', 'n-3']);
    await reader.leave();
    await log.close();
  });

  it('for long, so much waits and no more, and the rest is counted', async () => {
    await using redis = await startRedis();
    const log = await openOn(redis, { capacity: 30_000 });
    const reader = readerOf(log);
    log.append(removed(0));
    await expect.poll(() => reader.told).toHaveLength(1);
    await redis.save();
    await redis.kill();
    await expect.poll(() => log.problem()).not.toBeNull();
    for (let n = 1; n <= 10_500; n += 1) log.append(removed(n));
    await redis.start();
    await expect.poll(() => reader.told.at(-1), { timeout: 30_000 }).toBe('gap 500');
    expect(reader.told).toHaveLength(10_002);
    log.append(removed('last'));
    await expect.poll(() => reader.told.at(-1)).toBe('n-last');
    await reader.leave();
    await log.close();
  });
});

it('that cannot be reached is said at the start, without its password', async () => {
  const opening = openRedisEventLog({
    url: 'redis://:hunter2@127.0.0.1:1',
    clock,
    logger: silent,
    writerId: 'w',
  });
  await expect(opening).rejects.toThrow(/Redis at 127\.0\.0\.1:1 cannot be used: .*REDIS_URL/);
  await expect(opening).rejects.not.toThrow(/hunter2/);
});
