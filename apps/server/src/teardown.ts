// What has to be undone at the end, in the opposite order of how it was done.

export interface Teardown {
  add(end: () => Promise<void>): void;
  /** Aborts when the end has begun. */
  readonly signal: AbortSignal;
  /** Undoes everything, also what comes after a failure; rejects with the first one. Idempotent. */
  run(): Promise<void>;
}

export function createTeardown(): Teardown {
  const ends: (() => Promise<void>)[] = [];
  const begun = new AbortController();
  return {
    add(end) {
      ends.push(end);
    },
    signal: begun.signal,
    async run() {
      begun.abort();
      const failures: unknown[] = [];
      for (const end of ends.splice(0).reverse())
        await end().catch((failure: unknown) => {
          failures.push(failure);
        });
      if (failures.length > 0) throw failures[0];
    },
  };
}
