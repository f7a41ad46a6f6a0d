// All of a deployment's core parts together, over fakes: no process, no disk, no time that passes by itself.
import { createCapacity } from '../deployments/capacity.ts';
import { createDeployments, type Deployments } from '../deployments/deployments.ts';
import type { DeployRequest } from '../deployments/deploy-request.ts';
import { createLauncher, type Launcher } from '../deployments/launcher.ts';
import type { LocalPorts } from '../deployments/local-ports.ts';
import { createObservation, type Observation } from '../deployments/observation.ts';
import { createProofs, type Proofs } from '../deployments/proofs.ts';
import { defaultRestartPolicy, type RestartPolicy } from '../deployments/restart-policy.ts';
import { createSupervisor, type Supervisor } from '../deployments/supervisor.ts';
import { invalidConfiguration } from '../errors.ts';
import type { Catalogue } from '../mcp/catalogue.ts';
import { defaultHealthOptions } from '../mcp/health.ts';
import type { Verdict } from '../servers/finding.ts';
import { operatorRecipe, launchRecipeInput } from '../servers/launch-recipe.ts';
import type { Server } from '../servers/server.ts';
import type { AppEvent } from '../telemetry/event.ts';
import { createRingEventLog } from '../telemetry/ring-event-log.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeConnector } from './fake-connector.ts';
import { mcpProgram } from './fake-programs.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { FakeSecretBox } from './fake-secret-box.ts';
import type { FakeProgram } from './fake-workload.ts';
import { MemoryDeploymentStore } from './memory-deployment-store.ts';
import { MemoryLogArchive } from './memory-log-archive.ts';
import { MemoryServerStore } from './memory-server-store.ts';

export interface DeploymentSiteOptions {
  program?: FakeProgram;
  maxDeployments?: number;
  maxStarts?: number;
  policy?: RestartPolicy;
  /** What an earlier life of ours left behind. */
  store?: MemoryDeploymentStore;
  archive?: MemoryLogArchive;
  clock?: FakeClock;
  /** The number of the first id that is given out. */
  firstId?: number;
}

export interface DeploymentSite {
  clock: FakeClock;
  runtime: FakeRuntime;
  store: MemoryDeploymentStore;
  archive: MemoryLogArchive;
  servers: MemoryServerStore;
  secretBox: FakeSecretBox;
  localPorts: FakeLocalPorts;
  connector: FakeConnector;
  supervisor: Supervisor;
  launcher: Launcher;
  deployments: Deployments;
  proofs: Proofs;
  /** What running servers listed, by server. */
  observed: Map<string, Catalogue>;
  verdicts: Map<string, Verdict>;
  observation: Observation;
  events: AppEvent[];
  /** What our own log says, each line as its message. */
  logged: string[];
  addServer(id: string, changes?: Partial<Server>): Promise<void>;
  /** The number of the id that is given out next. */
  nextId(): number;
}

/** Ports that are free unless something took them. */
export class FakeLocalPorts implements LocalPorts {
  /** Port to what holds it. */
  readonly taken = new Map<number, string>();
  #next = 40_000;

