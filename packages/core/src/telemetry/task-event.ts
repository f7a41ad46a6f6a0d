// Events of the channel `orchestration`: what one task does, step by step, under the names of the task's own stream.
import { z } from 'zod';

const ofTask = {
  channel: z.literal('orchestration'),
  timestamp: z.date(),
  server_id: z.string(),
  task_id: z.string(),
};

/** Named here, or the declarations of the SDK would name zod. */
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
const json: z.ZodType<Json> = z.json();
const jsonObject: z.ZodType<Record<string, Json>> = z.record(z.string(), z.json());

export const taskEvents = [
  z.object({ type: z.literal('connecting'), ...ofTask, message: z.string() }),
  z.object({
    type: z.literal('capabilities'),
    ...ofTask,
    protocol: z.string().describe('stdio, http or sse'),
    tools_count: z.int(),
    tools: z.array(z.string()),
  }),
  z.object({ type: z.literal('planning'), ...ofTask, message: z.string() }),
  z.object({
    type: z.literal('plan_ready'),
    ...ofTask,
    plan: z.array(
      z.object({
        step: z.int().describe('counts from 1'),
        action: z.enum(['invoke_tool', 'read_resource', 'get_prompt']),
        tool: z.string(),
        args: jsonObject,
      }),
    ),
    steps_count: z.int(),
    revision: z.int().nullable().describe('counts revised plans from 1; null for the first plan'),
  }),
  z.object({
    type: z.literal('executing_step'),
    ...ofTask,
    step_index: z.int().describe('counts from 1'),
    total_steps: z.int(),
    action: z.enum(['invoke_tool', 'read_resource', 'get_prompt']),
    tool: z.string(),
  }),
  z.object({
    type: z.literal('tool_result'),
    ...ofTask,
    step_index: z.int(),
    tool: z.string(),
    success: z.boolean(),
    result: json,
  }),
  z.object({ type: z.literal('gemini_delta'), ...ofTask, delta: z.string() }),
  z.object({ type: z.literal('gemini_response'), ...ofTask, response: z.string() }),
  z.object({ type: z.literal('complete'), ...ofTask, status: z.string().describe('of the task') }),
  z.object({
    type: z.literal('task_failed'),
    ...ofTask,
    error: z
      .object({ code: z.string(), message: z.string(), details: jsonObject.nullable() })
      .describe('as the envelope of errors holds it'),
  }),
] as const;
