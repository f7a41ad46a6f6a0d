// A task: what somebody wanted done with the tools of one server, its plan, and what came of it.
import { z } from 'zod';
import type { JsonObject } from '../mcp/channel.ts';
import { storableText } from '../servers/storable-text.ts';

export const taskStatuses = [
  'queued',
  'running',
  'awaiting_approval',
  'completed',
  'failed',
  'cancelled',
  'interrupted',
] as const;
export const taskStatus = z.enum(taskStatuses);
export type TaskStatus = z.infer<typeof taskStatus>;

/** Something is being done for it, or is about to be. */
export const isUnderWay = (status: TaskStatus): boolean => status === 'queued' || status === 'running';

const planActions = ['invoke_tool', 'read_resource', 'get_prompt'] as const;
export const planAction = z.enum(planActions);
export type PlanAction = z.infer<typeof planAction>;

/** Typed by our own name for it: the SDK's declarations hold it, and must not name zod. */
const json: z.ZodType<JsonObject, JsonObject> = z.record(z.string(), z.json());

export const planStep = z.object({
  step: z.int().describe('counts from 1'),
  action: planAction,
  tool: z.string().describe('name of the tool or prompt, URI of the resource'),
  args: json.nullable().describe('null while they depend on results that are not there yet'),
  purpose: z.string().nullable(),
  depends_on: z.array(z.int()).describe('steps that must have succeeded before'),
  replaces: z.int().nullable().describe('the step that failed and is tried again by this one'),
});
export type PlanStep = z.infer<typeof planStep>;

const maxSteps = 100;
const longestPrompt = 100_000;

/** A step of a plan that a caller gives. A step of a recorded plan is one too. */
export const givenStep = z.strictObject({
  step: z.int().min(1).max(10_000).optional().describe('default: its place in the plan, from 1'),
  action: planAction.default('invoke_tool'),
  tool: z.string().min(1).max(4096),
  args: json
    .nullable()
    .default({})
    .describe('null leaves them to the model, from the results of `depends_on`'),
  purpose: z.string().max(10_000).nullish(),
  depends_on: z
    .array(z.int())
    .max(maxSteps)
    .optional()
    .describe('default: the step before it, so that steps without any run one after the other'),
  replaces: z.int().nullish(),
});
export type GivenStep = z.output<typeof givenStep>;

/** What a caller says to have a task done. */
export const taskOrder = z.strictObject({
  server_id: storableText.min(1).max(512),
  prompt: storableText
    .max(longestPrompt)
    .refine((text) => text.trim() !== '', 'must not be empty')
    .describe('the task, in words'),
  context: json.default({}).describe('what else the model should know'),
  plan: z.array(givenStep).min(1).max(maxSteps).optional().describe('run as it is, without asking a model'),
  plan_only: z.boolean().default(false).describe('stop after planning, with the status awaiting_approval'),
  max_steps: z.int().min(1).max(maxSteps).default(20).describe('steps that are carried out at most'),
  max_tokens: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(
      'tokens that the model may read and write for the whole task, looked at before each turn; without it no limit of ours',
    ),
  timeout_ms: z.int().min(1).max(3_600_000).default(300_000).describe('for the whole task'),
  cancel_on_disconnect: z.boolean().default(false).describe('cancel the task when the caller leaves'),
});
export type TaskOrder = z.output<typeof taskOrder>;

const content = z.array(z.record(z.string(), z.unknown()));
const structured = z.record(z.string(), z.unknown()).nullable();

export const stepError = z.object({ code: z.string(), message: z.string() });

export const stepResult = z.object({
  step: z.int(),
  tool: z.string(),
  success: z.boolean(),
  content,
  structured_content: structured,
  execution_time: z.number().describe('seconds'),
  error: stepError.nullable().describe('why the server gave no result; null where it gave one'),
});
export type StepResult = z.infer<typeof stepResult>;

const taskResults = z.object({
  execution_time: z.number().describe('seconds that the steps took, from the first to the last'),
  documentation: z.string().describe('the joined text of the successful results, 64 KiB at most'),
  steps: z.array(stepResult),
});

const taskFailure = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).nullable(),
});

export const taskUsage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  model_calls: z.int(),
});
export type TaskUsage = z.infer<typeof taskUsage>;

/** What a listing shows. */
export const taskSummary = z.object({
  id: z.string(),
  prompt: z.string(),
  server_id: z.string(),
  status: taskStatus,
  created_at: z.date(),
  started_at: z.date().nullable(),
  completed_at: z.date().nullable(),
  execution_time: z.number().nullable().describe('seconds from its start to its end'),
});
export type TaskSummary = z.infer<typeof taskSummary>;

/** What is kept of a task beside its summary and its events. */
export const taskDetail = z.object({
  plan: z.array(planStep),
  revision: z.int().describe('how often the plan was changed after it was made'),
  gemini_response: z.string().nullable(),
  error: taskFailure.nullable(),
  model: z.string().nullable().describe('null where none was asked'),
  usage: taskUsage,
  results_time: z.number().describe('seconds'),
});
export type TaskDetail = z.infer<typeof taskDetail>;

export const newDetail: TaskDetail = {
  plan: [],
  revision: 0,
  gemini_response: null,
  error: null,
  model: null,
  usage: { input_tokens: 0, output_tokens: 0, model_calls: 0 },
  results_time: 0,
};

/** A task as it is stored. */
export interface StoredTask extends TaskSummary {
  /** The instance of ours that carries it out. */
  owner: string;
  detail: TaskDetail;
}

/** The answer of `POST /api/orchestrate`, and of a look at one task. */
export const task = taskSummary.extend({
  task_id: z.string(),
  plan: z.array(planStep).describe('what was really done; before that, what is to be done'),
  revision: taskDetail.shape.revision,
  results: taskResults,
  gemini_response: z.string().nullable(),
  error: taskFailure.nullable(),
  model: taskDetail.shape.model,
  usage: taskUsage,
});
export type Task = z.infer<typeof task>;

/** @param results in the order in which they came; they are shown in the order of the plan */
export function shownTask(
  { owner: _owner, detail, ...summary }: StoredTask,
  results: readonly StepResult[],
): Task {
  const { results_time: time, ...shown } = detail;
  const steps = results.toSorted((a, b) => a.step - b.step);
  return {
    task_id: summary.id,
    ...summary,
    ...shown,
    results: { execution_time: time, documentation: documentationOf(steps), steps },
  };
}

const longestDocumentation = 64 * 1024;

function documentationOf(steps: readonly StepResult[]): string {
  let text = '';
  for (const { success, content: parts } of steps) {
    if (!success) continue;
    for (const part of parts) {
      const piece = textOf(part);
      if (piece !== '') text += (text === '' ? '' : '\n\n') + piece;
      if (text.length >= longestDocumentation) return cut(text, longestDocumentation);
    }
  }
  return cut(text, longestDocumentation);
}

/** The text of a piece of MCP content: plain, or of an embedded resource. */
export function textOf(part: Readonly<Record<string, unknown>>): string {
  const { text, resource } = part;
  if (typeof text === 'string') return text;
  if (typeof resource !== 'object' || resource === null || !('text' in resource)) return '';
  return typeof resource.text === 'string' ? resource.text : '';
}

/** So many bytes of UTF-8 at most, and no character in halves. */
export function cut(text: string, bytes: number): string {
  if (text.length * 3 <= bytes) return text;
  const room = new Uint8Array(bytes);
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}
