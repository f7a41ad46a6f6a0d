// What a process holds of the event log: one ring per channel; a reader is no more than its positions in them.
import type { Clock } from '../platform/clock.ts';
import { createBell, createSleeper, type Bell } from './bell.ts';
import { formatCursor, parseCursor, unknownCursor, type Position, type Positions } from './event-cursor.ts';
import {
  channels as allChannels,
  passes,
  type AppEvent,
  type Channel,
  type EventFilter,
  type GapEvent,
} from './event.ts';
import type { LoggedEvent, ReadOptions } from './event-log.ts';
import { createRing, type Ring } from './ring.ts';

export interface RingEntry {
  /** A gap is what never reached the log. */
  event: AppEvent | GapEvent;
  /** When it came, in milliseconds since the Unix epoch. */
  atMs: number;
  /** Counts over all channels, so that a reader of several sees them in the order in which they happened. */
  sequence: number;
  /** What it weighs in memory, roughly. */
  bytes: number;
}

export interface EventRings {
  /** Returns its number in the channel, which counts from 1 in each epoch. */
  append(entry: RingEntry): number;
  /** Begins a channel anew, under numbers that have nothing to do with those before. */
  restart(channel: Channel, epoch: string, lastNumber: number): void;
  /** The newest event of a channel. */
  last(channel: Channel): Position;
  /** The number of the oldest event that is held; one more than the last while none is. */
  oldest(channel: Channel): number;
  /**
   * As EventLog.read.
   * @param settled the least positions to begin at where the cursor names none; resolves, never rejects
   */
  read(options: ReadOptions, settled?: Promise<ReadonlyMap<Channel, number>>): AsyncIterable<LoggedEvent>;
  readonly readers: number;
  readersOf(channel: Channel): number;
}

export interface EventRingsOptions {
  clock: Clock;
  epoch: string;
  /** Events kept per channel. */
  capacity?: number | undefined;
  /** Events that are older are forgotten when the next one comes. */
  retentionMs?: number | undefined;
  /** By how many numbers a reader may be ahead of us: where other processes tell the same events, by some. */
  ahead?: number;
}

/** Of events in memory per channel: a few long ones do not weigh as much as thousands of short ones are meant to. */
const keepBytes = 16 * 1024 * 1024;
/** After so many events that a filter left out a reader is told where it stands. */
const skippedAtMost = 1_000;
const dayMs = 24 * 60 * 60 * 1000;

interface Shelf {
  epoch: string;
  ring: Ring<RingEntry>;
  readonly bell: Bell;
  readers: number;
}

interface Reader {
  channels: readonly Channel[];
  filter: EventFilter | null;
  positions: Positions;
  /** Events that its filter left out since it was told something. */
  skipped: number;
}

