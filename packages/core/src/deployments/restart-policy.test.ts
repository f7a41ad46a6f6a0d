// When a crashed server is started again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRestartPolicy as policy, restartDelay, wasGood } from './restart-policy.ts';

describe('restarts', () => {
  it('begin at once, double, are capped, and end', () => {
    const delays = Array.from({ length: 12 }, (_, index) => restartDelay(index + 1, 0.999_999, policy));
    expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, null, null]);
  });

  it('are spread over the second half of the delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 10 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const full = restartDelay(failures, 0.999_999_9, policy) ?? 0;
          const delay = restartDelay(failures, random, policy) ?? -1;
          return delay >= Math.floor(full / 2) && delay <= full;
        },
      ),
    );
  });

  it('a run that answered somebody, or lasted, was a good one', () => {
    expect(wasGood({ durationMs: 1, answered: true }, policy)).toBe(true);
    expect(wasGood({ durationMs: policy.quietMs, answered: false }, policy)).toBe(true);
    expect(wasGood({ durationMs: policy.quietMs - 1, answered: false }, policy)).toBe(false);
  });
});
