// From a deploy request to a plan that can be started here: the server looked up, its recipe chosen, its port found.
import { deploymentUnavailable, invalidConfiguration, serverNotFound } from '../errors.ts';
import type { Ids } from '../platform/ids.ts';
import type { Discovery } from '../servers/discovery.ts';
import { launchMethods, type LaunchMethod } from '../servers/launch-recipe.ts';
import type { Server } from '../servers/server.ts';
import { runnableFirst, type DeployRequest } from './deploy-request.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { planLaunch } from './launch-planner.ts';
import type { LocalPorts } from './local-ports.ts';
import type { MountRoots } from './mount-roots.ts';
import type { Supervisor } from './supervisor.ts';

export interface PlanPorts {
  supervisor: Pick<Supervisor, 'runtime'>;
  discovery: Pick<Discovery, 'launchable'>;
  mountRoots: MountRoots;
  localPorts: LocalPorts;
  ids: Ids;
}

/**
 * What was discovered is verified on the way, if it is not yet.
 * @throws AppError SERVER_NOT_FOUND, INVALID_CONFIGURATION, SERVER_NOT_VERIFIED, DEPLOYMENT_FAILED (the method does not
 *   work here)
 */
export async function planned(
  request: Pick<DeployRequest, 'serverId' | 'method' | 'configuration' | 'allowUnverified' | 'allowKind'>,
  ports: PlanPorts,
): Promise<{ server: Server; plan: LaunchPlan }> {
  const { supervisor, discovery, mountRoots, localPorts, ids } = ports;
  const method = await availableMethod(request.method, supervisor);
  const server = await discovery.launchable(request.serverId, new AbortController().signal);
  if (!server) throw serverNotFound(request.serverId);
  const plan = await planLaunch(
    {
      deploymentId: ids.next('deploy'),
      server: runnableFirst(server, (recipe) => supervisor.runtime(recipe.method) !== null),
      method,
      configuration: request.configuration,
      allowUnverified: request.allowUnverified,
      allowKind: request.allowKind,
    },
    mountRoots,
  );
  await requireAvailable(plan.method, supervisor);
  return { server, plan: await withPort(plan, localPorts) };
}

const isLaunchMethod = (method: string): method is LaunchMethod =>
  launchMethods.some((known) => known === method);

async function availableMethod(
  method: DeployRequest['method'],
  supervisor: PlanPorts['supervisor'],
): Promise<LaunchMethod | null> {
  if (method === null) return null;
  if (!isLaunchMethod(method))
    throw deploymentUnavailable(`Deploying by ${method} is not set up here.`, { method });
  await requireAvailable(method, supervisor);
  return method;
}

async function requireAvailable(method: LaunchMethod, supervisor: PlanPorts['supervisor']): Promise<void> {
  const availability = await supervisor.runtime(method)?.available();
  if (!availability?.ok)
    throw deploymentUnavailable(
      `Deploying by ${method} does not work here: ${availability?.reason ?? 'it is not set up'}.`,
      { method },
    );
}

/** An HTTP server needs a port: the one asked for, its own, or a free one. It is told by the custom variable PORT. */
async function withPort(plan: LaunchPlan, localPorts: LocalPorts): Promise<LaunchPlan> {
  if (plan.transport === 'stdio' || plan.method === 'remote') return plan;
  const port = plan.port ?? (await localPorts.free());
  if (!(await localPorts.isFree(port)))
    throw invalidConfiguration(`Port ${port} is in use on this machine.`, { server_id: plan.serverId, port });
  return { ...plan, port, environment: { PORT: String(port), ...plan.environment } };
}
