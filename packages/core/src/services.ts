// The product as the API sees it: one object of services, made from the ports.
import type { Channels } from './mcp/channels.ts';
import { createDeployments, type Deployments, type DeploymentsPorts } from './deployments/deployments.ts';
import { createLauncher, type LauncherPorts } from './deployments/launcher.ts';
import { tellMetrics } from './deployments/metric-samples.ts';
import { createObservation, type Observation, type ObservationPorts } from './deployments/observation.ts';
import { createSupervisor, type SupervisorPorts } from './deployments/supervisor.ts';
import { createServers, type Servers, type ServersPorts } from './servers/servers.ts';
import { createSystem, type System, type SystemPorts } from './system.ts';
import type { EventLog } from './telemetry/event-log.ts';
import { createTools, type Tools, type ToolsPorts } from './tools/tools.ts';

/** What is made here from the other ports. */
type Made = 'supervisor' | 'launcher' | 'channels' | 'isDeployed';

export type Ports = Omit<ServersPorts, Made> &
  SystemPorts &
  SupervisorPorts &
  Omit<LauncherPorts, Made> &
  Omit<DeploymentsPorts, Made> &
  Omit<ObservationPorts, Made> &
  Omit<ToolsPorts, Made>;

export interface Services {
  system: System;
  servers: Servers;
  deployments: Deployments;
  observation: Observation;
  tools: Tools;
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
}

export function createServices(ports: Ports): { services: Services; runner: Runner } {
  const supervisor = createSupervisor(ports);
  const launcher = createLauncher({ ...ports, supervisor });
  const observation = createObservation({ ...ports, supervisor });
  return {
    services: {
      system: createSystem(ports),
      servers: createServers({
        ...ports,
        isDeployed: (serverId) => supervisor.find(serverId) !== null,
      }),
      deployments: createDeployments({ ...ports, supervisor, launcher }),
      observation,
      tools: createTools({ ...ports, channels: supervisor }),
      events: ports.eventLog,
    },
    runner: {
      channels: supervisor,
      restore: () => launcher.restore(),
      tellMetrics: (signal) => tellMetrics({ ...ports, supervisor, observation }, signal),
      leave: () => supervisor.leave(),
    },
  };
}
