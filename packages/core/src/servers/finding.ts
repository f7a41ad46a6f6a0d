// What discovery knows of a server beside how it is launched: where it was found, what its files say, how a proof went.
import { z } from 'zod';
import { launchMethods, transports } from './launch-recipe.ts';

/** The outcome of a throw-away deployment that somebody asked for. */
export const verdict = z.object({
  status: z.enum(['passed', 'failed']),
  at: z.date(),
  method: z.enum(launchMethods),
  identifier: z.string(),
  version: z.string().nullable().describe('what was run'),
  digest: z.string().nullable(),
  install_seconds: z.number().nullable().describe('from the request until it was installed'),
  start_seconds: z.number().nullable().describe('from its start until it had listed what it offers'),
  memory_bytes: z.int().nullable().describe('in use when it had listed what it offers'),
  tools: z.int().nullable().describe('how many it listed'),
  failure: z
    .object({ reason: z.string(), message: z.string(), output: z.array(z.string()) })
    .nullable()
    .describe('why it failed, with the last lines that it wrote'),
});
export type Verdict = z.infer<typeof verdict>;

export const observedTool = z.object({
  name: z.string(),
  description: z.string().nullable(),
  input_schema: z.record(z.string(), z.unknown()),
});
export type ObservedTool = z.infer<typeof observedTool>;

/** What a running server listed. */
export const observed = z.object({
  at: z.date(),
  tools: z.array(observedTool),
  resources: z.array(z.string()),
  prompts: z.array(z.string()),
});
export type Observed = z.infer<typeof observed>;

const manualRecipe = z.object({
  via: z.string(),
  command: z.string(),
  args: z.array(z.string()),
  evidence: z.array(z.object({ from: z.string(), detail: z.string() })),
});

const subServer = z.object({ id: z.string(), name: z.string(), path: z.string() });

/** As it is stored, one for each server; `server_id` leads to its Server. */
export const finding = z.object({
  server_id: z.string(),
  /** `github.com/owner/name`; null where no repository is known. */
  repository_key: z.string().nullable(),
  /** The code host's own number: stays when a repository is renamed. Null while we know it from elsewhere only. */
  host_id: z.number().nullable(),
  /** Of a monorepo's sub-server; empty for the repository itself. */
  folder: z.string(),
  registry_name: z.string().nullable(),
  author: z.string().nullable(),
  github_url: z.string().nullable(),
  default_branch: z.string().nullable(),
  stars: z.int().nullable(),
  language: z.string().nullable(),
  topics: z.array(z.string()),
  archived: z.boolean(),
  fork: z.boolean(),
  pushed_at: z.date().nullable(),
  archived_note: z.string().nullable(),
  readme: z.string().nullable(),
  documented_tools: z.array(z.string()),
  observed: observed.nullable(),
  default_port: z.int().nullable(),
  transports: z.array(z.enum(transports)),
  manual: z.array(manualRecipe),
  blockers: z.array(z.string()),
  kind_evidence: z.array(z.object({ from: z.string(), detail: z.string() })),
  sub_servers: z.array(subServer),
  last_verdict: verdict.nullable(),
  discovered_at: z.date(),
  /** When the host or the registry was last heard of it. */
  seen_at: z.date(),
  /** How far its files were read: not at all, those whose names can be guessed, or all that say something. */
  depth: z.enum(['none', 'shallow', 'deep']),
  read_at: z.date().nullable(),
  /** When the registries of packages were last asked. */
  verified_at: z.date().nullable(),
});
export type Finding = z.infer<typeof finding>;

/** What is known of a server that nobody has looked for: one of the catalog, or registered by the operator. */
export const emptyFinding = (serverId: string, at: Date): Finding => ({
  server_id: serverId,
  repository_key: null,
  host_id: null,
  folder: '',
  registry_name: null,
  author: null,
  github_url: null,
  default_branch: null,
  stars: null,
  language: null,
  topics: [],
  archived: false,
  fork: false,
  pushed_at: null,
  archived_note: null,
  readme: null,
  documented_tools: [],
  observed: null,
  default_port: null,
  transports: [],
  manual: [],
  blockers: [],
  kind_evidence: [],
  sub_servers: [],
  last_verdict: null,
  discovered_at: at,
  seen_at: at,
  depth: 'none',
  read_at: null,
  verified_at: null,
});
