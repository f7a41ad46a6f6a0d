// The one supervisor: every live deployment of this process, and the way from a server to its channel.
import { serverNotFound, serverNotRunning, serviceUnavailable } from '../errors.ts';
import type { McpChannel } from '../mcp/channel.ts';
import type { Catalogue } from '../mcp/catalogue.ts';
import type { Channels } from '../mcp/channels.ts';
import type { McpConnector } from '../mcp/connector.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { createSlots, type Slots } from '../platform/slots.ts';
import type { LaunchMethod } from '../servers/launch-recipe.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { LogArchive } from '../telemetry/log-archive.ts';
import type { DeploymentStore } from './deployment-store.ts';
import type { RestartPolicy } from './restart-policy.ts';
import type { RunTimes } from './run.ts';
import type { Runtime } from './runtime.ts';
import { isComing } from './status.ts';
import { supervise, type SuperviseOptions, type Supervised } from './supervised.ts';

export interface SupervisorPorts {
  runtimes: readonly Runtime[];
  connector: McpConnector;
  deploymentStore: DeploymentStore;
  serverStore: ServerStore;
  eventLog: EventLog;
  logArchive: LogArchive;
  clock: Clock;
  logger: Logger;
  /** In [0, 1). */
  random: () => number;
  restartPolicy: RestartPolicy;
  times: RunTimes;
  maxStarts: number;
  /** What a server lists is remembered for when it does not run. */
  keepObserved: (serverId: string, catalogue: Catalogue) => void;
}

export interface Supervisor extends Channels {
  /** Starts at once, of whatever kind. */
  readonly starts: Slots;
  /** The runtime of a method, if this build has one. */
  runtime(method: LaunchMethod): Runtime | null;
  /**
   * Begins the life of a deployment. The caller has made sure that its server has no other.
   * @throws AppError SERVICE_UNAVAILABLE when this process is ending
   */
  launch(options: SuperviseOptions): Supervised;
  /** The live deployment of a server. */
  find(serverId: string): Supervised | null;
  live(): Supervised[];
  /** Resolves when the server's deployment is over, if it has one, and what it wrote last is stored. */
  settled(serverId: string): Promise<void>;
  /** Ends all workloads and leaves their desired state, so that the next start of ours restores them. */
  leave(): Promise<void>;
}

/** Time that a call waits for a server that is about to serve. */
const openPatienceMs = 5_000;

/** Time that the store gets for the last states when we end: what runs is stopped all the same. */
const storePatienceMs = 2_000;

export function createSupervisor(ports: SupervisorPorts): Supervisor {
  const { clock } = ports;
  const starts = createSlots(ports.maxStarts);
  const live = new Map<string, Supervised>();
  const settling = new Map<string, Promise<void>>();
  const runtimes = new Map(ports.runtimes.map((runtime) => [runtime.method, runtime]));
  const ended = new AbortController();
  let isLeaving = false;

  const launch = (options: SuperviseOptions): Supervised => {
    // What began now would be ended by nobody.
    if (isLeaving) throw serviceUnavailable('This process is ending and takes no new work.', 5);
    const { server_id: serverId, method } = options.record;
    const runtime = runtimes.get(method);
    if (!runtime) throw new Error(`no runtime for ${method}`);
    const supervised = supervise(options, { ...ports, runtime, starts, signal: ended.signal });
    live.set(serverId, supervised);
    const settled = supervised.life.over.then(async () => {
      live.delete(serverId);
      await supervised.flush();
      if (settling.get(serverId) === settled) settling.delete(serverId);
    });
    settling.set(serverId, settled);
    return supervised;
  };

  const open = async (serverId: string, signal: AbortSignal): Promise<McpChannel> => {
    const deadline = clock.now() + openPatienceMs;
    for (;;) {
      const supervised = live.get(serverId);
      if (!supervised) throw await notRunning(serverId, ports.serverStore);
      const { life, record } = supervised;
      if (life.channel) return life.channel;
      if (!isComing(life.status)) throw serverNotRunning(serverId, { status: life.status });
      const restMs = deadline - clock.now();
      if (restMs <= 0)
        throw stillComing(serverId, { status: life.status, at: record.next_attempt_at, now: clock.now() });
      await changeOrTimeout(life.changed(), { ms: restMs, clock, signal });
    }
  };

  return {
    starts,
    runtime: (method) => runtimes.get(method) ?? null,
    launch,
    open,
    find: (serverId) => live.get(serverId) ?? null,
    live: () => [...live.values()],
    settled: (serverId) => settling.get(serverId) ?? Promise.resolve(),
    async leave() {
      isLeaving = true;
      await Promise.all([...live.values()].map(({ life }) => life.stop(true)));
      const settled = Promise.all(settling.values());
      await changeOrTimeout(settled, { ms: storePatienceMs, clock, signal: ended.signal });
      ended.abort();
    },
  };
}

async function notRunning(serverId: string, serverStore: ServerStore): Promise<Error> {
  return (await serverStore.find(serverId)) ? serverNotRunning(serverId) : serverNotFound(serverId);
}

function stillComing(serverId: string, state: { status: string; at: Date | null; now: number }): Error {
  const seconds = state.at ? Math.ceil((state.at.getTime() - state.now) / 1000) : 1;
  return serviceUnavailable(`"${serverId}" is ${state.status}; try again in a moment.`, Math.max(1, seconds));
}

async function changeOrTimeout(
  change: Promise<unknown>,
  { ms, clock, signal }: { ms: number; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const scope = new AbortController();
  try {
    await Promise.race([change, clock.sleep(ms, AbortSignal.any([signal, scope.signal]))]);
  } finally {
    scope.abort();
  }
}
