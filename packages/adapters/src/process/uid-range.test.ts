// Uids for sandboxes.
import { expect, it } from 'vitest';
import { createUidPool, defaultUidRange, problemOfRange } from './uid-range.ts';

it('gives out uids of its range, none twice, until all are taken', () => {
  const pool = createUidPool({ first: 5000, count: 103 });
  const taken = [pool.take(), pool.take(), pool.take()];
  expect(taken.sort()).toEqual([5100, 5101, 5102]);
  expect(() => pool.take()).toThrow('all 3 uids');
  pool.release(5101);
  expect(pool.take()).toBe(5101);
});

it('keeps those of installers apart, the same for an instance each time', () => {
  const range = { first: 5000, count: 200 };
  const uid = createUidPool(range).installerUid('one');
  expect(createUidPool(range).installerUid('one')).toBe(uid);
  expect(uid).toBeGreaterThanOrEqual(5000);
  expect(uid).toBeLessThan(5100);
});

it('knows which uids are its own', () => {
  const pool = createUidPool({ first: 5000, count: 200 });
  expect([4999, 5000, 5199, 5200, 0].map((uid) => pool.owns(uid))).toEqual([false, true, true, false, false]);
});

it('says why a range cannot be used', async () => {
  expect(await problemOfRange(defaultUidRange)).toBeNull();
  expect(await problemOfRange({ first: 0, count: 1000 })).toContain('belong to users');
  expect(await problemOfRange({ first: 4_294_967_000, count: 1000 })).toContain('do not exist');
  expect(await problemOfRange({ first: 5000, count: 10 })).toContain('more than');
});
