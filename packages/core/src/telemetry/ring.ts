// A ring: the last items of something endless, numbered, for readers that are no more than a position in it.
import { createBell, type Bell } from './bell.ts';

/** What a reader is told next: an item, or how many it missed because the ring no longer holds them. */
export type RingReading<T> = { number: number; item: T } | { gap: number };

export interface RingReadOptions {
  /** The number that was read last; null begins with what is appended from now on. */
  after: number | null;
  /** Ends the reading; the iterable then finishes without an error. */
  signal: AbortSignal;
}

export interface Ring<T extends object> {
  /** Never waits for a reader. Returns the item's number; the first one is 1, and none is left out. */
  append(item: T): number;
  /** The number of the newest item; 0 before the first. */
  readonly last: number;
  /** The lowest number that is still held; `last + 1` while nothing is. */
  readonly oldest: number;
  /** Does nothing where nothing is held. */
  forgetOldest(): void;
  /** Undefined for what is no longer held or not yet there. */
  at(number: number): T | undefined;
  /** What comes behind a position, or null when that is the end. Costs the same wherever the position is. */
  next(after: number): RingReading<T> | null;
  /**
   * Replays what came after the position, then goes on live: in order, without loss or doubling, each gap with its
   * size. The position is taken with the call, not with the first read. A slow reader holds no queue. While it waits
   * it ends by its signal only: the iterator's own `return` would wait for the next item.
   * @throws RangeError for a position that never was
   */
  read(options: RingReadOptions): AsyncIterable<RingReading<T>>;
  /** Readers at this moment, from their first read to their end. */
  readonly readers: number;
}

export interface RingOptions<T extends object> {
  /** Items held at most. */
  capacity: number;
  /** A second limit, where items differ in size. The newest item is held even when it is larger. */
  bytes?: { limit: number; of(item: T): number };
  /** Numbers go on behind this one, as those of an earlier ring did. */
  lastNumber?: number;
  /** Rings at each append. To be shared by rings that somebody reads together. */
  bell?: Bell;
}

export function createRing<T extends object>({
  capacity,
  bytes,
  lastNumber = 0,
  bell,
}: RingOptions<T>): Ring<T> {
  const appended = bell ?? createBell();
  /** The item numbered n stands at n % capacity. */
  const slots: (T | undefined)[] = [];
  let last = lastNumber;
  let oldest = last + 1;
  let heldBytes = 0;
  let readers = 0;

  const forgetOldest = (): void => {
    if (oldest > last) return;
    const slot = oldest % capacity;
    const item = slots[slot];
    if (bytes && item !== undefined) heldBytes -= bytes.of(item);
    slots[slot] = undefined;
    oldest += 1;
  };

  const at = (number: number): T | undefined =>
    number >= oldest && number <= last ? slots[number % capacity] : undefined;

  const next = (after: number): RingReading<T> | null => {
    if (after + 1 < oldest) return { gap: oldest - 1 - after };
    const item = at(after + 1);
    return item === undefined ? null : { number: after + 1, item };
  };

  async function* follow(after: number, signal: AbortSignal): AsyncGenerator<RingReading<T>> {
    let position = after;
    readers += 1;
    try {
      while (!signal.aborted) {
        const reading = next(position);
        if (!reading) {
          await appended.wait(signal);
          continue;
        }
        position = 'gap' in reading ? position + reading.gap : reading.number;
        yield reading;
      }
    } finally {
      readers -= 1;
    }
  }

  return {
    append(item) {
      if (last - oldest + 1 >= capacity) forgetOldest();
      last += 1;
      slots[last % capacity] = item;
      if (bytes) {
        heldBytes += bytes.of(item);
        while (heldBytes > bytes.limit && oldest < last) forgetOldest();
      }
      appended.ring();
      return last;
    },
    get last() {
      return last;
    },
    get oldest() {
      return oldest;
    },
    forgetOldest,
    at,
    next,
    read({ after, signal }) {
      if (after !== null && !(Number.isInteger(after) && after >= 0 && after <= last))
        throw new RangeError(`${after} is no position between 0 and ${last}`);
      return follow(after ?? last, signal);
    },
    get readers() {
      return readers;
    },
  };
}
