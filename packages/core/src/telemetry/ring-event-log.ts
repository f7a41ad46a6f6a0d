// The event log in memory: its numbers begin anew with each process, so its epoch is the process's.
import type { Clock } from '../platform/clock.ts';
import type { EventLog } from './event-log.ts';
import { createEventRings } from './event-rings.ts';
import type { AppEvent } from './event.ts';

export interface RingEventLogOptions {
  clock: Clock;
  /** Events kept per channel. */
  capacity?: number;
  retentionMs?: number;
}

/** A cursor of another epoch gets a gap instead of somebody else's events. */
export function createRingEventLog({ clock, capacity, retentionMs }: RingEventLogOptions): EventLog {
  const rings = createEventRings({ clock, epoch: clock.now().toString(36), capacity, retentionMs });
  let sequence = 0;
  return {
    append(event) {
      sequence += 1;
      rings.append({ event, sequence, atMs: clock.now(), bytes: weightOf(event) });
    },
    read: (options) => rings.read(options),
    get readers() {
      return rings.readers;
    },
    isWatched: (channel) => rings.readersOf(channel) > 0,
    problem: () => null,
  };
}

/** Lines come by the thousand, and all but their text is small; what tools answer can be as large as they like. */
const weightOf = (event: AppEvent): number =>
  event.type === 'log' ? 500 + event.message.length * 2 : 500 + JSON.stringify(event).length * 2;
