// Looking at running deployments: the list, their logs, their figures.
import { z } from 'zod';
import { invalidRequest, serverNotFound, serverNotRunning, type AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { LogArchive } from '../telemetry/log-archive.ts';
import {
  cpuFiguresOf,
  cpuText,
  memoryFiguresOf,
  memoryText,
  type ServerMetrics,
} from '../telemetry/metrics.ts';
import { logLine, type LogLine } from '../telemetry/log-line.ts';
import type { RingReading } from '../telemetry/ring.ts';
import { capabilities, failure, protocols, type StoredDeployment } from './deployment.ts';
import type { DeploymentStore } from './deployment-store.ts';
import { deploymentStatus, isServing } from './status.ts';
import type { Supervised } from './supervised.ts';
import type { Supervisor } from './supervisor.ts';

export const runningServer = z.object({
  id: z.string().describe('of the server'),
  name: z.string(),
  status: deploymentStatus,
  endpoint: z.string().nullable(),
  protocol: z.enum(protocols),
  container_id: z.string().nullable(),
  uptime: z.number().describe('seconds'),
  memory_usage: z.string().nullable().describe('MiB, such as "256MB"'),
  cpu_usage: z.string().nullable().describe('percent of one core, such as "25%"'),
  capabilities,
  deployment_id: z.string(),
  restarts: z.int(),
  last_failure: failure.nullable(),
  next_attempt_at: z.date().nullable(),
});
export type RunningServer = z.infer<typeof runningServer>;

export interface Observation {
  running(): Promise<RunningServer[]>;
  /** @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING */
  metrics(serverId: string): Promise<ServerMetrics>;
  /**
   * The last lines of the server's newest deployment, live or not.
   * @throws AppError SERVER_NOT_FOUND; SERVER_NOT_RUNNING where it was never deployed
   */
  logs(serverId: string, lines: number): Promise<LogLine[]>;
  /**
   * The lines of the server's live deployment, over its crashes, to the last one when it is over.
   * @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING; INVALID_REQUEST for a line that never was
   */
  followLogs(serverId: string, options: FollowOptions): Promise<FollowedLogs>;
}

export interface FollowOptions {
  /** Lines of the past to begin with. */
  lines: number;
  /** The last line that was seen; goes before `lines`. Without a deployment it is one of the live one. */
  after: { deploymentId: string | null; number: number } | null;
  signal: AbortSignal;
}

export interface FollowedLogs {
  deploymentId: string;
  /** The number behind which the lines begin. */
  after: number;
  /** The line that was seen last is of a deployment that is over: what followed it there is in no stream. */
  isOther: boolean;
  lines: AsyncIterable<FollowedLine>;
}

/** A line with its number, or how many were lost to a reader that was too slow. */
export type FollowedLine = RingReading<LogLine>;

/** As it is streamed. */
export const logEvent = z.discriminatedUnion('type', [
  logLine.extend({ type: z.literal('log') }),
  z.object({
    type: z.literal('gap'),
    missed: z
      .int()
      .nullable()
      .describe(
        'lines that are gone; null when they are of an earlier deployment, which may have written more',
      ),
  }),
  z
    .object({ type: z.literal('subscribed'), server_id: z.string(), deployment_id: z.string() })
    .describe('the first: the lines behind its id are told'),
  z
    .object({ type: z.literal('server_closing'), timestamp: z.date() })
    .describe('the last of a connection to a process that ends: come back, and go on behind the last id'),
]);

export type LogEvent = z.infer<typeof logEvent>;

export interface ObservationPorts {
  supervisor: Supervisor;
  serverStore: ServerStore;
  deploymentStore: DeploymentStore;
  logArchive: LogArchive;
  clock: Clock;
}

export function createObservation(ports: ObservationPorts): Observation {
  const { supervisor, serverStore, deploymentStore, logArchive, clock } = ports;

  const absent = async (serverId: string): Promise<AppError> =>
    (await serverStore.find(serverId)) ? serverNotRunning(serverId) : serverNotFound(serverId);

  const uptimeSeconds = ({ status, started_at }: StoredDeployment): number =>
    isServing(status) && started_at
      ? Math.max(0, Math.floor((clock.now() - started_at.getTime()) / 1000))
      : 0;

  const show = async (supervised: Supervised): Promise<RunningServer> => {
    const usage = await supervised.usage();
    const { record } = supervised;
    return {
      id: record.server_id,
      name: record.server_name,
      status: record.status,
      endpoint: record.endpoint,
      protocol: record.protocol,
      container_id: record.container_id,
      uptime: uptimeSeconds(record),
      memory_usage: usage && memoryText(usage.memoryBytes),
      cpu_usage: usage && cpuText(usage.cpus),
      capabilities: record.capabilities,
      deployment_id: record.id,
      restarts: record.restarts,
      last_failure: record.last_failure,
      next_attempt_at: record.next_attempt_at,
    };
  };

  return {
    running: () => Promise.all(supervisor.live().map(show)),

    async metrics(serverId) {
      const supervised = supervisor.find(serverId);
      if (!supervised || !isServing(supervised.life.status)) throw await absent(serverId);
      const usage = await supervised.usage();
      return {
        server_id: serverId,
        metrics: {
          ...supervised.calls.snapshot(),
          uptime_seconds: uptimeSeconds(supervised.record),
          memory: memoryFiguresOf(usage?.memoryBytes ?? null, usage?.memoryLimitBytes ?? null),
          cpu: cpuFiguresOf(usage?.cpus ?? null, usage?.cpuLimit ?? null),
        },
      };
    },

    async logs(serverId, lines) {
      const supervised = supervisor.find(serverId);
      if (supervised) return supervised.logs.history(lines);
      const last = await deploymentStore.findByServer(serverId);
      if (!last) throw await absent(serverId);
      return logArchive.tail(last.id, lines);
    },

    async followLogs(serverId, { lines, after, signal }) {
      const supervised = supervisor.find(serverId);
      if (!supervised) throw await absent(serverId);
      const { logs, record } = supervised;
      const isOther = after !== null && after.deploymentId !== null && after.deploymentId !== record.id;
      if (after && !isOther && after.number > logs.last)
        throw invalidRequest('The last event id is none of ours; leave it out to begin with the last lines.');
      const oldest = logs.tail(isOther ? Infinity : lines)[0]?.number ?? logs.last + 1;
      const start = after && !isOther ? after.number : oldest - 1;
      return {
        deploymentId: record.id,
        after: start,
        isOther,
        lines: linesOf(supervised, start, signal),
      };
    },
  };
}

/** Live until the deployment is over, and then what a slow reader has not read yet. */
async function* linesOf(
  { logs, ended }: Supervised,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<FollowedLine> {
  let seen = after;
  const move = (line: FollowedLine): FollowedLine => {
    seen = 'gap' in line ? seen + line.gap : line.number;
    return line;
  };
  for await (const line of logs.follow({ after, signal: AbortSignal.any([signal, ended]) })) yield move(line);
  for (let line = logs.next(seen); line && !signal.aborted; line = logs.next(seen)) yield move(line);
}
