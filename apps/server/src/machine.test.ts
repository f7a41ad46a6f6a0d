// Identifiers that sort by time, and waiting that can be given up.
import { describe, expect, it } from 'vitest';
import { createIds, systemClock } from './machine.ts';

const at = (...times: number[]) => {
  let last = 0;
  return createIds({ now: () => (last = times.shift() ?? last), sleep: () => Promise.resolve() });
};

describe('an id', () => {
  it('says what it is of, and is 26 letters and digits of which none look alike', () => {
    const ids = createIds(systemClock);
    for (const prefix of ['deploy', 'task', 'req'] as const)
      expect(ids.next(prefix)).toMatch(new RegExp(`^${prefix}-[0-9a-hjkmnp-tv-z]{26}$`));
  });

  it('carries its time first', () => {
    expect(at(0).next('req')).toMatch(/^req-0000000000/);
    expect(at(1_469_918_176_385).next('req')).toMatch(/^req-01aryz6s41/);
  });

  it('sorts by time, as text', () => {
    const ids = at(1, 2, 31, 32, 33, 1000, 1024, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000);
    const made = Array.from({ length: 10 }, () => ids.next('task'));
    expect(made.toSorted()).toEqual(made);
  });

  it('sorts within a millisecond, and when the clock is set back', () => {
    const ids = at(...Array.from({ length: 500 }, () => 1_700_000_000_000), ...[5, 4, 3, 2, 1]);
    const made = Array.from({ length: 505 }, () => ids.next('req'));
    expect(made.toSorted()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  it('is not that of another process at the same time', () => {
    expect(at(7).next('req')).not.toBe(at(7).next('req'));
  });
});

describe('the clock', () => {
  it('tells the time', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  });

  it('waits', async () => {
    await expect(systemClock.sleep(1)).resolves.toBeUndefined();
  });

  it('waits no longer when nobody wants it to', async () => {
    const leaving = new AbortController();
    const waiting = systemClock.sleep(3_600_000, leaving.signal);
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
