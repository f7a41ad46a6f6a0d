// What can be done with tasks: have one carried out, watch it, look at it, list, cancel, delete.
import { conflict, serviceUnavailable, taskNotFound } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { createSlots } from '../platform/slots.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { createJournal } from './journal.ts';
import type { LanguageModel } from './language-model.ts';
import { beginTask, interrupted, type LiveTask } from './live-task.ts';
import { isLast, stepResultOf, type NumberedTaskEvent } from './task-event.ts';
import type { TaskRunPorts } from './task-run.ts';
import type { TaskPage, TaskQuery, TaskStore } from './task-store.ts';
import { isUnderWay, newDetail, shownTask, type StoredTask, type Task, type TaskOrder } from './task.ts';

export interface TasksPorts extends TaskRunPorts {
  taskStore: TaskStore;
  eventLog: EventLog;
  languageModel: LanguageModel;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  /** In [0, 1). */
  random: () => number;
  /** Names this instance of ours in what it stores, over its restarts. */
  instanceId: string;
  /** Tasks that run at once; the others are queued. */
  maxTasks: number;
}

export interface TaskCaller {
  /** Finds the request that began the task in the log; null where it has none. */
  requestId: string | null;
  /** Aborts when the caller leaves, which cancels the task only where the order says so. */
  signal: AbortSignal;
}

export interface Tasks {
  /**
   * Stores the task and begins it. Everything that can be wrong with it beyond its form makes it a failed task.
   * @throws AppError SERVICE_UNAVAILABLE when this process is ending
   */
  begin(order: TaskOrder, caller: TaskCaller): Promise<Task>;
  /**
   * The same, and waits for its end, whether the caller is still there or not.
   * @throws AppError with `details.task_id` where it failed: SERVER_NOT_FOUND, SERVER_NOT_RUNNING, SERVICE_UNAVAILABLE,
   *   INVALID_REQUEST, FORBIDDEN, TOOL_NOT_FOUND, TOOL_TIMEOUT, ORCHESTRATION_FAILED, GEMINI_API_ERROR
   */
  orchestrate(order: TaskOrder, caller: TaskCaller): Promise<Task>;
  list(query: TaskQuery): Promise<TaskPage>;
  /** @throws AppError TASK_NOT_FOUND */
  get(taskId: string): Promise<Task>;
  /**
   * Replays what was told of a task behind a number, then goes on live until its last event. Null where there is nothing
   * left to tell.
   * @throws AppError TASK_NOT_FOUND
   */
  follow(
    taskId: string,
    options: { after: number; signal: AbortSignal },
  ): Promise<AsyncIterable<NumberedTaskEvent> | null>;
  /** Ends a task that is under way or waits for approval. @throws AppError TASK_NOT_FOUND, CONFLICT where it is over */
  cancel(taskId: string): Promise<Task>;
  /** @throws AppError TASK_NOT_FOUND; CONFLICT while it is under way */
  remove(taskId: string): Promise<{ status: 'deleted'; task_id: string; deleted_at: Date }>;
}

/** What the process itself drives. */
export interface TaskRunner {
  /** After a start of ours: says of the tasks that an earlier life had under way that they were interrupted. */
  restore(): Promise<void>;
  /** Ends what is under way as interrupted, and waits until that is stored. */
  leave(): Promise<void>;
  /** Deletes the tasks that were created longer ago. */
  forget(olderThanMs: number): Promise<void>;
}

/** How often a task is looked for that another process carries out. */
const pollMs = 500;
const eventsAtOnce = 20;
/** Time that the store gets for the last states when we end. */
const storePatienceMs = 2_000;

