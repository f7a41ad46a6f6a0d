// Other services' answers in memory: the fake of the port HttpCache.
import type { CachedAnswer, HttpCache } from '../platform/http-cache.ts';

export class MemoryHttpCache implements HttpCache {
  readonly #answers = new Map<string, CachedAnswer>();

  get keys(): string[] {
    return [...this.#answers.keys()];
  }

  async find(key: string): Promise<CachedAnswer | null> {
    return structuredClone(this.#answers.get(key) ?? null);
  }

  async put(key: string, answer: CachedAnswer): Promise<void> {
    this.#answers.set(key, structuredClone(answer));
  }

  async touch(key: string, checkedAt: Date): Promise<void> {
    const known = this.#answers.get(key);
    if (known) known.checked_at = checkedAt;
  }

  async prune(before: Date): Promise<number> {
    const old = [...this.#answers].filter(([, { checked_at }]) => checked_at < before);
    for (const [key] of old) this.#answers.delete(key);
    return old.length;
  }
}
