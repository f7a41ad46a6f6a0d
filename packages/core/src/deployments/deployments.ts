// What can be done with deployments: make, stop, restart, list, look into.
import { deploymentNotFound, serverAlreadyDeployed, serverNotFound, serverNotRunning } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { Discovery } from '../servers/discovery.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { Capacity } from './capacity.ts';
import { newRecord, type DeployRequest } from './deploy-request.ts';
import type { DeploymentQuery, DeploymentStore } from './deployment-store.ts';
import { shownDeployment, type Capabilities, type Deployment } from './deployment.ts';
import type { Launcher } from './launcher.ts';
import type { LocalPorts } from './local-ports.ts';
import type { MountRoots } from './mount-roots.ts';
import { planned } from './planned-launch.ts';
import { isLive } from './status.ts';
import type { Supervised } from './supervised.ts';
import type { Supervisor } from './supervisor.ts';

export interface DeploymentsPorts {
  supervisor: Supervisor;
  launcher: Launcher;
  serverStore: ServerStore;
  deploymentStore: DeploymentStore;
  secretBox: SecretBox;
  mountRoots: MountRoots;
  localPorts: LocalPorts;
  clock: Clock;
  ids: Ids;
  discovery: Pick<Discovery, 'launchable'>;
  capacity: Capacity;
  /** Base of the URLs that we hand out. */
  publicUrl: () => string;
}

export interface Deployments {
  /**
   * Deploys a server and resolves when it serves (or, asynchronously, when it is stored).
   * @throws AppError SERVER_NOT_FOUND, SERVER_ALREADY_DEPLOYED, SERVER_NOT_VERIFIED, INVALID_CONFIGURATION, CONFLICT (too
   *   many deployments), DEPLOYMENT_FAILED with the last output lines
   */
  create(request: DeployRequest): Promise<Deployment>;
  /** @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING */
  stop(serverId: string): Promise<{ status: 'stopped'; server_id: string; stopped_at: Date }>;
  /**
   * Ends the workload and starts it anew; a deployment that was stopped or has failed begins again as it was.
   * @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING where the server was never deployed
   */
  restart(serverId: string): Promise<Deployment>;
  list(query: DeploymentQuery): Promise<{ deployments: Deployment[]; total: number }>;
  /** @throws AppError DEPLOYMENT_NOT_FOUND */
  get(deploymentId: string): Promise<Deployment>;
  /** @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING */
  setCapabilities(serverId: string, capabilities: Capabilities): Promise<Date>;
}

export function createDeployments(ports: DeploymentsPorts): Deployments {
  const { supervisor, launcher, serverStore, deploymentStore, clock } = ports;
  /** Servers whose deploy is on its way to the supervisor: two at once must not both get there. */
  const creating = new Set<string>();

  const liveOf = async (serverId: string): Promise<Supervised> => {
    const supervised = supervisor.find(serverId);
    if (supervised && isLive(supervised.life.status)) return supervised;
    throw await noDeployment(serverId);
  };

  const noDeployment = async (serverId: string): Promise<Error> =>
    (await serverStore.find(serverId)) ? serverNotRunning(serverId) : serverNotFound(serverId);

  /** One way to the supervisor at a time for each server, and not more of them than may live. */
  const alone = async (serverId: string, work: () => Promise<Supervised>): Promise<Supervised> => {
    const existing = supervisor.find(serverId);
    if (existing || creating.has(serverId))
      throw serverAlreadyDeployed(serverId, existing?.record.id ?? null);
    const leave = ports.capacity.reserve();
    creating.add(serverId);
    return work().finally(() => {
      creating.delete(serverId);
      leave();
    });
  };

  const current = (supervised: Supervised): Deployment => shownDeployment(supervised.record);

  const begin = async (request: DeployRequest): Promise<Supervised> => {
    const { configuration } = request;
    const { server, plan } = await planned(request, ports);
    const record = newRecord({
      server,
      plan,
      configuration,
      sealedPlan: ports.secretBox.seal(JSON.stringify(plan), plan.deploymentId),
      baseUrl: ports.publicUrl(),
      now: new Date(clock.now()),
    });
    return launcher.begin(record, plan);
  };

  return {
    async create(request) {
      const { serverId } = request;
      await launcher.restored();
      if (!(await serverStore.find(serverId))) throw serverNotFound(serverId);
      const supervised = await alone(serverId, () => begin(request));
      // Stored before it is told, also where it failed: who reads the record next shall find what we said.
      if (!request.isAsync) await supervised.life.served.finally(() => supervised.flush());
      return current(supervised);
    },

    async stop(serverId) {
      await launcher.restored();
      const supervised = await liveOf(serverId);
      // The wish is stored before it is acted on: if we die in between, nothing comes back to life.
      await deploymentStore.update(supervised.record.id, { desired: 'stopped' });
      await supervised.life.stop();
      await supervised.flush();
      return {
        status: 'stopped',
        server_id: serverId,
        stopped_at: supervised.record.stopped_at ?? new Date(clock.now()),
      };
    },

    async restart(serverId) {
      await launcher.restored();
      const live = supervisor.find(serverId);
      if (live?.life.restart()) return current(live);
      // One that is being stopped begins again once it has ended: what was asked for last counts.
      await supervisor.settled(serverId);
      const last = await deploymentStore.findByServer(serverId);
      if (!last) throw await noDeployment(serverId);
      return current(await alone(serverId, () => launcher.revive(last)));
    },

    async list(query) {
      const { deployments, total } = await deploymentStore.list(query);
      // What is stored follows a moment behind what lives.
      const live = new Map(supervisor.live().map(({ record }) => [record.id, record]));
      return {
        deployments: deployments.map((stored) => shownDeployment(live.get(stored.id) ?? stored)),
        total,
      };
    },

    async get(deploymentId) {
      const live = supervisor.live().find(({ record }) => record.id === deploymentId);
      if (live) return current(live);
      const stored = await deploymentStore.find(deploymentId);
      if (!stored) throw deploymentNotFound({ deployment_id: deploymentId });
      return shownDeployment(stored);
    },

    async setCapabilities(serverId, capabilities) {
      const supervised = await liveOf(serverId);
      supervised.setCapabilities(capabilities);
      return new Date(clock.now());
    },
  };
}
