// A deployment: one server that we were asked to keep running, as it is stored and shown.
import { z } from 'zod';
import { launchMethods, type Transport } from '../servers/launch-recipe.ts';
import { workloadRecord } from './runtime.ts';
import { deploymentStatus } from './status.ts';

const failureReasons = [
  'install',
  'start',
  'handshake',
  'exit',
  'signal',
  'out_of_memory',
  'disk_full',
  'connection_lost',
  'unresponsive',
] as const;

/** Why a run ended that should not have. */
export const failure = z.object({
  reason: z.enum(failureReasons),
  message: z.string(),
  code: z.int().nullable(),
  signal: z.string().nullable(),
  output: z.array(z.string()).describe('the last lines that it wrote'),
  at: z.date(),
});
export type Failure = z.infer<typeof failure>;

export const capabilities = z.object({
  tools: z.array(z.string()),
  resources: z.array(z.string()),
  prompts: z.array(z.string()),
});
export type Capabilities = z.infer<typeof capabilities>;

export const noCapabilities: Capabilities = { tools: [], resources: [], prompts: [] };

/** What may be shown of a configuration: names of secrets, never values; arguments may contain secrets too. */
export const shownConfiguration = z.object({
  port: z.int().nullable(),
  memory_limit: z.string(),
  cpu_limit: z.string(),
  auto_restart: z.boolean(),
  environment_names: z.array(z.string()),
  input_names: z.array(z.string()),
  mounts: z.array(z.object({ source: z.string(), target: z.string(), read_only: z.boolean() })),
  security: z.object({ allow_scripts: z.boolean(), allow_unisolated: z.boolean() }),
});
export type ShownConfiguration = z.infer<typeof shownConfiguration>;

const enforced = z.object({
  memory: z.enum(['cgroup', 'watchdog']),
  cpu: z.boolean(),
  pids: z.boolean(),
  disk: z.boolean(),
});

export const protocols = ['stdio', 'http', 'sse'] as const;

export const deployment = z.object({
  id: z.string(),
  server_id: z.string(),
  server_name: z.string(),
  status: deploymentStatus,
  method: z.enum(launchMethods),
  container_id: z.string().nullable(),
  endpoint: z.string().nullable(),
  protocol: z.enum(protocols),
  started_at: z.date().nullable().describe('when it last began to serve'),
  stopped_at: z.date().nullable(),
  created_at: z.date(),
  configuration: shownConfiguration,
  identifier: z.string(),
  version: z.string().nullable().describe('what was resolved; restarts never take another'),
  digest: z.string().nullable(),
  isolation: z.enum(['user', 'none', 'container', 'remote']).nullable(),
  network: z.enum(['host', 'remote']).describe('host: the machine’s network is not isolated'),
  enforced: enforced.nullable().describe('how this machine holds each limit'),
  capabilities,
  restarts: z.int(),
  last_failure: failure.nullable(),
  next_attempt_at: z.date().nullable(),
});
export type Deployment = z.infer<typeof deployment>;

/** A deployment with what we need to run it again and never show. */
export const storedDeployment = deployment.extend({
  desired: z.enum(['running', 'stopped']),
  /** The launch plan with all its secrets, sealed by the secret box. */
  sealed_plan: z.string(),
  artifact: z.record(z.string(), z.string()).nullable(),
  workload: workloadRecord.nullable(),
});
export type StoredDeployment = z.infer<typeof storedDeployment>;

export const protocolOf = (transport: Transport): Deployment['protocol'] =>
  transport === 'streamable-http' ? 'http' : transport;

/** What a caller sees; taken field by field, so that nothing new slips out by itself. */
export const shownDeployment = ({
  desired: _desired,
  sealed_plan: _plan,
  artifact: _artifact,
  workload: _workload,
  ...shown
}: StoredDeployment): Deployment => shown;
