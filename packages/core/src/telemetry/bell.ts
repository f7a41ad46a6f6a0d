// A bell: wakes everybody who waits for something to happen, and keeps nobody who has left.

export interface Bell {
  ring(): void;
  /** Resolves, never rejects, at the next ring or when the signal aborts; at once when it already has. */
  wait(signal: AbortSignal): Promise<void>;
  /** Who waits at this moment. */
  readonly waiting: number;
  /** Is called at the next ring, once. */
  add(wake: () => void): void;
  remove(wake: () => void): void;
}

export function createBell(): Bell {
  let sleepers = new Set<() => void>();
  return {
    ring() {
      if (sleepers.size === 0) return;
      const woken = sleepers;
      sleepers = new Set();
      for (const wake of woken) wake();
    },
    wait(signal) {
      const sleeper = createSleeper([this], signal);
      return sleeper.sleep().finally(() => {
        sleeper.leave();
      });
    },
    get waiting() {
      return sleepers.size;
    },
    add: (wake) => void sleepers.add(wake),
    remove: (wake) => void sleepers.delete(wake),
  };
}

/** Somebody who sleeps again and again, until any of several bells rings or the signal aborts. */
export interface Sleeper {
  /** One sleep at a time. */
  sleep(): Promise<void>;
  /** Nothing of it is left at the bells and the signal. */
  leave(): void;
}

/** Listens to the signal once for all its sleeps: a reader of a busy log sleeps many times a second. */
export function createSleeper(bells: readonly Bell[], signal: AbortSignal): Sleeper {
  let resolve: (() => void) | null = null;
  const wake = (): void => {
    for (const bell of bells) bell.remove(wake);
    const resolveSleep = resolve;
    resolve = null;
    resolveSleep?.();
  };
  signal.addEventListener('abort', wake);
  return {
    sleep: () =>
      new Promise((resolveSleep) => {
        if (signal.aborted) {
          resolveSleep();
          return;
        }
        resolve = resolveSleep;
        for (const bell of bells) bell.add(wake);
      }),
    leave() {
      signal.removeEventListener('abort', wake);
      wake();
    },
  };
}
