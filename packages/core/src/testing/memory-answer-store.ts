// Answers in memory: the fake of the port AnswerStore.
import { answerLifeMs, claimLifeMs, type AnswerStore, type Claim } from '../platform/answer-store.ts';
import type { Clock } from '../platform/clock.ts';

interface Entry {
  fingerprint: string;
  answer: string | null;
  since: number;
}

export class MemoryAnswerStore implements AnswerStore {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async claim(key: string, fingerprint: string): Promise<Claim> {
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    const life = known?.answer === null ? claimLifeMs : answerLifeMs;
    if (!known || now - known.since >= life) {
      this.#entries.set(key, { fingerprint, answer: null, since: now });
      return { state: 'new' };
    }
    if (known.fingerprint !== fingerprint) return { state: 'different' };
    return known.answer === null ? { state: 'pending' } : { state: 'answered', answer: known.answer };
  }

  async renew(key: string): Promise<void> {
    const known = this.#entries.get(key);
    if (known?.answer === null) this.#entries.set(key, { ...known, since: this.#clock.now() });
  }

  async answer(key: string, answer: string): Promise<void> {
    const known = this.#entries.get(key);
    if (known) this.#entries.set(key, { ...known, answer });
  }

  async release(key: string): Promise<void> {
    if (this.#entries.get(key)?.answer === null) this.#entries.delete(key);
  }
}
