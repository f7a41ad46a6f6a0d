// Counts that are fresh enough: kept for a while, renewed in the background, and waited for only where there is no other.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFreshCounts } from './fresh-counts.ts';

function begin() {
  let now = 0;
  let rows = 10;
  let counted = 0;
  let failing = false;
  const counts = createFreshCounts<{ of?: string }>(
    () => {
      counted += 1;
      return failing ? Promise.reject(new Error('away')) : Promise.resolve(rows);
    },
    () => now,
  );
  return {
    counts,
    counted: () => counted,
    set: (count: number) => void (rows = count),
    fail: (fails: boolean) => void (failing = fails),
    pass: (ms: number) => void (now += ms),
  };
}

describe('a fresh count', () => {
  it('is counted once for all who ask at once, and for each filter by itself', async () => {
    const { counts, counted } = begin();
    expect(await Promise.all([counts.of({}), counts.of({}), counts.of({ of: 'x' })])).toEqual([10, 10, 10]);
    expect(counted()).toBe(2);
    expect(await counts.of({})).toBe(10);
    expect(counted()).toBe(2);
  });

  it('is renewed while it is asked for, and never told when it is older than 2 s', async () => {
    const { counts, counted, set, pass } = begin();
    await counts.of({});
    set(11);
    pass(1_000);
    expect(await counts.of({})).toBe(10);
    await turn();
    expect(counted()).toBe(2);
    expect(await counts.of({})).toBe(11);
    set(12);
    pass(2_001);
    expect(await counts.of({})).toBe(12);
  });

  it('fails for those who have to wait for it, and for nobody else', async () => {
    const { counts, fail, pass } = begin();
    await counts.of({});
    fail(true);
    pass(1_000);
    expect(await counts.of({})).toBe(10);
    await turn();
    pass(2_000);
    await expect(counts.of({})).rejects.toThrow('away');
    fail(false);
    expect(await counts.of({})).toBe(10);
  });
});
