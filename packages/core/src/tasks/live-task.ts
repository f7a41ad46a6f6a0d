// A task while it lives: its place in the queue, its run, its end, and who is told of what.
import {
  AppError,
  geminiApiError,
  internalError,
  orchestrationFailed,
  serviceUnavailable,
  toolTimeout,
} from '../errors.ts';
import type { Slots } from '../platform/slots.ts';
import type { Journal } from './journal.ts';
import { createAsking } from './model-asking.ts';
import { stepResultOf, type NumberedTaskEvent, type TaskEvent } from './task-event.ts';
import { runTask, type TaskRun } from './task-run.ts';
import type { StepResult, StoredTask, TaskOrder, TaskStatus } from './task.ts';
import type { TasksPorts } from './tasks.ts';

export interface LiveTask {
  /** As it is now; what is stored follows a moment later. */
  stored(): StoredTask;
  results(): StepResult[];
  read(after: number, signal: AbortSignal): AsyncGenerator<NumberedTaskEvent>;
  cancel(): void;
  /** This process ends. */
  interrupt(): void;
  /** Resolves, never rejects, when it is over: with the error to answer, or null where it did not fail. */
  readonly over: Promise<AppError | null>;
  flush(): Promise<void>;
}

export interface BeginOptions {
  stored: StoredTask;
  order: TaskOrder;
  requestId: string | null;
  journal: Journal;
  slots: Slots;
  ports: TasksPorts;
}

/** Why a task ends before it is done. */
class TaskEnd extends Error {
  readonly kind: 'cancelled' | 'interrupted' | 'timeout';

  constructor(kind: TaskEnd['kind']) {
    super(`the task is ended: ${kind}`);
    this.kind = kind;
  }
}

export function beginTask({
  stored: initial,
  order,
  requestId,
  journal,
  slots,
  ports,
}: BeginOptions): LiveTask {
  const { clock, eventLog, logger } = ports;
  let stored = initial;
  const { detail } = initial;
  const results: StepResult[] = [];
  const end = new AbortController();
  const { signal } = end;
  const waitsFor: TaskRun['waitsFor'] = { tools: new Map(), model: false };
  const asking = createAsking({
    model: ports.languageModel,
    clock,
    random: ports.random,
    maxTokens: order.max_tokens ?? null,
    signal,
  });

  const subject = () => ({
    channel: 'orchestration' as const,
    timestamp: new Date(clock.now()),
    server_id: order.server_id,
    task_id: initial.id,
  });

  const tellStatus = (status: TaskStatus, previous: TaskStatus | null): void =>
    eventLog.append({ type: 'task_status', ...subject(), status, previous_status: previous });

  const change = (changes: Partial<Omit<StoredTask, 'id'>>): Partial<Omit<StoredTask, 'id'>> => {
    const previous = stored.status;
    stored = { ...stored, ...changes };
    if (stored.status !== previous) tellStatus(stored.status, previous);
    return changes;
  };

  const snapshot = () => ({
    ...detail,
    usage: { ...asking.usage },
    model: asking.usage.model_calls > 0 ? ports.languageModel.model : null,
  });

  const tell = (event: TaskEvent): void => {
    if (event.type === 'tool_result') results.push(stepResultOf(event));
    if (event.type === 'executing_step')
      eventLog.append({ type: 'task_step', ...subject(), ...stepOf(event), state: 'executing' });
    if (event.type === 'tool_result')
      eventLog.append({
        type: 'task_step',
        ...subject(),
        ...stepOf(event),
        state: event.success ? 'succeeded' : 'failed',
      });
    if (event.type === 'connecting')
      journal.tell(event, change({ status: 'running', started_at: new Date(clock.now()) }));
    else if (event.type === 'plan_ready' || event.type === 'gemini_response')
      journal.tell(event, change({ detail: snapshot() }));
    else journal.tell(event);
  };

  const settle = (status: TaskStatus, error: AppError | null): void => {
    const now = clock.now();
    const { started_at: startedAt } = stored;
    detail.error = error && { code: error.code, message: error.message, details: error.details };
    const changes = change({
      status,
      completed_at: status === 'awaiting_approval' ? null : new Date(now),
      execution_time: startedAt && (now - startedAt.getTime()) / 1000,
      detail: snapshot(),
    });
    const last: TaskEvent = error
      ? {
          type: 'error',
          error: {
            code: error.code,
            message: error.message,
            details: error.details,
            timestamp: new Date(now).toISOString(),
            request_id: requestId ?? '',
          },
        }
      : { type: 'complete', task_id: initial.id, status };
    journal.tell(last, changes);
  };

  const run = async (): Promise<'completed' | 'awaiting_approval'> => {
    const timer = new AbortController();
    clock.sleep(order.timeout_ms, timer.signal).then(
      () => end.abort(new TaskEnd('timeout')),
      () => undefined,
    );
    try {
      const parts = { taskId: initial.id, order, asking, detail, tell, ports, signal, waitsFor };
      return await slots.use(() => runTask(parts), signal);
    } finally {
      timer.abort();
    }
  };

  /** What the task waits for is noted before it is taken down. */
  let awaited: { tool: string | null; model: boolean } = { tool: null, model: false };
  signal.addEventListener('abort', () => {
    const [tool = null] = waitsFor.tools.values();
    awaited = { tool, model: waitsFor.model };
  });

  const live = async (): Promise<AppError | null> => {
    try {
      settle(await run(), null);
      return null;
    } catch (thrown) {
      const reason: unknown = signal.reason;
      if (reason instanceof TaskEnd && reason.kind === 'cancelled') {
        settle('cancelled', null);
        return null;
      }
      const error = withTask(errorOf(thrown, reason), initial.id);
      if (error.code === 'INTERNAL_ERROR')
        logger.error({ task_id: initial.id, err: error.cause }, 'a task failed on our side');
      settle(reason instanceof TaskEnd && reason.kind === 'interrupted' ? 'interrupted' : 'failed', error);
      return error;
    }
  };

  const errorOf = (thrown: unknown, reason: unknown): AppError => {
    if (!(reason instanceof TaskEnd)) return thrown instanceof AppError ? thrown : internalError(thrown);
    if (reason.kind === 'interrupted') return interrupted();
    const { timeout_ms: timeoutMs, server_id: serverId } = order;
    if (awaited.tool !== null) return toolTimeout(serverId, awaited.tool, timeoutMs);
    const message = `The task was not done within ${timeoutMs} ms. Give more time with timeout_ms.`;
    const details = { reason: 'timeout', timeout_ms: timeoutMs };
    return awaited.model ? geminiApiError(message, details) : orchestrationFailed(message, details);
  };

  tellStatus(stored.status, null);
  const over = live();
  return {
    stored: () => stored,
    results: () => results,
    read: journal.read,
    cancel: () => end.abort(new TaskEnd('cancelled')),
    interrupt: () => end.abort(new TaskEnd('interrupted')),
    over,
    flush: journal.flush,
  };
}

/** What whoever waited for a task is told when this process ends before it. */
export const interrupted = (): AppError =>
  serviceUnavailable('The service ended while the task was carried out. Have it done again.', 5);

const stepOf = ({ step_index: step, tool }: { step_index: number; tool: string }) => ({ step, tool });

/** A failed task can be found by what its caller was told. */
const withTask = (error: AppError, taskId: string): AppError =>
  new AppError(error.code, error.message, {
    details: { ...error.details, task_id: taskId },
    cause: error.cause,
    retryAfterSeconds: error.retryAfterSeconds ?? undefined,
    infrastructure: error.infrastructure,
  });
