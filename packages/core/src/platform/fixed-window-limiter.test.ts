// The limiter in memory: windows, refusals, and that strangers cannot fill the memory.
import { describe, expect, it } from 'vitest';
import { createFixedWindowLimiter, windowMs } from './fixed-window-limiter.ts';

function setUp(limits: Record<string, number>, startMs = 1_000_000_000_400) {
  let now = startMs;
  const limiter = createFixedWindowLimiter(limits, { now: () => now, sleep: () => Promise.resolve() });
  const take = (group: string, caller: string) => {
    const state = limiter.take(group, caller);
    if (state instanceof Promise) throw new Error('the limiter in memory answers at once');
    return state;
  };
  return { take, pass: (ms: number) => (now += ms) };
}

describe('a window', () => {
  it('counts down, then refuses without counting further', () => {
    const { take } = setUp({ logs: 2 });
    expect(take('logs', 'a')).toMatchObject({ limit: 2, remaining: 1, allowed: true });
    expect(take('logs', 'a')).toMatchObject({ limit: 2, remaining: 0, allowed: true });
    expect(take('logs', 'a')).toMatchObject({ limit: 2, remaining: 0, allowed: false });
    expect(take('logs', 'a')).toMatchObject({ limit: 2, remaining: 0, allowed: false });
  });

  it('says in whole Unix seconds when it ends, not before it does', () => {
    const { take } = setUp({ logs: 2 });
    expect(take('logs', 'a').resetSeconds).toBe(1_000_003_601);
  });

  it('lasts an hour from the first request, whatever comes in between', () => {
    const { take, pass } = setUp({ logs: 1 });
    const first = take('logs', 'a');
    pass(windowMs - 1);
    expect(take('logs', 'a')).toEqual({ ...first, allowed: false });
    pass(1);
    expect(take('logs', 'a')).toMatchObject({ allowed: true, resetSeconds: first.resetSeconds + 3600 });
  });

  it('belongs to one caller and one group', () => {
    const { take } = setUp({ logs: 1, discovery: 1 });
    expect(take('logs', 'a').allowed).toBe(true);
    expect(take('logs', 'b').allowed).toBe(true);
    expect(take('discovery', 'a').allowed).toBe(true);
    expect(take('logs', 'a').allowed).toBe(false);
  });
});

it('lets nothing through where the limit is 0', () => {
  expect(setUp({ logs: 0 }).take('logs', 'a')).toMatchObject({ limit: 0, remaining: 0, allowed: false });
});

it('does not limit a group that has no limit', () => {
  const { take } = setUp({ logs: 1 });
  for (let request = 0; request < 3; request += 1)
    expect(take('tools', 'a')).toEqual({
      limit: Infinity,
      remaining: Infinity,
      resetSeconds: 0,
      allowed: true,
    });
});

describe('its memory', () => {
  const crowd = 100_000;

  it('forgets the oldest window, and only that, when there are too many callers', () => {
    const { take } = setUp({ logs: 5 });
    take('logs', 'first');
    take('logs', 'second');
    for (let caller = 0; caller < crowd - 1; caller += 1) take('logs', `caller ${caller}`);
    expect(take('logs', 'second').remaining).toBe(3);
    expect(take('logs', 'first').remaining).toBe(4);
  });

  it('makes room by what has ended, before it forgets anybody', () => {
    const { take, pass } = setUp({ logs: 5 });
    for (let caller = 0; caller < crowd / 2; caller += 1) take('logs', `past ${caller}`);
    pass(windowMs);
    take('logs', 'kept');
    for (let caller = 0; caller < crowd - 1; caller += 1) take('logs', `now ${caller}`);
    expect(take('logs', 'kept').remaining).toBe(3);
  });
});
