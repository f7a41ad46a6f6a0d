// The bell: everybody is woken, nobody is kept.
import { expect, it } from 'vitest';
import { createBell } from './bell.ts';

it('wakes all who wait, and those whose signal aborts', async () => {
  const bell = createBell();
  const one = new AbortController();
  const waits = [bell.wait(one.signal), bell.wait(one.signal), bell.wait(new AbortController().signal)];
  expect(bell.waiting).toBe(3);
  one.abort();
  await Promise.all(waits.slice(0, 2));
  expect(bell.waiting).toBe(1);
  bell.ring();
  await waits[2];
  expect(bell.waiting).toBe(0);
});

it('does not let anybody wait whose signal has already aborted', async () => {
  const bell = createBell();
  await bell.wait(AbortSignal.abort());
  expect(bell.waiting).toBe(0);
});
