// What exactly is to be run: everything resolved and checked, nothing left to look up.
import { z } from 'zod';
import { launchMethods, transports } from '../servers/launch-recipe.ts';

/** A schema, because a plan comes back from the store, where it lies sealed. */
export const launchPlan = z.object({
  deploymentId: z.string(),
  serverId: z.string(),
  method: z.enum(launchMethods),
  /** npm name, PyPI name, OCI reference or https URL. */
  identifier: z.string(),
  /** Exact once resolved; null takes the newest at the first `prepare`. */
  version: z.string().nullable(),
  /** What the package or image of this version must be, as `Prepared` recorded it; null before the first `prepare`. */
  digest: z.string().nullable(),
  /** Which of the package's programs; null where it has one, or one of its own name. */
  bin: z.string().nullable(),
  args: z.array(z.string()),
  /** Reaches the server only, never an installer. Secret. */
  /** Values in the arguments that nobody shall read in a log. */
  secrets: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  transport: z.enum(transports),
  /** Where an HTTP server listens, or is told to; null over stdio. */
  port: z.int().nullable(),
  /** Where on that port MCP is spoken; null takes the transport's custom: /mcp, or /sse. */
  path: z.string().nullable(),
  limits: z.object({
    memoryBytes: z.number(),
    /** Cores, such as 0.5. */
    cpus: z.number(),
    pids: z.int(),
    diskBytes: z.number(),
  }),
  mounts: z.array(z.object({ source: z.string(), target: z.string(), readOnly: z.boolean() })),
  allowScripts: z.boolean(),
  allowUnisolated: z.boolean(),
});
export type LaunchPlan = z.infer<typeof launchPlan>;
