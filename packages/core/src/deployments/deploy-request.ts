// What a caller asks for with a deploy, and the record that it becomes.
import type { DeployMethod, LaunchRecipe } from '../servers/launch-recipe.ts';
import type { Server } from '../servers/server.ts';
import type { DeploymentConfiguration } from './configuration.ts';
import { noCapabilities, protocolOf, type ShownConfiguration, type StoredDeployment } from './deployment.ts';
import type { LaunchPlan } from './launch-plan.ts';

export interface DeployRequest {
  serverId: string;
  /** Null takes the best recipe that works here. */
  method: DeployMethod | null;
  configuration: DeploymentConfiguration;
  allowUnverified: boolean;
  allowKind: boolean;
  /** Answer as soon as it is stored, not when it serves. */
  isAsync: boolean;
}

/** The server with the recipes first that this build can run, so that a missing one is taken only where it is named. */
export function runnableFirst(server: Server, canRun: (recipe: LaunchRecipe) => boolean): Server {
  const runnable = server.launch.filter(canRun);
  return {
    ...server,
    launch: [...runnable, ...server.launch.filter((recipe) => !runnable.includes(recipe))],
  };
}

export interface NewRecordOptions {
  server: Server;
  plan: LaunchPlan;
  configuration: DeploymentConfiguration;
  sealedPlan: string;
  /** Base of the URLs that we hand out. */
  baseUrl: string;
  now: Date;
}

export function newRecord(options: NewRecordOptions): StoredDeployment {
  const { server, plan, configuration, sealedPlan, baseUrl, now } = options;
  return {
    id: plan.deploymentId,
    server_id: server.id,
    server_name: server.name,
    status: 'starting',
    desired: 'running',
    method: plan.method,
    container_id: null,
    endpoint: endpointOf(plan, baseUrl),
    protocol: protocolOf(plan.transport),
    started_at: null,
    stopped_at: null,
    created_at: now,
    configuration: shownConfigurationOf(configuration, plan),
    identifier: plan.identifier,
    version: plan.version,
    digest: null,
    isolation: null,
    network: plan.method === 'remote' ? 'remote' : 'host',
    enforced: null,
    capabilities: noCapabilities,
    restarts: 0,
    last_failure: null,
    next_attempt_at: null,
    sealed_plan: sealedPlan,
    artifact: null,
    workload: null,
  };
}

/** Where an MCP client connects: HTTP servers are their own endpoint, stdio servers have our bridge. */
function endpointOf(plan: LaunchPlan, baseUrl: string): string {
  if (plan.method === 'remote') return plan.identifier;
  if (plan.transport === 'stdio') return `${baseUrl}/servers/${plan.serverId}/mcp`;
  const path = plan.path ?? (plan.transport === 'sse' ? '/sse' : '/mcp');
  return `http://localhost:${plan.port ?? 0}${path}`;
}

function shownConfigurationOf(configuration: DeploymentConfiguration, plan: LaunchPlan): ShownConfiguration {
  return {
    port: configuration.port ?? plan.port,
    memory_limit: configuration.memory_limit ?? '512m',
    cpu_limit: configuration.cpu_limit ?? '1',
    auto_restart: configuration.auto_restart ?? true,
    environment_names: Object.keys(plan.environment),
    input_names: Object.keys(configuration.inputs ?? {}),
    mounts: plan.mounts.map(({ source, target, readOnly }) => ({ source, target, read_only: readOnly })),
    security: { allow_scripts: plan.allowScripts, allow_unisolated: plan.allowUnisolated },
  };
}
