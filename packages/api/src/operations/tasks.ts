// Operations on tasks: have one carried out, watch it, list, look at, cancel, delete.
import {
  invalidRequest,
  storableText,
  task,
  taskOrder,
  taskStatus,
  taskSummary,
  type NumberedTaskEvent,
} from '@insightloop/core';
import { tracked } from '@trpc/server';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { nothingLeft } from '../nothing-left.ts';
import { once } from '../once.ts';

const tags: [string] = ['Tasks'];

/** For callers that give no signal: server-side ones, which end a stream by leaving it. */
const never = new AbortController().signal;

const shown = task.meta({ id: 'Task' });

const taskById = z.strictObject({ task_id: storableText.min(1).max(200) });

const lastEventId = z
  .string()
  .max(300)
  .nullish()
  .describe('continue behind this event of the task that it names');

const failures = [
  'SERVER_NOT_FOUND',
  'SERVER_NOT_RUNNING',
  'TOOL_NOT_FOUND',
  'ORCHESTRATION_FAILED',
  'GEMINI_API_ERROR',
  'SERVICE_UNAVAILABLE',
  'TOOL_TIMEOUT',
] as const;

/** Ids name the task too: whoever comes back with one goes on with that task, instead of having another one begun. */
async function* numbered(taskId: string, after: number, events: AsyncIterable<NumberedTaskEvent>) {
  let last = after;
  for await (const { number, event } of events) {
    last = number ?? last;
    yield tracked(`${taskId}:${last}`, event);
  }
}

