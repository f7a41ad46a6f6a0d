// A bounded number of things at once; the others wait in line.

export interface Slots {
  /**
   * Runs `work` when its turn comes.
   * @throws the signal's reason when it aborts while waiting; otherwise whatever `work` throws
   */
  use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new Error('aborted', { cause: reason });

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  const acquire = (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const take = () => {
        leave();
        resolve();
      };
      const abandon = () => {
        leave();
        reject(reasonOf(signal));
      };
      const leave = () => {
        waiting.delete(take);
        signal.removeEventListener('abort', abandon);
      };
      waiting.add(take);
      signal.addEventListener('abort', abandon);
    });
  };

  /** The place goes straight to the next in line, so nobody can slip in between. */
  const release = (): void => {
    const [next] = waiting;
    if (next) next();
    else free += 1;
  };

  return {
    async use(work, signal) {
      await acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
