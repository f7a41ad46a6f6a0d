// Port: where tasks and what was told of them are kept.
import type { TaskEvent } from './task-event.ts';
import type { StoredTask, TaskStatus, TaskSummary } from './task.ts';

export interface TaskQuery {
  limit: number;
  /** Ignored where there is a cursor. */
  offset: number;
  /** The id of the last task of the page before. */
  cursor?: string | undefined;
  status?: TaskStatus | undefined;
  serverId?: string | undefined;
}

export interface TaskPage {
  tasks: TaskSummary[];
  /** How many the query finds in all; up to 2 s old. */
  total: number;
}

export interface StoredTaskEvent {
  number: number;
  event: TaskEvent;
}

export interface TaskChanges {
  events?: readonly StoredTaskEvent[];
  task?: Partial<Omit<StoredTask, 'id'>>;
}

/** @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached */
export interface TaskStore {
  insert(task: StoredTask): Promise<void>;
  /** All of it or nothing. Does nothing where the task is gone. */
  save(id: string, changes: TaskChanges): Promise<void>;
  find(id: string): Promise<StoredTask | null>;
  /** Newest first, by id: ids sort by the time at which they were made. */
  list(query: TaskQuery): Promise<TaskPage>;
  /** With its events. False where there was none. */
  delete(id: string): Promise<boolean>;
  /** What was told behind a number, in order. */
  events(id: string, page: { after: number; limit: number }): Promise<StoredTaskEvent[]>;
  /** Only the events of this type. */
  eventsOfType<T extends TaskEvent['type']>(id: string, type: T): Promise<Extract<TaskEvent, { type: T }>[]>;
  /** Those that an instance had under way, with the number of the last event of each. */
  underWay(owner: string): Promise<{ task: StoredTask; lastNumber: number }[]>;
  /** Deletes what was created before, a bounded number of them, oldest first. Returns how many. */
  deleteCreatedBefore(time: Date): Promise<number>;
}
