// Entries of a stream: an event as text, its number, and its place among all channels.
import {
  appEvent,
  channels,
  type AppEvent,
  type Channel,
  type GapEvent,
  type RingEntry,
} from '@insightloop/core';
import type { RedisReply } from './connection.ts';

export interface StreamEntry {
  channel: Channel;
  epoch: number;
  number: number;
  /** Null for the entry that begins an epoch. */
  content: RingEntry | null;
}

export const entryText = (event: AppEvent | GapEvent): string => JSON.stringify(event);

/** Of XREAD or XREVRANGE, as `[id, [field, value, …]]`. @throws Error for what is no entry of ours */
export function readEntry(channel: Channel, reply: RedisReply): StreamEntry {
  const [id, fields] = Array.isArray(reply) ? reply : [];
  const [, epoch, number] = typeof id === 'string' ? (/^(\d+)-(\d+)$/.exec(id) ?? []) : [];
  if (epoch === undefined || !Array.isArray(fields))
    throw new Error('a stream holds something that is not ours');
  const place = { channel, epoch: Number(epoch), number: Number(number) };
  const [name, text, , sequence] = fields;
  if (name === 'origin') return { ...place, content: null };
  if (typeof text !== 'string') throw new Error('a stream holds something that is not ours');
  const event = readEvent(channel, text);
  return {
    ...place,
    content: {
      event,
      sequence: Number(sequence),
      atMs: event.timestamp.getTime(),
      bytes: 500 + text.length * 2,
    },
  };
}

/** What this version cannot read, because a newer one wrote it, is one event that is missing. */
function readEvent(channel: Channel, text: string): AppEvent | GapEvent {
  const raw: unknown = JSON.parse(text, reviveDates);
  const parsed = appEvent.safeParse(raw);
  if (parsed.success) return parsed.data;
  return gapIn(raw, channel) ?? { type: 'gap', channel, timestamp: new Date(), missed: 1 };
}

function gapIn(raw: unknown, channel: Channel): GapEvent | null {
  if (typeof raw !== 'object' || raw === null || !('type' in raw) || raw.type !== 'gap') return null;
  const missed = 'missed' in raw && typeof raw.missed === 'number' ? raw.missed : null;
  return { type: 'gap', channel, timestamp: new Date(), missed };
}

const dates: ReadonlySet<string> = new Set(['timestamp', 'next_attempt_at']);

/** Fields of events that are times; in what tools answer such a field may be anything, and stays as it is. */
function reviveDates(this: unknown, key: string, value: unknown): unknown {
  if (typeof value !== 'string' || !dates.has(key)) return value;
  const isOfEvent = typeof this === 'object' && this !== null && 'type' in this && 'channel' in this;
  return isOfEvent ? new Date(value) : value;
}

/** Of XREAD, as `[[stream, [entry, …]], …]`, by stream. */
export function entriesByChannel(
  reply: RedisReply,
  channelOf: ReadonlyMap<string, Channel>,
): Map<Channel, StreamEntry[]> {
  const found = new Map<Channel, StreamEntry[]>();
  for (const part of Array.isArray(reply) ? reply : []) {
    const [stream, entries] = Array.isArray(part) ? part : [];
    const channel = typeof stream === 'string' ? channelOf.get(stream) : undefined;
    if (channel && Array.isArray(entries))
      found.set(
        channel,
        entries.map((entry) => readEntry(channel, entry)),
      );
  }
  return found;
}

export const indexOf = (channel: Channel): string => String(channels.indexOf(channel));
