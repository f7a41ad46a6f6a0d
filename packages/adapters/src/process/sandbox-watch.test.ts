// The watch over what the kernel does not hold, with members that say what a test wants.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ExitReason } from '@insightloop/core';
import type { Members } from './sandbox-members.ts';
import { createWatch, type Watched } from './sandbox-watch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const limits = { memoryBytes: 100, cpus: 1, pids: 1, diskBytes: 100 };

const watched = (
  state: { memory?: number; oomKills?: number; isFull?: boolean },
  change: Partial<Watched> = {},
) => {
  const ends: ExitReason[] = [];
  const members: Members = {
    pids: () => Promise.resolve([]),
    stats: () => Promise.reject(new Error('not asked for')),
    exceeds: (limit) => Promise.resolve((state.memory ?? 0) > limit),
    oomKills: () => Promise.resolve(state.oomKills ?? 0),
    volumeUse: () => Promise.resolve({ usedBytes: 0, isFull: state.isFull ?? false }),
  };
  const end = (reason: ExitReason): Promise<void> => {
    ends.push(reason);
    return Promise.resolve();
  };
  return { ends, watched: { members, limits, hasMemoryGroup: false, hasImage: false, end, ...change } };
};

const complaints: unknown[] = [];
const logger = { warn: (fields: object) => complaints.push(fields) };
const seconds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 1000);

it('ends what takes too much memory, once', async () => {
  const state = { memory: 100 };
  const subject = watched(state);
  createWatch(logger).add(subject.watched);
  await seconds(3);
  expect(subject.ends).toEqual([]);
  state.memory = 101;
  await seconds(3);
  expect(subject.ends).toEqual([{ kind: 'out_of_memory' }]);
});

it('ends the rest of a tree of which the kernel has killed a part', async () => {
  const state = { memory: 1000, oomKills: 0 };
  const subject = watched(state, { hasMemoryGroup: true });
  createWatch(logger).add(subject.watched);
  await seconds(3);
  expect(subject.ends).toEqual([]);
  state.oomKills = 1;
  await seconds(3);
  expect(subject.ends).toEqual([{ kind: 'out_of_memory' }]);
});

it('ends what fills the disk, where no file system holds it', async () => {
  const held = watched({ isFull: true }, { hasImage: true });
  const loose = watched({ isFull: true });
  const watch = createWatch(logger);
  watch.add(held.watched);
  watch.add(loose.watched);
  await seconds(3);
  expect(held.ends).toEqual([]);
  expect(loose.ends).toEqual([{ kind: 'disk_full' }]);
});

it('has no timer when there is nothing to watch', () => {
  const watch = createWatch(logger);
  expect(vi.getTimerCount()).toBe(0);
  const [first, second] = [watch.add(watched({}).watched), watch.add(watched({}).watched)];
  expect(vi.getTimerCount()).toBe(1);
  first();
  expect(vi.getTimerCount()).toBe(1);
  second();
  expect(vi.getTimerCount()).toBe(0);
});

it('says when it cannot look, and goes on', async () => {
  const subject = watched({ memory: 101 });
  const broken = watched({});
  broken.watched.members.exceeds = () => Promise.reject(new Error('no /proc'));
  const watch = createWatch(logger);
  watch.add(broken.watched);
  watch.add(subject.watched);
  await seconds(1);
  expect(subject.ends).toHaveLength(1);
  expect(complaints.length).toBeGreaterThan(0);
});
