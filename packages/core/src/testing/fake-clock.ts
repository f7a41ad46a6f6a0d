// A clock that stands still until a test moves it: nobody really sleeps.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../platform/clock.ts';

interface Sleeper {
  at: number;
  wake: () => void;
}

/** Turns of the event loop in which streams and promises hand on what they have: more than any chain of them is long. */
const turns = 8;

export class FakeClock implements Clock {
  /** What was slept for, in the order in which it began, whether it was slept to its end or not. */
  readonly slept: number[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #now: number;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** How many sleep now: what is left over at the end of a test is a timer that somebody forgot. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const sleeper: Sleeper = { at: this.#now + Math.max(0, ms), wake: () => end(resolve) };
      const abandon = (): void => end(() => reject(signal?.reason as Error));
      const end = (settle: () => void): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abandon);
        settle();
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', abandon);
    });
  }

  /** All that can happen without time passing has happened when this resolves. */
  async settle(): Promise<void> {
    for (let count = 0; count < turns; count += 1) await turn();
  }

  /** Time passes: who is due wakes in order, and what that leads to happens before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await this.settle();
    }
    this.#now = end;
  }

  #next(until: number): Sleeper | null {
    const [first] = [...this.#sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    return first ?? null;
  }
}
