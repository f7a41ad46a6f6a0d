// Waiting with an end.
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether a promise that never rejects is settled within `ms`. Leaves no timer behind. */
export const settlesWithin = async (promise: Promise<unknown>, ms: number): Promise<boolean> => {
  const timer = new AbortController();
  try {
    return await Promise.race([promise.then(() => true), sleep(ms, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
};

/** Resolves when a stream that is being read has nothing more to give, whatever became of it. */
export const drained = (stream: Readable): Promise<void> =>
  finished(stream, { writable: false }).catch(() => undefined);
