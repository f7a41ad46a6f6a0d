// Cursors: the positions of a reader as one text, `<epoch>-<n>` for one channel, `<channel>:<epoch>-<n>,…` for several.
import { invalidRequest, type AppError } from '../errors.ts';
import { channels as allChannels, type Channel } from './event.ts';
import type { EventCursor } from './event-log.ts';

/** The number of the event that a reader saw last, and the life of the log that gave the number. */
export interface Position {
  epoch: string;
  seen: number;
}

export type Positions = Map<Channel, Position>;

export function formatCursor(positions: ReadonlyMap<Channel, Position>): EventCursor {
  if (positions.size === 1) for (const { epoch, seen } of positions.values()) return `${epoch}-${seen}`;
  return formatPositions(positions);
}

/** As a cursor of several channels, also where it is one: to be read together with others that it does not name. */
export function formatPositions(positions: ReadonlyMap<Channel, Position>): EventCursor {
  let text = '';
  for (const [channel, { epoch, seen }] of positions)
    text += `${text === '' ? '' : ','}${channel}:${epoch}-${seen}`;
  return text;
}

/**
 * Of channels that are not in the cursor it says nothing, and it may name others.
 * @throws AppError INVALID_REQUEST
 */
export function parseCursor(cursor: EventCursor, channels: readonly Channel[]): Positions {
  const positions: Positions = new Map();
  const [only] = channels;
  if (channels.length === 1 && only && !cursor.includes(':'))
    return positions.set(only, parsePosition(cursor));
  for (const part of cursor.split(',')) {
    const [name, number] = part.split(':');
    const channel = allChannels.find((known) => known === name);
    if (!channel || !number) throw unknownCursor();
    positions.set(channel, parsePosition(number));
  }
  return positions;
}

function parsePosition(text: string): Position {
  const [, epoch, seen] = /^([0-9a-z]{1,12})-(\d{1,15})$/.exec(text) ?? [];
  if (epoch === undefined) throw unknownCursor();
  return { epoch, seen: Number(seen) };
}

export const unknownCursor = (): AppError =>
  invalidRequest('The last event id is none of ours; leave it out to begin with what happens now.');