export function createTasks(ports: TasksPorts): { tasks: Tasks; runner: TaskRunner } {
  const { taskStore, clock, logger } = ports;
  const slots = createSlots(ports.maxTasks);
  const live = new Map<string, LiveTask>();
  const ended = new AbortController();
  const bornAt = clock.now();
  const leaving = new AbortController();
  const isLeaving = (): boolean => leaving.signal.aborted;

  const begin = async (order: TaskOrder, caller: TaskCaller): Promise<LiveTask> => {
    // What began now would be ended by nobody.
    if (isLeaving()) throw serviceUnavailable('This process is ending and takes no new work.', 5);
    const stored: StoredTask = {
      id: ports.ids.next('task'),
      prompt: order.prompt,
      server_id: order.server_id,
      status: 'queued',
      created_at: new Date(clock.now()),
      started_at: null,
      completed_at: null,
      execution_time: null,
      owner: ports.instanceId,
      detail: { ...newDetail, usage: { ...newDetail.usage } },
    };
    await taskStore.insert(stored);
    const journal = createJournal(stored.id, { store: taskStore, clock, logger, signal: ended.signal });
    const task = beginTask({ stored, order, requestId: caller.requestId, journal, slots, ports });
    live.set(stored.id, task);
    void task.over.then(async () => {
      await journal.flush();
      live.delete(stored.id);
    });
    if (isLeaving()) task.interrupt();
    if (order.cancel_on_disconnect) cancelWhenAborted(task, caller.signal);
    return task;
  };

  const find = async (taskId: string): Promise<StoredTask> => {
    const stored = live.get(taskId)?.stored() ?? (await taskStore.find(taskId));
    if (!stored) throw taskNotFound(taskId);
    return stored;
  };

  const show = async (stored: StoredTask): Promise<Task> => {
    const results = await taskStore.eventsOfType(stored.id, 'tool_result');
    return shownTask(stored, results.map(stepResultOf));
  };

  async function* replay(
    taskId: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<NumberedTaskEvent> {
    let position = after;
    while (!signal.aborted) {
      const stored = await taskStore.find(taskId);
      const events = await taskStore.events(taskId, { after: position, limit: eventsAtOnce });
      for (const next of events) {
        position = next.number;
        yield next;
        if (isLast(next.event)) return;
      }
      if (events.length > 0) continue;
      if (!stored || !isUnderWay(stored.status)) return;
      await clock.sleep(pollMs, signal).catch(() => undefined);
    }
  }

  const tasks: Tasks = {
    begin: async (order, caller) => {
      const task = await begin(order, caller);
      return shownTask(task.stored(), []);
    },

    async orchestrate(order, caller) {
      const task = await begin(order, caller);
      const failure = await task.over;
      // Stored before it is told: who looks at the task next shall find what we said.
      await task.flush();
      if (failure) throw failure;
      return shownTask(task.stored(), task.results());
    },

    list: (query) => taskStore.list(query),

    get: async (taskId) => show(await find(taskId)),

    async follow(taskId, { after, signal }) {
      const task = live.get(taskId);
      if (task) return task.read(after, signal);
      const stored = await find(taskId);
      if (isUnderWay(stored.status)) return replay(taskId, after, signal);
      const [next] = await taskStore.events(taskId, { after, limit: 1 });
      return next ? replay(taskId, after, signal) : null;
    },

    async cancel(taskId) {
      const task = live.get(taskId);
      if (task) {
        task.cancel();
        await task.over;
        await task.flush();
        return show(task.stored());
      }
      const stored = await find(taskId);
      if (stored.status !== 'awaiting_approval')
        throw conflict(
          isUnderWay(stored.status)
            ? `Task "${taskId}" is carried out by another process: cancel it there.`
            : `Task "${taskId}" is over: it is ${stored.status}.`,
          { task_id: taskId, status: stored.status },
        );
      const changes = { status: 'cancelled' as const, completed_at: new Date(clock.now()) };
      await taskStore.save(taskId, { task: changes });
      return show({ ...stored, ...changes });
    },

    async remove(taskId) {
      const { status } = await find(taskId);
      if (live.has(taskId) || isUnderWay(status))
        throw conflict(
          `Task "${taskId}" is under way. Cancel it first with POST /api/tasks/${taskId}/cancel.`,
          {
            task_id: taskId,
          },
        );
      if (!(await taskStore.delete(taskId))) throw taskNotFound(taskId);
      return { status: 'deleted', task_id: taskId, deleted_at: new Date(clock.now()) };
    },
  };

  const runner: TaskRunner = {
    async restore() {
      for (const { task, lastNumber } of await taskStore.underWay(ports.instanceId)) {
        // The doors are open already: what was begun since is ours.
        if (live.has(task.id) || task.created_at.getTime() >= bornAt) continue;
        const { error, event } = interruption(clock.now());
        await taskStore.save(task.id, {
          events: [{ number: lastNumber + 1, event }],
          task: {
            status: 'interrupted',
            completed_at: new Date(clock.now()),
            detail: { ...task.detail, error },
          },
        });
      }
    },

    async leave() {
      leaving.abort();
      const underWay = [...live.values()];
      for (const task of underWay) task.interrupt();
      const stored = Promise.all(underWay.map(({ over, flush }) => over.then(flush)));
      const scope = new AbortController();
      await Promise.race([stored, clock.sleep(storePatienceMs, scope.signal).catch(() => undefined)]);
      scope.abort();
      ended.abort();
    },

    async forget(olderThanMs) {
      const before = new Date(clock.now() - olderThanMs);
      while ((await taskStore.deleteCreatedBefore(before)) > 0) ended.signal.throwIfAborted();
    },
  };
  return { tasks, runner };
}

function cancelWhenAborted(task: LiveTask, signal: AbortSignal): void {
  const cancel = (): void => task.cancel();
  if (signal.aborted) return cancel();
  signal.addEventListener('abort', cancel);
  void task.over.then(() => signal.removeEventListener('abort', cancel));
}

function interruption(nowMs: number) {
  const { code, message } = interrupted();
  const error = { code, message, details: null };
  const timestamp = new Date(nowMs).toISOString();
  return { error, event: { type: 'error' as const, error: { ...error, timestamp, request_id: '' } } };
}
