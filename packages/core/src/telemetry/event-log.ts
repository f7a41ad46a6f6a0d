// Port: the numbered log of events that every live door reads from.
import type { AppEvent, Channel, EventFilter, StreamEvent } from './event.ts';

/** Opaque to readers; handing it back as `after` continues behind the event it came with. */
export type EventCursor = string;

export interface LoggedEvent {
  cursor: EventCursor;
  event: StreamEvent;
}

export interface ReadOptions {
  channels: readonly Channel[];
  filter?: EventFilter;
  /** Null begins with what is appended from now on. */
  after: EventCursor | null;
  /** Ends the reading; the iterable then finishes without an error. */
  signal: AbortSignal;
}

export interface EventLog {
  /** Never fails and never waits: telemetry must not stop what it tells of. */
  append(event: AppEvent): void;
  /**
   * Says `subscribed` with the position at which it begins, replays what came after it, then goes on live; within a
   * channel in order, without loss or doubling. What the log no longer holds is told once as a `gap` event. Listening
   * starts with the call, not with the first read.
   * @throws AppError INVALID_REQUEST when the cursor is none of ours; SERVICE_UNAVAILABLE while `problem` says why
   */
  read(options: ReadOptions): AsyncIterable<LoggedEvent>;
  /** Readers at this moment. */
  readonly readers: number;
  /** Whether somebody reads the channel, here or in another process that shares the log. May be late by seconds. */
  isWatched(channel: Channel): boolean;
  /** What keeps events from being told at this moment, in words; null when nothing does. */
  problem(): string | null;
}
