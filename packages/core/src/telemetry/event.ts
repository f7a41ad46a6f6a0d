// Events: everything that people can watch happen, as one union by `type`.
import { z } from 'zod';

export const channels = ['deployments', 'orchestration', 'logs', 'metrics', 'servers'] as const;
export const channel = z.enum(channels);
export type Channel = z.infer<typeof channel>;

const subject = { timestamp: z.date(), server_id: z.string() };

const serverRegistered = z.object({
  type: z.literal('server_registered'),
  channel: z.literal('servers'),
  ...subject,
  name: z.string(),
});

const serverRemoved = z.object({
  type: z.literal('server_removed'),
  channel: z.literal('servers'),
  ...subject,
});

const onDeployments = {
  channel: z.literal('deployments'),
  ...subject,
  deployment_id: z.string(),
};

const deploymentStatusChanged = z.object({
  type: z.literal('deployment_status'),
  ...onDeployments,
  status: z.string(),
  previous_status: z.string().nullable(),
  reason: z.string().nullable().describe('of the failure that led to it'),
  message: z.string().nullable(),
  next_attempt_at: z.date().nullable(),
});

const deploymentProgress = z.object({
  type: z.literal('deployment_progress'),
  ...onDeployments,
  phase: z.enum(['resolve', 'install', 'pull', 'build']),
  message: z.string(),
  fraction: z.number().nullable().describe('0 to 1; null where it is not known'),
});

const capabilitiesChanged = z.object({
  type: z.literal('capabilities_changed'),
  ...onDeployments,
  tools: z.array(z.string()),
  resources: z.array(z.string()),
  prompts: z.array(z.string()),
});

const onTasks = {
  channel: z.literal('orchestration'),
  ...subject,
  task_id: z.string(),
};

const taskStatusChanged = z.object({
  type: z.literal('task_status'),
  ...onTasks,
  status: z.string(),
  previous_status: z.string().nullable(),
});

/** Without arguments and results: they stand in the task's own stream. */
const taskStep = z.object({
  type: z.literal('task_step'),
  ...onTasks,
  step: z.int(),
  tool: z.string(),
  state: z.enum(['executing', 'succeeded', 'failed']),
});

/** What services append to the log. */
export const appEvent = z.discriminatedUnion('type', [
  serverRegistered,
  serverRemoved,
  deploymentStatusChanged,
  deploymentProgress,
  capabilitiesChanged,
  taskStatusChanged,
  taskStep,
]);
export type AppEvent = z.infer<typeof appEvent>;

/** Said to one reader whose position the log no longer holds: it was too slow or away for too long. */
const gapEvent = z.object({
  type: z.literal('gap'),
  channel,
  timestamp: z.date(),
  missed: z
    .int()
    .nullable()
    .describe('how many events are gone; null when they were numbered before a restart'),
});

/** What a reader of the log receives. */
export const streamEvent = z.discriminatedUnion('type', [...appEvent.options, gapEvent]);
export type StreamEvent = z.infer<typeof streamEvent>;
