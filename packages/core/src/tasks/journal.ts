// The journal of one task: numbers what is told of it, stores it in order, and gives it to readers once it is stored.
import { AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { createBell } from '../telemetry/bell.ts';
import { isLast, isPassing, type NumberedTaskEvent, type TaskEvent } from './task-event.ts';
import type { StoredTaskEvent, TaskChanges, TaskStore } from './task-store.ts';

export interface Journal {
  /** Never waits. What changes about the task is stored together with the event, or not at all. */
  tell(event: TaskEvent, changes?: TaskChanges['task']): void;
  /** Resolves when everything is stored, or there is no use in trying any longer. */
  flush(): Promise<void>;
  /** Replays what came behind a number, then goes on live until the last event. */
  read(after: number, signal: AbortSignal): AsyncGenerator<NumberedTaskEvent>;
}

export interface JournalPorts {
  store: Pick<TaskStore, 'save'>;
  clock: Clock;
  logger: Logger;
  /** Aborts when there is no use in trying any longer to store: this process ends. */
  signal: AbortSignal;
}

interface Entry extends NumberedTaskEvent {
  changes: TaskChanges['task'];
}

const retryMs = 1_000;

/** An outage passes; what the store refuses for another reason would keep the task from ever being over. */
const mostRefusals = 10;
const isOutage = (cause: unknown): boolean =>
  cause instanceof AppError && cause.code === 'SERVICE_UNAVAILABLE';

/** Nobody is told what a crash could take back: a number that a reader has seen is in the store. */
export function createJournal(taskId: string, { store, clock, logger, signal }: JournalPorts): Journal {
  const entries: Entry[] = [];
  const stored = createBell();
  /** So many entries are stored, and may be read. */
  let readable = 0;
  let lastNumber = 0;
  let writing: Promise<void> | null = null;
  let refusals = 0;

  const write = async (): Promise<void> => {
    while (readable < entries.length && !signal.aborted) {
      const end = entries.length;
      try {
        await store.save(taskId, changesOf(entries.slice(readable, end)));
        readable = end;
        refusals = 0;
        stored.ring();
      } catch (cause) {
        if (!isOutage(cause) && (refusals += 1) >= mostRefusals) {
          logger.error({ task_id: taskId, err: cause }, 'what happened to a task is not stored');
          readable = end;
          stored.ring();
          continue;
        }
        logger.warn(
          { task_id: taskId, err: cause },
          'what happened to a task could not be stored; trying again',
        );
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
    writing = null;
  };

  return {
    tell(event, changes) {
      const number = isPassing(event) ? null : (lastNumber += 1);
      entries.push({ number, event, changes });
      writing ??= write();
    },

    flush: () => writing ?? Promise.resolve(),

    async *read(after, reading) {
      // Whoever comes back may have had what is not kept, and is told soon what it comes to.
      const next = entries.findIndex(({ number }) => number !== null && number > after);
      let place = after === 0 ? 0 : next === -1 ? entries.length : next;
      const over = AbortSignal.any([reading, signal]);
      while (!over.aborted) {
        const entry = place < readable ? entries[place] : undefined;
        if (!entry) {
          const last = readable === entries.length ? entries.at(-1) : undefined;
          if (last && isLast(last.event)) return;
          await stored.wait(over);
          continue;
        }
        place += 1;
        yield { number: entry.number, event: entry.event };
        if (isLast(entry.event)) return;
      }
    },
  };
}

function changesOf(entries: readonly Entry[]): TaskChanges {
  const events: StoredTaskEvent[] = [];
  let task: TaskChanges['task'];
  for (const { number, event, changes } of entries) {
    if (number !== null) events.push({ number, event });
    if (changes) task = { ...task, ...changes };
  }
  return { events, ...(task && { task }) };
}
