// Port: one way of running MCP servers (processes, containers, cloud sandboxes).
import type { McpEndpoint } from '../mcp/connector.ts';
import { z } from 'zod';
import { launchMethods, type LaunchMethod } from '../servers/launch-recipe.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { Enforced, ExitReason, IsolationLevel } from './sandbox.ts';

export type Availability = { ok: true; detail?: string } | { ok: false; reason: string };

export interface PrepareProgress {
  phase: 'resolve' | 'install' | 'pull' | 'build';
  message: string;
  /** 0..1 where it is known. */
  fraction?: number;
}

/** What `prepare` has made sure of: restarting from it never takes a newer version. */
export interface Prepared {
  plan: LaunchPlan;
  resolvedVersion: string | null;
  /** npm integrity, image digest, … */
  digest: string | null;
  /** The runtime's own notes, such as the folder of the installation. Stored as JSON. */
  artifact: Record<string, string>;
}

/** Finds the workload again after a restart of ours. Stored as JSON; only its runtime reads `handle`. */
export const workloadRecord = z.object({
  method: z.enum(launchMethods),
  deploymentId: z.string(),
  instanceId: z.string(),
  handle: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});
export type WorkloadRecord = z.infer<typeof workloadRecord>;

export interface WorkloadStats {
  memoryBytes: number;
  memoryLimitBytes: number | null;
  cpuSeconds: number;
  cpuLimit: number | null;
}

/** A line that a server wrote, before it is numbered and stored. */
export interface OutputLine {
  timestamp: Date;
  stream: 'stdout' | 'stderr';
  text: string;
}

export interface Workload {
  readonly record: WorkloadRecord;
  readonly endpoint: McpEndpoint;
  readonly isolation: IsolationLevel | 'container' | 'remote';
  readonly enforced: Enforced | null;
  readonly containerId: string | null;
  /** One reader; ends when the workload does and everything it wrote was read. */
  logs(): AsyncIterable<OutputLine>;
  stats(): Promise<WorkloadStats | null>;
  /** Ends the whole tree, gently first. Idempotent; resolves when nothing of it is left. */
  stop(graceMs: number): Promise<void>;
  /** Resolves, never rejects, when the workload is over. */
  readonly exited: Promise<ExitReason>;
}

export interface Runtime {
  readonly method: LaunchMethod;
  available(): Promise<Availability>;
  /**
   * Installs, pulls or builds: idempotent, cached, one at a time for the same thing.
   * @throws AppError DEPLOYMENT_FAILED with the last output lines in `details.output`
   */
  prepare(
    plan: LaunchPlan,
    options: { signal: AbortSignal; onProgress: (progress: PrepareProgress) => void },
  ): Promise<Prepared>;
  /** @throws AppError DEPLOYMENT_FAILED */
  start(prepared: Prepared, signal: AbortSignal): Promise<Workload>;
  /** Takes up a workload that outlived us; null where that cannot be (a process lost its pipes with us). */
  adopt(record: WorkloadRecord): Promise<Workload | null>;
  /** Everything on this machine that carries our instance id. */
  owned(): Promise<WorkloadRecord[]>;
  /** Ends something of `owned()` that nobody wants any more. */
  sweep(record: WorkloadRecord): Promise<void>;
}
