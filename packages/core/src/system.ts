// What the service says of itself: alive, ready, and what it can do now.
import { z } from 'zod';
import type { Clock } from './platform/clock.ts';
import { deployMethods, type DeployMethod } from './servers/launch-recipe.ts';
import { serviceUnavailable } from './errors.ts';
import type { EventLog } from './telemetry/event-log.ts';

/** Of the API, as the specification counts it; not of any package. */
export const apiVersion = '1.0.0';

export const health = z.object({
  status: z.enum(['healthy', 'degraded']).describe('degraded: it answers, but something of it does not work'),
  version: z.string(),
  timestamp: z.date(),
  problems: z.array(z.string()).describe('what does not work, in words'),
});

export const info = z.object({
  name: z.literal('InsightLoop MCP Orchestrator'),
  version: z.string(),
  capabilities: z.object({
    discovery: z.boolean(),
    deployment: z.array(z.enum(deployMethods)).describe('the methods that work now'),
    orchestration: z.boolean(),
    streaming: z.boolean().describe('whether events are told now'),
    deployment_details: z
      .array(
        z.object({ method: z.enum(deployMethods), available: z.boolean(), reason: z.string().nullable() }),
      )
      .describe('for each method whether it works now and, where not, why'),
  }),
});
export type Info = z.infer<typeof info>;

export interface MethodAvailability {
  available: boolean;
  /** In words for the caller: why it is not, or what is worth knowing. */
  reason: string | null;
}

/** Port: what this process can do at this moment. */
export interface Abilities {
  discovery: boolean;
  orchestration: boolean;
  deployment(method: DeployMethod): Promise<MethodAvailability>;
}

/** Port: one thing that must answer before we take work, such as the database. */
export interface ReadinessCheck {
  name: string;
  /** Rejects where it does not answer. */
  check(): Promise<void>;
}

export interface SystemPorts {
  clock: Clock;
  eventLog: Pick<EventLog, 'problem'>;
  abilities: Abilities;
  readiness: readonly ReadinessCheck[];
  /** True from the moment we are told to end: no new work is taken. */
  draining: () => boolean;
}

export interface System {
  health(): z.infer<typeof health>;
  info(): Promise<Info>;
  /** @throws AppError SERVICE_UNAVAILABLE naming what does not answer, or while we are ending */
  ready(): Promise<{ status: 'ready' }>;
}

export function createSystem({ clock, eventLog, abilities, readiness, draining }: SystemPorts): System {
  return {
    health() {
      const problem = eventLog.problem();
      return {
        status: problem === null ? 'healthy' : 'degraded',
        version: apiVersion,
        timestamp: new Date(clock.now()),
        problems: problem === null ? [] : [problem],
      };
    },

    async info() {
      const details = await Promise.all(
        deployMethods.map(async (method) => ({ method, ...(await abilities.deployment(method)) })),
      );
      return {
        name: 'InsightLoop MCP Orchestrator',
        version: apiVersion,
        capabilities: {
          discovery: abilities.discovery,
          deployment: details.filter((entry) => entry.available).map((entry) => entry.method),
          orchestration: abilities.orchestration,
          streaming: eventLog.problem() === null,
          deployment_details: details,
        },
      };
    },

    async ready() {
      if (draining()) throw serviceUnavailable('This process is ending and takes no new work.', 5);
      for (const { name, check } of readiness) {
        await check().catch((cause: unknown) => {
          throw serviceUnavailable(`The ${name} does not answer.`, 5, cause);
        });
      }
      return { status: 'ready' };
    },
  };
}