  free(): Promise<number> {
    this.#next += 1;
    return Promise.resolve(this.#next);
  }

  isFree(port: number): Promise<boolean> {
    return Promise.resolve(!this.taken.has(port));
  }

  bridge(port: number, serverId: string): Promise<() => Promise<void>> {
    if (this.taken.has(port)) return Promise.reject(invalidConfiguration(`Port ${port} is in use.`));
    this.taken.set(port, serverId);
    return Promise.resolve(() => {
      this.taken.delete(port);
      return Promise.resolve();
    });
  }
}

export const deployRequest = (serverId: string, changes: Partial<DeployRequest> = {}): DeployRequest => ({
  serverId,
  method: null,
  configuration: {},
  allowUnverified: false,
  allowKind: false,
  isAsync: false,
  ...changes,
});

export const aServer = (id: string, changes: Partial<Server> = {}): Server => ({
  id,
  name: id,
  description: null,
  kind: 'server',
  source: 'registered',
  launch: [operatorRecipe(launchRecipeInput.parse({ method: 'npx', identifier: 'program' }))],
  created_at: new Date(0),
  updated_at: new Date(0),
  ...changes,
});

export function openDeploymentSite(options: DeploymentSiteOptions = {}): DeploymentSite {
  const clock = options.clock ?? new FakeClock();
  const runtime = new FakeRuntime({
    clock,
    packages: { program: { versions: ['1.0.0'], program: options.program ?? mcpProgram() } },
  });
  const deploymentStore = options.store ?? new MemoryDeploymentStore();
  const logArchive = options.archive ?? new MemoryLogArchive();
  const serverStore = new MemoryServerStore();
  const secretBox = new FakeSecretBox();
  const localPorts = new FakeLocalPorts();
  const connector = new FakeConnector(clock);
  const logged: string[] = [];
  const observed = new Map<string, Catalogue>();
  const verdicts = new Map<string, Verdict>();
  const discovery = {
    launchable: (serverId: string) => serverStore.find(serverId),
    keepVerdict: async (serverId: string, verdict: Verdict) => void verdicts.set(serverId, verdict),
    keepObserved: () => Promise.resolve(),
  };
  const log = (_fields: object, message: string): void => void logged.push(message);
  const logger = { debug: log, info: log, warn: log, error: log };
  const events: AppEvent[] = [];
  const ring = createRingEventLog({ clock });
  const eventLog: typeof ring = {
    ...ring,
    append(event) {
      // Lines have a log of their own.
      if (event.type !== 'log') events.push(event);
      return ring.append(event);
    },
  };
  const runtimes = [runtime];
  const supervisor = createSupervisor({
    runtimes,
    connector,
    deploymentStore,
    serverStore,
    eventLog,
    logArchive,
    clock,
    logger,
    random: () => 0.5,
    restartPolicy: options.policy ?? defaultRestartPolicy,
    times: { handshakeTimeoutMs: 60_000, stopGraceMs: 5_000, health: defaultHealthOptions },
    maxStarts: options.maxStarts ?? 4,
    keepObserved: (serverId, catalogue) => void observed.set(serverId, catalogue),
  });
  const launcher = createLauncher({
    supervisor,
    runtimes,
    deploymentStore,
    secretBox,
    localPorts,
    logArchive,
    clock,
    logger,
  });
  let nextId = options.firstId ?? 1;
  const capacity = createCapacity(options.maxDeployments ?? 50, () => supervisor.live().length);
  const parts = {
    supervisor,
    serverStore,
    discovery,
    capacity,
    mountRoots: { check: () => Promise.resolve({ ok: false as const, reason: 'no root is open' }) },
    localPorts,
    clock,
    ids: {
      next: (prefix: string) => {
        nextId += 1;
        return `${prefix}-${String(nextId - 1).padStart(6, '0')}`;
      },
    },
  };
  const deployments = createDeployments({
    ...parts,
    launcher,
    deploymentStore,
    secretBox,
    publicUrl: () => 'http://127.0.0.1:8000',
  });
  const proofs = createProofs({
    ...parts,
    connector,
    logger,
    times: { handshakeTimeoutMs: 60_000, stopGraceMs: 5_000, health: defaultHealthOptions },
    proofTimeoutMs: 300_000,
  });
  return {
    clock,
    runtime,
    store: deploymentStore,
    archive: logArchive,
    servers: serverStore,
    secretBox,
    localPorts,
    connector,
    supervisor,
    launcher,
    deployments,
    proofs,
    observed,
    verdicts,
    observation: createObservation({ supervisor, serverStore, deploymentStore, logArchive, clock }),
    events,
    logged,
    nextId: () => nextId,
    addServer: async (id, changes) => void (await serverStore.insert(aServer(id, changes))),
  };
}
