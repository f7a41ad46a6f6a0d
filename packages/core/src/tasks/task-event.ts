// What is told of one task while it is carried out, in the order and with the fields of the specification.
import { z } from 'zod';
import { planAction, planStep, stepError, stepResult, taskStatus } from './task.ts';

export const taskEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('connecting'), task_id: z.string(), message: z.string() }),
  z.object({
    type: z.literal('capabilities'),
    protocol: z.string().nullable(),
    tools_count: z.int(),
    tools: z.array(z.object({ name: z.string(), description: z.string().nullable() })),
    resources_count: z.int(),
    prompts_count: z.int(),
  }),
  z.object({ type: z.literal('planning'), message: z.string() }),
  z.object({
    type: z.literal('plan_ready'),
    plan: z.array(planStep),
    steps_count: z.int(),
    revision: z.int().describe('0 for the first plan'),
  }),
  z.object({
    type: z.literal('executing_step'),
    step_index: z.int().describe('counts from 1'),
    total_steps: z.int(),
    action: planAction,
    tool: z.string(),
    args: planStep.shape.args,
  }),
  z.object({
    type: z.literal('tool_result'),
    step_index: z.int(),
    tool: z.string(),
    success: z.boolean(),
    result: z
      .object({
        content: stepResult.shape.content,
        structured_content: stepResult.shape.structured_content,
        is_error: z.boolean(),
      })
      .nullable(),
    error: stepError.nullable(),
    execution_time: z.number().describe('seconds'),
  }),
  z.object({
    type: z.literal('gemini_delta'),
    text: z.string(),
    attempt: z.int().describe('a higher one begins the answer anew'),
  }),
  z.object({ type: z.literal('gemini_response'), response: z.string() }),
  z.object({ type: z.literal('complete'), task_id: z.string(), status: taskStatus }),
  z.object({
    type: z.literal('error'),
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()).nullable(),
      timestamp: z.string(),
      request_id: z.string(),
    }),
  }),
]);
export type TaskEvent = z.infer<typeof taskEvent>;

/** After it nothing more is told of the task. */
export const isLast = (event: TaskEvent): boolean => event.type === 'complete' || event.type === 'error';

/** Told while it happens and not kept: what follows says it whole. */
export const isPassing = (event: TaskEvent): boolean => event.type === 'gemini_delta';

export interface NumberedTaskEvent {
  /** Counts from 1 without a hole; null for what is not kept. */
  number: number | null;
  event: TaskEvent;
}

export const stepResultOf = (event: Extract<TaskEvent, { type: 'tool_result' }>) => ({
  step: event.step_index,
  tool: event.tool,
  success: event.success,
  content: event.result?.content ?? [],
  structured_content: event.result?.structured_content ?? null,
  execution_time: event.execution_time,
  error: event.error,
});
