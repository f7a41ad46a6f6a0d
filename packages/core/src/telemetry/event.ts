// Events: everything that people can watch happen, as one union by `type`.
import { z } from 'zod';
import { logLevel, logLevels, type LogLevel } from './log-level.ts';
import { logLine } from './log-line.ts';
import { serverMetrics } from './metrics.ts';
import { taskEvents } from './task-event.ts';

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

const lineLogged = logLine.extend({ type: z.literal('log'), channel: z.literal('logs') });

const metricsSampled = z
  .object({
    type: z.literal('metrics'),
    channel: z.literal('metrics'),
    ...subject,
    deployment_id: z.string(),
    metrics: serverMetrics.shape.metrics,
  })
  .describe('of each running server, every 2 s while somebody watches the channel');

/** What services append to the log. */
export const appEvent = z.discriminatedUnion('type', [
  serverRegistered,
  serverRemoved,
  deploymentStatusChanged,
  deploymentProgress,
  capabilitiesChanged,
  ...taskEvents,
  lineLogged,
  metricsSampled,
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
    .describe(
      'how many events of the channel are gone, whatever the filter; null when they were numbered before a restart',
    ),
});
export type GapEvent = z.infer<typeof gapEvent>;

/** Where a reader stands, with nothing to tell: its id is worth as much as that of an event. */
const standing = { channels: z.array(channel), timestamp: z.date() };

const subscribedEvent = z
  .object({ type: z.literal('subscribed'), ...standing })
  .describe('the first: what happens from now on, or after the id that was given, is told');

const positionEvent = z
  .object({ type: z.literal('position'), ...standing })
  .describe('much has passed by that the filter leaves out: to go on behind this id saves it');

const serverClosing = z
  .object({ type: z.literal('server_closing'), timestamp: z.date() })
  .describe('the last of a connection to a process that ends: come back, and go on behind the last id');

/** What a reader receives. */
export const streamEvent = z.discriminatedUnion('type', [
  ...appEvent.options,
  gapEvent,
  subscribedEvent,
  positionEvent,
  serverClosing,
]);
export type StreamEvent = z.infer<typeof streamEvent>;

export const eventFilter = z.object({
  server_id: z.string().min(1).max(512).optional().describe('only of this server'),
  task_id: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('of tasks only this one; other events are told too'),
  level: logLevel
    .optional()
    .describe('of log lines only these and more serious ones; other events are told too'),
});
export type EventFilter = z.infer<typeof eventFilter>;

const seriousness = new Map<LogLevel, number>(logLevels.map((level, index) => [level, index]));

/** Whether a line is as serious as that, or more. */
export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  (seriousness.get(level) ?? 0) >= (seriousness.get(least) ?? 0);

/** A filter leaves out what differs in a field that it has; what has no such field is told. */
export function passes(event: AppEvent, { server_id, task_id, level }: EventFilter): boolean {
  if (server_id !== undefined && event.server_id !== server_id) return false;
  if (task_id !== undefined && 'task_id' in event && event.task_id !== task_id) return false;
  return level === undefined || event.type !== 'log' || isAtLeast(event.level, level);
}
