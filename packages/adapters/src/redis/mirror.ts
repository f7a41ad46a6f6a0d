// What Redis holds, held here too: readers ask this process only, so a thousand of them cost Redis no more than one.
import { channels, type Channel, type EventRings } from '@insightloop/core';
import type { RedisConnection } from './connection.ts';
import { entriesByChannel, readEntry, type StreamEntry } from './entries.ts';
import type { EventKeys } from './scripts.ts';

export interface Mirror {
  /** What came before us. */
  load(connection: RedisConnection): Promise<void>;
  /** Takes up what comes, until the signal aborts. @throws Error when the connection is lost */
  follow(connection: RedisConnection, signal: AbortSignal): Promise<void>;
  /** The newest id that was taken up, `0-0` before the first. */
  newest(channel: Channel): string;
  /** The oldest id that is still held here; '' while none is. */
  oldest(channel: Channel): string;
}

/** Entries of one stream that are taken at once. */
const atOnce = 1_000;
const waitMs = 2_000;

export interface MirrorOptions {
  rings: EventRings;
  keys: EventKeys;
  capacity: number;
  onTaken: () => void;
}

export function createMirror({ rings, keys, capacity, onTaken }: MirrorOptions): Mirror {
  const epochs = new Map<Channel, number>();
  const channelOf = new Map(channels.map((channel) => [keys.stream(channel), channel]));

  const take = ({ channel, epoch, number, content }: StreamEntry): void => {
    const last = rings.last(channel);
    const isKnown = epochs.get(channel) === epoch;
    if (isKnown && number <= last.seen) return;
    if (!isKnown || number > last.seen + 1)
      rings.restart(channel, epoch.toString(36), content ? number - 1 : number);
    epochs.set(channel, epoch);
    if (content) rings.append(content);
  };

  const newest = (channel: Channel): string => `${epochs.get(channel) ?? 0}-${rings.last(channel).seen}`;

  const read = async (connection: RedisConnection, options: readonly string[]) =>
    connection.send(['XREAD', ...options, 'STREAMS', ...keys.streams, ...channels.map(newest)]);

  /** In the order over all channels. Of what was cut off no other channel's events may go before the rest. */
  const takeAll = (found: ReadonlyMap<Channel, StreamEntry[]>): void => {
    const sequenceOf = ({ content }: StreamEntry): number => content?.sequence ?? 0;
    const cutOff = [...found.values()].flatMap((entries) => {
      const last = entries.at(-1);
      return last && entries.length >= atOnce ? [sequenceOf(last)] : [];
    });
    const upTo = Math.min(...cutOff, Infinity);
    const entries = [...found.values()].flat().filter((entry) => sequenceOf(entry) <= upTo);
    for (const entry of entries.sort((a, b) => sequenceOf(a) - sequenceOf(b))) take(entry);
    onTaken();
  };

  return {
    async load(connection) {
      for (const channel of channels) {
        if (epochs.has(channel)) continue;
        const reply = await connection.send([
          ...['XREVRANGE', keys.stream(channel), '+', '-', 'COUNT', String(capacity + 1)],
        ]);
        const entries = (Array.isArray(reply) ? reply : [])
          .map((entry) => readEntry(channel, entry))
          .reverse();
        const epoch = entries.at(-1)?.epoch;
        for (const entry of entries) if (entry.epoch === epoch) take(entry);
      }
    },
    async follow(connection, signal) {
      while (!signal.aborted) {
        const found = entriesByChannel(await read(connection, ['COUNT', String(atOnce)]), channelOf);
        if (found.size > 0) takeAll(found);
        // What wakes us is asked for again: it may be one stream of several that have something new.
        else await read(connection, ['COUNT', '1', 'BLOCK', String(waitMs)]);
      }
    },
    newest,
    oldest: (channel) => {
      const oldest = rings.oldest(channel);
      return oldest > rings.last(channel).seen ? '' : `${epochs.get(channel) ?? 0}-${oldest}`;
    },
  };
}