export function createEventRings(options: EventRingsOptions): EventRings {
  const { clock, capacity = 10_000, retentionMs = dayMs, ahead = 0 } = options;
  let readers = 0;

  const emptyRing = (bell: Bell, lastNumber: number): Ring<RingEntry> =>
    createRing({ capacity, bell, lastNumber, bytes: { limit: keepBytes, of: ({ bytes }) => bytes } });

  const shelves = new Map<Channel, Shelf>(
    allChannels.map((channel) => {
      const bell = createBell();
      return [channel, { epoch: options.epoch, ring: emptyRing(bell, 0), bell, readers: 0 }];
    }),
  );

  const shelfOf = (channel: Channel): Shelf => {
    const shelf = shelves.get(channel);
    if (!shelf) throw new Error(`no ring for channel ${channel}`);
    return shelf;
  };

  const last = (channel: Channel): Position => {
    const { epoch, ring } = shelfOf(channel);
    return { epoch, seen: ring.last };
  };

  const startAt = ({ channels, after }: ReadOptions): Positions => {
    const given = after === null ? null : parseCursor(after, channels);
    return new Map(
      channels.map((channel) => {
        const newest = last(channel);
        const position = given?.get(channel) ?? newest;
        if (position.epoch === newest.epoch && position.seen > newest.seen + ahead) throw unknownCursor();
        return [channel, position];
      }),
    );
  };

  const gap = (channel: Channel, missed: number | null): GapEvent => ({
    type: 'gap',
    channel,
    timestamp: new Date(clock.now()),
    missed,
  });

  const move = (reader: Reader, channel: Channel, position: Position): void => {
    reader.positions.set(channel, position);
  };

  const tell = ({ positions }: Reader, event: LoggedEvent['event']): LoggedEvent => ({
    cursor: formatCursor(positions),
    event,
  });

  /** The next entry of all channels, or what is gone before it; moves the reader behind it. Null at the end. */
  const advance = (reader: Reader): RingEntry['event'] | null => {
    let next: { channel: Channel; position: Position; entry: RingEntry } | null = null;
    for (const [channel, { epoch, seen }] of reader.positions) {
      const { epoch: current, ring } = shelfOf(channel);
      if (epoch !== current) {
        move(reader, channel, { epoch: current, seen: ring.oldest - 1 });
        return gap(channel, null);
      }
      const reading = ring.next(seen);
      if (!reading) continue;
      if ('gap' in reading) {
        move(reader, channel, { epoch, seen: seen + reading.gap });
        return gap(channel, reading.gap);
      }
      if (!next || reading.item.sequence < next.entry.sequence)
        next = { channel, position: { epoch, seen: reading.number }, entry: reading.item };
    }
    if (!next) return null;
    move(reader, next.channel, next.position);
    return next.entry.event;
  };

  /** The next thing that this reader has to be told; null when it has seen all. */
  const nextFor = (reader: Reader): LoggedEvent | null => {
    for (let event = advance(reader); event; event = advance(reader)) {
      if (event.type === 'gap' || !reader.filter || passes(event, reader.filter)) {
        reader.skipped = 0;
        return tell(reader, event);
      }
      reader.skipped += 1;
    }
    if (reader.skipped < skippedAtMost) return null;
    reader.skipped = 0;
    return tell(reader, standing('position', reader));
  };

  const standing = (type: 'subscribed' | 'position', { channels }: Reader) => ({
    type,
    channels: [...channels],
    timestamp: new Date(clock.now()),
  });

  async function* follow(reader: Reader, signal: AbortSignal, begun: Promise<void> | null) {
    const shelvesRead = reader.channels.map(shelfOf);
    const sleeper = createSleeper(
      shelvesRead.map(({ bell }) => bell),
      signal,
    );
    const count = (by: 1 | -1): void => {
      readers += by;
      for (const shelf of shelvesRead) shelf.readers += by;
    };
    count(1);
    try {
      if (begun) await unless(signal, begun);
      if (signal.aborted) return;
      yield tell(reader, standing('subscribed', reader));
      while (!isAborted(signal)) {
        const logged = nextFor(reader);
        if (logged) yield logged;
        else await sleeper.sleep();
      }
    } finally {
      sleeper.leave();
      count(-1);
    }
  }

  const forgetOld = (ring: Ring<RingEntry>): void => {
    const oldestMs = clock.now() - retentionMs;
    for (let held = ring.at(ring.oldest); held; held = ring.at(ring.oldest)) {
      if (held.atMs >= oldestMs) return;
      ring.forgetOldest();
    }
  };

  return {
    append(entry) {
      const { ring } = shelfOf(entry.event.channel);
      forgetOld(ring);
      return ring.append(entry);
    },
    restart(channel, epoch, lastNumber) {
      const shelf = shelfOf(channel);
      shelf.epoch = epoch;
      shelf.ring = emptyRing(shelf.bell, lastNumber);
      shelf.bell.ring();
    },
    last,
    oldest: (channel) => shelfOf(channel).ring.oldest,
    read(readOptions, settled) {
      const { channels, filter, after, signal } = readOptions;
      const positions = startAt(readOptions);
      const named = after === null ? null : parseCursor(after, channels);
      const begun = settled?.then((least) => {
        for (const [channel, number] of least) {
          const position = positions.get(channel);
          if (position && !named?.has(channel) && position.epoch === last(channel).epoch)
            position.seen = Math.max(position.seen, number);
        }
      });
      const isFiltering = filter && Object.values(filter).some((value) => value !== undefined);
      const reader = { channels, filter: isFiltering ? filter : null, positions, skipped: 0 };
      return follow(reader, signal, begun ?? null);
    },
    get readers() {
      return readers;
    },
    readersOf: (channel) => shelfOf(channel).readers,
  };
}

/** Read through a function: the compiler cannot see that it changes while we wait. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Resolves when the work is done or the signal aborts. */
async function unless(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const bell = createBell();
  const sleeper = createSleeper([bell], signal);
  void work.then(() => {
    bell.ring();
  });
  await sleeper.sleep();
  sleeper.leave();
}
