// A bell: wakes everybody who waits for something to happen, and keeps nobody who has left.

export interface Bell {
  ring(): void;
  /** Resolves, never rejects, at the next ring or when the signal aborts; at once when it already has. */
  wait(signal: AbortSignal): Promise<void>;
  /** Who waits at this moment. */
  readonly waiting: number;
}

export function createBell(): Bell {
  const sleepers = new Set<() => void>();
  return {
    ring() {
      for (const wake of [...sleepers]) wake();
    },
    wait: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = (): void => {
          sleepers.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        sleepers.add(wake);
        signal.addEventListener('abort', wake);
      }),
    get waiting() {
      return sleepers.size;
    },
  };
}
