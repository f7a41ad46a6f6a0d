// What waits to be written to Redis: bounded, in order, and honest about what found no room.
import { createBell, type AppEvent, type Channel, type Clock, type GapEvent } from '@insightloop/core';
import { entryText } from './entries.ts';

export interface OutboxEntry {
  channel: Channel;
  text: string;
  /** The number that Redis gave it; null until then. */
  number: number | null;
}

export interface Outbox {
  add(event: AppEvent): void;
  /** The oldest ones, which stay until they are done. */
  batch(): readonly OutboxEntry[];
  /** The oldest ones have these numbers. */
  done(numbers: readonly number[]): void;
  /** Resolves when there is something to write, or the signal aborts. */
  filled(signal: AbortSignal): Promise<void>;
  /** Resolves when what is in it now is written, or the signal aborts; null when nothing is. */
  written(signal: AbortSignal): Promise<ReadonlyMap<Channel, number>> | null;
}

const maxBatch = 1_000;
/** Of each channel, so that a flood in one pushes nothing out of another. */
const maxEntries = 10_000;
const maxLength = 8 * 1024 * 1024;

export function createOutbox(clock: Clock): Outbox {
  let entries: OutboxEntry[] = [];
  const load = new Map<Channel, { entries: number; length: number }>();
  /** Events that found no room since the last one that did. */
  const dropped = new Map<Channel, number>();
  /** The newest of each channel. */
  const newest = new Map<Channel, OutboxEntry>();
  const added = createBell();
  const taken = createBell();

  const loadOf = (channel: Channel) => load.get(channel) ?? { entries: 0, length: 0 };
  const carry = (channel: Channel, count: 1 | -1, length: number): void => {
    const before = loadOf(channel);
    load.set(channel, { entries: before.entries + count, length: before.length + length });
  };

  const push = (channel: Channel, event: AppEvent | GapEvent): void => {
    const entry: OutboxEntry = { channel, text: entryText(event), number: null };
    carry(channel, 1, entry.text.length);
    entries.push(entry);
    newest.set(channel, entry);
  };

  const tellDropped = (channel: Channel): void => {
    const missed = dropped.get(channel);
    if (missed === undefined) return;
    dropped.delete(channel);
    push(channel, { type: 'gap', channel, timestamp: new Date(clock.now()), missed });
  };

  return {
    add(event) {
      const { channel } = event;
      const { entries: count, length } = loadOf(channel);
      if (count >= maxEntries || length >= maxLength) {
        dropped.set(channel, (dropped.get(channel) ?? 0) + 1);
        return;
      }
      tellDropped(channel);
      push(channel, event);
      added.ring();
    },
    batch: () => entries.slice(0, maxBatch),
    done(numbers) {
      const written = entries.slice(0, numbers.length);
      entries = entries.slice(numbers.length);
      for (const [index, entry] of written.entries()) {
        entry.number = numbers[index] ?? null;
        carry(entry.channel, -1, -entry.text.length);
      }
      // Else it would be told only with the next event of the channel.
      for (const channel of [...dropped.keys()]) if (loadOf(channel).entries === 0) tellDropped(channel);
      taken.ring();
    },
    filled: (signal) => (entries.length > 0 ? Promise.resolve() : added.wait(signal)),
    written(signal) {
      if (entries.length === 0) return null;
      const last = new Map(newest);
      const wait = async (): Promise<ReadonlyMap<Channel, number>> => {
        while (!signal.aborted && [...last.values()].some(({ number }) => number === null))
          await taken.wait(signal);
        return new Map([...last].map(([channel, { number }]) => [channel, number ?? 0]));
      };
      return wait();
    },
  };
}
