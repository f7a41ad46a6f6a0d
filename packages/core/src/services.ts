// The product as the API sees it: one object of services, made from the ports.
import type { Channels } from './mcp/channels.ts';
import { createCapacity } from './deployments/capacity.ts';
import { createDeployments, type Deployments, type DeploymentsPorts } from './deployments/deployments.ts';
import { createLauncher, type LauncherPorts } from './deployments/launcher.ts';
import { tellMetrics } from './deployments/metric-samples.ts';
import { createObservedKeeper } from './deployments/observed-tools.ts';
import { createObservation, type Observation, type ObservationPorts } from './deployments/observation.ts';
import { createProofs, type Proofs, type ProofsPorts } from './deployments/proofs.ts';
import { createSupervisor, type SupervisorPorts } from './deployments/supervisor.ts';
import { createDiscovery, type Discovery, type DiscoveryPorts } from './servers/discovery.ts';
import { createServers, type Servers, type ServersPorts } from './servers/servers.ts';
import { createSystem, type System, type SystemPorts } from './system.ts';
import type { EventLog } from './telemetry/event-log.ts';
import { createTasks, type TaskRunner, type Tasks, type TasksPorts } from './tasks/tasks.ts';
import { createTools, type Tools, type ToolsPorts } from './tools/tools.ts';

/** What is made here from the other ports. */
type Made =
  | 'supervisor'
  | 'launcher'
  | 'channels'
  | 'isDeployed'
  | 'discovery'
  | 'capacity'
  | 'keepObserved'
  | 'tools'
  | 'carriesSecret'
  | 'protocolOf';

export type Ports = Omit<ServersPorts, Made> &
  SystemPorts &
  DiscoveryPorts &
  Omit<SupervisorPorts, Made> &
  Omit<LauncherPorts, Made> &
  Omit<DeploymentsPorts, Made> &
  Omit<ObservationPorts, Made> &
  Omit<ProofsPorts, Made> &
  Omit<ToolsPorts, Made> &
  Omit<TasksPorts, Made> & {
    /** Live deployments at most, proofs included. */
    maxDeployments: number;
  };

export interface Services {
  system: System;
  servers: Servers;
  discovery: Pick<Discovery, 'discover' | 'details'>;
  proofs: Pick<Proofs, 'prove'>;
  deployments: Deployments;
  observation: Observation;
  tools: Tools;
  tasks: Tasks;
  events: Pick<EventLog, 'read'>;
}

/** What the process itself drives, beside the services that its doors offer. */
export interface Runner {
  channels: Channels;
  /** Takes up after a start what an earlier life of this process left. */
  restore(): Promise<void>;
  /** Tells the figures of what runs while somebody watches them, until the signal aborts. */
  tellMetrics(signal: AbortSignal): Promise<void>;
  /** Ends what runs and leaves the wish that it should. */
  leave(): Promise<void>;
  /** Deletes the history of tasks that were created longer ago. */
  forgetTasks: TaskRunner['forget'];
}

export function createServices(ports: Ports): { services: Services; runner: Runner } {
  const { discovery, keeper } = createDiscovery(ports);
  const observed = createObservedKeeper({ ...ports, discovery });
  const supervisor = createSupervisor({ ...ports, keepObserved: observed.keep });
  const capacity = createCapacity(ports.maxDeployments, () => supervisor.live().length);
  const proofs = createProofs({ ...ports, supervisor, discovery, capacity });
  const launcher = createLauncher({ ...ports, supervisor });
  const channels: Channels = {
    async open(serverId, signal) {
      await launcher.restored();
      return supervisor.open(serverId, signal);
    },
  };
  const observation = createObservation({ ...ports, supervisor });
  const tools = createTools({ ...ports, channels });
  const { tasks, runner: taskRunner } = createTasks({
    ...ports,
    tools,
    channels,
    carriesSecret: (args) => supervisor.live().some((deployment) => deployment.carriesSecret(args)),
    protocolOf: async (serverId) => (await ports.deploymentStore.findByServer(serverId))?.protocol ?? null,
  });
  return {
    services: {
      system: createSystem(ports),
      servers: createServers({
        ...ports,
        isDeployed: (serverId) => supervisor.find(serverId) !== null,
      }),
      discovery,
      proofs,
      deployments: createDeployments({ ...ports, supervisor, launcher, discovery, capacity }),
      observation,
      tools,
      tasks,
      events: ports.eventLog,
    },
    runner: {
      channels,
      async restore() {
        await taskRunner.restore();
        await launcher.restore();
        keeper.begin();
      },
      tellMetrics: (signal) => tellMetrics({ ...ports, supervisor, observation }, signal),
      async leave() {
        // Tasks first: what they are told of a server that goes would be no fault of it.
        await taskRunner.leave();
        await Promise.all([proofs.leave(), supervisor.leave(), keeper.close()]);
        await observed.flush();
      },
      forgetTasks: (olderThanMs) => taskRunner.forget(olderThanMs),
    },
  };
}
