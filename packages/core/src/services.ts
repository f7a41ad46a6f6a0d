// The product as the API sees it: one object of services, made from the ports.
import type { Channels } from './mcp/channels.ts';
import { createDeployments, type Deployments, type DeploymentsPorts } from './deployments/deployments.ts';
import { createLauncher, type LauncherPorts } from './deployments/launcher.ts';
import { createObservation, type Observation, type ObservationPorts } from './deployments/observation.ts';
import { createSupervisor, type SupervisorPorts } from './deployments/supervisor.ts';
import { createServers, type Servers, type ServersPorts } from './servers/servers.ts';
import { createSystem, type System, type SystemPorts } from './system.ts';
import type { EventLog } from './telemetry/event-log.ts';
import { createTasks, type TaskRunner, type Tasks, type TasksPorts } from './tasks/tasks.ts';
import { createTools, type Tools, type ToolsPorts } from './tools/tools.ts';

/** What is made here from the other ports. */
type Made = 'supervisor' | 'launcher' | 'channels' | 'isDeployed' | 'tools' | 'carriesSecret' | 'protocolOf';

export type Ports = Omit<ServersPorts, Made> &
  SystemPorts &
  SupervisorPorts &
  Omit<LauncherPorts, Made> &
  Omit<DeploymentsPorts, Made> &
  Omit<ObservationPorts, Made> &
  Omit<ToolsPorts, Made> &
  Omit<TasksPorts, Made>;

export interface Services {
  system: System;
  servers: Servers;
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
  /** Ends what runs and leaves the wish that it should. */
  leave(): Promise<void>;
  /** Deletes the history of tasks that were created longer ago. */
  forgetTasks: TaskRunner['forget'];
}

export function createServices(ports: Ports): { services: Services; runner: Runner } {
  const supervisor = createSupervisor(ports);
  const launcher = createLauncher({ ...ports, supervisor });
  const tools = createTools({ ...ports, channels: supervisor });
  const { tasks, runner: taskRunner } = createTasks({
    ...ports,
    tools,
    channels: supervisor,
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
      deployments: createDeployments({ ...ports, supervisor, launcher }),
      observation: createObservation({ ...ports, supervisor }),
      tools,
      tasks,
      events: ports.eventLog,
    },
    runner: {
      channels: supervisor,
      async restore() {
        await taskRunner.restore();
        await launcher.restore();
      },
      async leave() {
        // Tasks first: what they are told of a server that goes would be no fault of it.
        await taskRunner.leave();
        await supervisor.leave();
      },
      forgetTasks: (olderThanMs) => taskRunner.forget(olderThanMs),
    },
  };
}
