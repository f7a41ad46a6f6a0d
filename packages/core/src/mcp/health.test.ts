// Health is evidence: answers speak for a server, silence is asked, and only silence to questions speaks against it.
import { describe, expect, it } from 'vitest';
import { FakeChannel } from '../testing/fake-channel.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { McpRequestError } from './channel.ts';
import { watchHealth, type HealthWatch } from './health.ts';

const options = { intervalMs: 10_000, timeoutMs: 5_000, maxMisses: 3 };

interface Scene {
  clock: FakeClock;
  watch: HealthWatch;
  changes: boolean[];
  asked: number[];
  /** What the server does with questions from now on. */
  answers(how: 'at once' | 'never' | 'overloaded'): void;
  isGivenUp(): boolean;
  end(): void;
}

function begin(): Scene {
  const clock = new FakeClock(0);
  const channel = new FakeChannel();
  const asked: number[] = [];
  const changes: boolean[] = [];
  const over = new AbortController();
  let how: 'at once' | 'never' | 'overloaded' = 'at once';
  channel.ping = async ({ signal, timeoutMs = 0 }: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
    asked.push(clock.now());
    if (how === 'at once') return;
    if (how === 'overloaded') throw new McpRequestError('overloaded', 'Too many requests wait.');
    await clock.sleep(timeoutMs, signal);
    throw new McpRequestError('timeout', 'No answer.');
  };
  const watch = watchHealth(
    { channel, clock, signal: over.signal, onChange: (healthy) => void changes.push(healthy) },
    options,
  );
  let givenUp = false;
  void watch.unresponsive.then(() => (givenUp = true));
  return {
    clock,
    watch,
    changes,
    asked,
    answers: (now) => (how = now),
    isGivenUp: () => givenUp,
    end: () => over.abort(),
  };
}

describe('a server', () => {
  it('that is silent is asked once in an interval, and is well when it answers', async () => {
    const { clock, asked, changes, watch, isGivenUp } = begin();
    await clock.advance(60_000);
    expect(asked).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    expect(changes).toEqual([]);
    expect(watch.lastAnswerAt).toBe(60_000);
    expect(isGivenUp()).toBe(false);
  });

  it('that answers others is not asked at all', async () => {
    const { clock, asked, watch, answers } = begin();
    answers('never');
    for (let count = 0; count < 30; count += 1) {
      await clock.advance(9_000);
      watch.note('answer');
    }
    expect(asked).toEqual([]);
  });

  it('that misses answers is degraded at the first, and given up at the third', async () => {
    const { clock, asked, changes, answers, isGivenUp } = begin();
    answers('never');
    await clock.advance(15_000);
    expect(changes).toEqual([false]);
    await clock.advance(9_999);
    expect(isGivenUp()).toBe(false);
    await clock.advance(1);
    expect(isGivenUp()).toBe(true);
    expect(asked).toEqual([10_000, 15_000, 20_000]);
    await clock.advance(600_000);
    expect([asked.length, clock.sleeping]).toEqual([3, 0]);
  });

  it('that answers again is well again, and has all its chances anew', async () => {
    const { clock, changes, answers, isGivenUp } = begin();
    answers('never');
    await clock.advance(16_000);
    answers('at once');
    await clock.advance(5_000);
    expect(changes).toEqual([false, true]);
    answers('never');
    await clock.advance(23_000);
    expect(isGivenUp()).toBe(false);
    expect(changes).toEqual([false, true, false]);
  });

  it('that answers a call while a question waits is well: one answer can be held up by a long list of calls', async () => {
    const { clock, changes, answers, watch, isGivenUp } = begin();
    answers('never');
    for (let count = 0; count < 100; count += 1) {
      await clock.advance(3_000);
      watch.note('answer');
    }
    await clock.advance(12_000);
    watch.note('answer');
    await clock.advance(3_000);
    expect([changes, isGivenUp()]).toEqual([[], false]);
  });

  it('that is well again by an answer to somebody else says so at once', async () => {
    const { clock, changes, answers, watch } = begin();
    answers('never');
    await clock.advance(16_000);
    watch.note('answer');
    expect(changes).toEqual([false, true]);
  });

  it('that let a call time out is asked at once', async () => {
    const { clock, asked, watch, changes } = begin();
    await clock.advance(2_000);
    watch.note('timeout');
    await clock.settle();
    expect(asked).toEqual([2_000]);
    expect(changes).toEqual([]);
  });

  it('whose channel is overloaded is not given up while it answers', async () => {
    const { clock, asked, answers, watch, changes, isGivenUp } = begin();
    answers('overloaded');
    for (let count = 0; count < 50; count += 1) {
      watch.note('timeout');
      await clock.advance(2_000);
      watch.note('answer');
    }
    expect([changes, isGivenUp()]).toEqual([[], false]);
    // No more than one question in the time that each has, although every one is refused at once.
    expect(asked.length).toBeLessThanOrEqual(21);
  });

  it('whose channel is overloaded and who answers nobody is given up, in the time of its answers', async () => {
    const { clock, answers, isGivenUp } = begin();
    answers('overloaded');
    await clock.advance(24_999);
    expect(isGivenUp()).toBe(false);
    await clock.advance(1);
    expect(isGivenUp()).toBe(true);
  });

  it.each(['at once', 'never', 'overloaded'] as const)(
    'is no longer watched after the end, whether it answers %s',
    async (how) => {
      const { clock, asked, answers, changes, isGivenUp, end } = begin();
      answers(how);
      await clock.advance(12_000);
      const before = [...asked];
      end();
      await clock.advance(600_000);
      expect(asked).toEqual(before);
      expect([clock.sleeping, changes, isGivenUp()]).toEqual([0, [], false]);
    },
  );
});
