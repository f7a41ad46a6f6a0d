// The event log in memory: one ring per channel; a reader is no more than its positions in them.
import { invalidRequest } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { createBell } from './bell.ts';
import { channels as allChannels, type AppEvent, type Channel, type StreamEvent } from './event.ts';
import type { EventCursor, EventLog, LoggedEvent } from './event-log.ts';
import { createRing, type Ring } from './ring.ts';

interface Entry {
  /** Counts over all channels, so that a reader of several sees them in the order in which they happened. */
  sequence: number;
  event: AppEvent;
}

/** The number of the event that a reader saw last, per channel. `stale`: numbered by an earlier life of this log. */
type Positions = Map<Channel, { seen: number; stale: boolean }>;

export interface RingEventLogOptions {
  clock: Clock;
  /** Events kept per channel. */
  capacity?: number;
}

/**
 * Numbers begin anew with each process, so cursors carry its epoch, and one of another epoch gets a gap instead of
 * somebody else's events. A cursor is `<epoch>-<n>` for one channel, `<channel>:<epoch>-<n>,…` for several.
 */
export function createRingEventLog({ clock, capacity = 10_000 }: RingEventLogOptions): EventLog {
  const epoch = clock.now().toString(36);
  const appended = createBell();
  const rings = new Map(
    allChannels.map((channel) => [channel, createRing<Entry>({ capacity, bell: appended })]),
  );
  let sequence = 0;
  let readers = 0;

  const ringOf = (channel: Channel): Ring<Entry> => {
    const ring = rings.get(channel);
    if (!ring) throw new Error(`no ring for channel ${channel}`);
    return ring;
  };

  const parseNumber = (text: string, channel: Channel): { seen: number; stale: boolean } => {
    const match = /^([0-9a-z]{1,12})-(\d{1,15})$/.exec(text);
    const seen = Number(match?.[2]);
    const stale = match?.[1] !== epoch;
    if (!match || (!stale && seen > ringOf(channel).last)) throw noneOfOurs();
    return { seen, stale };
  };

  const startAt = (channels: readonly Channel[], after: EventCursor | null): Positions => {
    const positions: Positions = new Map(
      channels.map((channel) => [channel, { seen: ringOf(channel).last, stale: false }]),
    );
    if (after === null) return positions;
    const [only] = channels;
    if (channels.length === 1 && only && !after.includes(':'))
      return positions.set(only, parseNumber(after, only));
    for (const part of after.split(',')) {
      const [name, number] = part.split(':');
      const channel = channels.find((candidate) => candidate === name);
      if (channel && number) positions.set(channel, parseNumber(number, channel));
      else if (!allChannels.some((known) => known === name) || !number) throw noneOfOurs();
    }
    return positions;
  };

  const cursorOf = (positions: Positions): EventCursor => {
    const parts = [...positions].map(([channel, { seen }]) => [channel, `${epoch}-${seen}`] as const);
    const [first] = parts;
    if (parts.length === 1 && first) return first[1];
    return parts.map(([channel, number]) => `${channel}:${number}`).join(',');
  };

  const gap = (channel: Channel, missed: number | null): StreamEvent => ({
    type: 'gap',
    channel,
    timestamp: new Date(clock.now()),
    missed,
  });

  /** The next thing this reader has to be told, or null when it has seen all; moves its positions. */
  const advance = (positions: Positions): LoggedEvent | null => {
    let next: { channel: Channel; number: number; entry: Entry } | null = null;
    const move = (channel: Channel, seen: number, event: StreamEvent): LoggedEvent => {
      positions.set(channel, { seen, stale: false });
      return { cursor: cursorOf(positions), event };
    };
    for (const [channel, { seen, stale }] of positions) {
      const ring = ringOf(channel);
      if (stale) return move(channel, ring.oldest - 1, gap(channel, null));
      const reading = ring.next(seen);
      if (!reading) continue;
      if ('gap' in reading) return move(channel, seen + reading.gap, gap(channel, reading.gap));
      if (!next || reading.item.sequence < next.entry.sequence)
        next = { channel, number: reading.number, entry: reading.item };
    }
    return next && move(next.channel, next.number, next.entry.event);
  };

  async function* follow(positions: Positions, signal: AbortSignal): AsyncGenerator<LoggedEvent> {
    readers += 1;
    try {
      while (!signal.aborted) {
        const logged = advance(positions);
        if (logged) yield logged;
        else await appended.wait(signal);
      }
    } finally {
      readers -= 1;
    }
  }

  return {
    append(event) {
      sequence += 1;
      ringOf(event.channel).append({ sequence, event });
    },
    read: ({ channels, after, signal }) => follow(startAt(channels, after), signal),
    get readers() {
      return readers;
    },
  };
}

const noneOfOurs = () =>
  invalidRequest('The last event id is none of ours; leave it out to begin with what happens now.');