export const tasks = {
  orchestrate: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/orchestrate',
        tags,
        summary: 'Have a task carried out: Gemini plans, tools run, the answer comes back',
        description:
          'A task that fails answers its error with `details.task_id` and is in the history. A caller who leaves does not cancel it, unless `cancel_on_disconnect`. With an Idempotency-Key it is done once.',
      },
      acceptedWith: 'async',
      limit: 'orchestration',
      errors: [...failures, 'CONFLICT'],
    })
    .input(
      taskOrder.extend({
        stream: z.boolean().default(false).describe('answer with Server-Sent Events instead'),
        async: z.boolean().default(false).describe('answer 202 as soon as it is begun'),
      }),
    )
    .output(shown)
    .mutation(({ ctx, input, signal }) =>
      once({ ctx, operation: 'tasks.orchestrate', input }, () => {
        const { stream: _, async: isAsync, ...order } = input;
        const caller = { requestId: ctx.requestId, signal: signal ?? never };
        return isAsync
          ? ctx.services.tasks.begin(order, caller)
          : ctx.services.tasks.orchestrate(order, caller);
      }),
    ),

  stream: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/orchestrate/stream',
        tags,
        summary: 'Have a task carried out, and watch it as Server-Sent Events',
        description:
          'With a Last-Event-ID of an earlier stream it goes on with the task of that stream; where nothing of it is left to tell, the answer is 204, with which an EventSource stops asking.',
      },
      insteadOf: { method: 'POST', path: '/api/orchestrate', parameter: 'stream' },
      limit: 'orchestration',
      stream: 'TaskEvent',
      errors: ['TASK_NOT_FOUND', 'SERVICE_UNAVAILABLE', 'CONFLICT'],
    })
    .input(
      taskOrder.extend({
        stream: z.literal(true).default(true),
        async: z.literal(false).default(false),
        lastEventId,
      }),
    )
    .subscription(async ({ ctx, input, signal = never }) => {
      const { lastEventId: position, stream: _, async: __, ...order } = input;
      const { tasks: service } = ctx.services;
      const begin = async () => (await service.begin(order, { requestId: ctx.requestId, signal })).task_id;
      const { taskId, after } = placeOf(position) ?? {
        taskId: await once({ ctx, operation: 'tasks.stream', input: order }, begin),
        after: 0,
      };
      const events = await service.follow(taskId, { after, signal });
      return events ? numbered(taskId, after, events) : nothingLeft;
    }),

  list: operation
    .meta({
      openapi: { method: 'GET', path: '/api/tasks', tags, summary: 'List tasks, newest first' },
      limit: 'logs',
    })
    .input(
      z.strictObject({
        limit: z.int().min(1).max(100).default(20),
        offset: z.int().min(0).max(1_000_000_000).default(0),
        cursor: storableText
          .min(1)
          .max(200)
          .optional()
          .describe(
            '`next_cursor` of the page before; cheaper than an offset, and new tasks do not move its pages',
          ),
        status: taskStatus.optional(),
        server_id: storableText.max(512).optional(),
      }),
    )
    .output(
      z.object({
        tasks: z.array(taskSummary.meta({ id: 'TaskSummary' })),
        total: z.int().describe('up to 2 s old'),
        limit: z.int(),
        offset: z.int(),
        next_cursor: z.string().nullable().describe('null on the last page'),
      }),
    )
    .query(async ({ ctx, input: { server_id: serverId, ...query } }) => {
      const { limit, offset } = query;
      // One more than is shown tells whether there is another page.
      const page = await ctx.services.tasks.list({ ...query, limit: limit + 1, serverId });
      const shownTasks = page.tasks.slice(0, limit);
      const next = page.tasks.length > limit ? (shownTasks.at(-1)?.id ?? null) : null;
      return { tasks: shownTasks, total: page.total, limit, offset, next_cursor: next };
    }),

  get: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/tasks/{task_id}',
        tags,
        summary: 'Look at one task: its plan, its results so far, its answer',
      },
      limit: 'logs',
      errors: ['TASK_NOT_FOUND'],
    })
    .input(taskById)
    .output(z.object({ task: shown }))
    .query(async ({ ctx, input }) => ({ task: await ctx.services.tasks.get(input.task_id) })),

  follow: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/tasks/{task_id}/stream',
        tags,
        summary: 'Watch one task as Server-Sent Events: what was told of it, then what is told',
      },
      limit: 'logs',
      stream: 'TaskEvent',
      errors: ['TASK_NOT_FOUND'],
    })
    .input(taskById.extend({ lastEventId: lastEventId.describe('continue behind this event') }))
    .subscription(async ({ ctx, input, signal = never }) => {
      const { task_id: taskId } = input;
      const place = placeOf(input.lastEventId, taskId);
      const after = place?.after ?? 0;
      const events = await ctx.services.tasks.follow(taskId, { after, signal });
      return events ? numbered(taskId, after, events) : nothingLeft;
    }),

  cancel: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/tasks/{task_id}/cancel',
        tags,
        summary: 'Cancel a task that is under way or waits for approval',
      },
      limit: 'unlimited',
      errors: ['TASK_NOT_FOUND', 'CONFLICT'],
    })
    .input(taskById)
    .output(z.object({ task: shown }))
    .mutation(async ({ ctx, input }) => ({ task: await ctx.services.tasks.cancel(input.task_id) })),

  remove: operation
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/tasks/{task_id}',
        tags,
        summary: 'Delete a task that is over, with everything that was told of it',
      },
      limit: 'logs',
      errors: ['TASK_NOT_FOUND', 'CONFLICT'],
    })
    .input(taskById)
    .output(z.object({ status: z.literal('deleted'), task_id: z.string(), deleted_at: z.date() }))
    .mutation(({ ctx, input }) => ctx.services.tasks.remove(input.task_id)),
};

/**
 * Where an event stands, by its id: null where there is none.
 * @throws AppError INVALID_REQUEST for what is no id of ours, or one of another task
 */
function placeOf(
  eventId: string | null | undefined,
  ofTask?: string,
): { taskId: string; after: number } | null {
  if (eventId === null || eventId === undefined || eventId === '') return null;
  const match = /^(?:(task-[a-z0-9-]{1,100}):)?(\d{1,9})$/.exec(eventId);
  const taskId = match?.[1] ?? ofTask;
  if (!match || taskId === undefined || (ofTask !== undefined && taskId !== ofTask))
    throw invalidRequest('The last event id is none of this task; leave it out to begin at its beginning.');
  return { taskId, after: Number(match[2]) };
}
