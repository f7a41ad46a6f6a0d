// Proofs: a server deployed for a moment, to know that it starts, what it lists and what it costs; nothing of it stays.
import { conflict, serverNotFound, serviceUnavailable } from '../errors.ts';
import type { Catalogue } from '../mcp/catalogue.ts';
import type { McpConnector } from '../mcp/connector.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { createRedactor } from '../platform/redactor.ts';
import type { Slots } from '../platform/slots.ts';
import type { Discovery } from '../servers/discovery.ts';
import type { Verdict } from '../servers/finding.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { Capacity } from './capacity.ts';
import type { DeployRequest } from './deploy-request.ts';
import { deployError, failureOf, type FallenRun, type RunEnd } from './failure.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { observedIn } from './observed-tools.ts';
import { planned, type PlanPorts } from './planned-launch.ts';
import { runOnce, type RunTimes } from './run.ts';
import type { Prepared, Workload, WorkloadStats } from './runtime.ts';
import type { Supervisor } from './supervisor.ts';

export type ProofRequest = Omit<DeployRequest, 'isAsync'>;

export interface ProofsPorts extends PlanPorts {
  supervisor: Pick<Supervisor, 'runtime' | 'starts'>;
  discovery: Pick<Discovery, 'launchable' | 'keepVerdict' | 'keepObserved'>;
  serverStore: ServerStore;
  capacity: Capacity;
  connector: McpConnector;
  clock: Clock;
  logger: Logger;
  times: RunTimes;
  /** For the whole of a proof, installation included. */
  proofTimeoutMs: number;
}

export interface Proofs {
  /**
   * Installs, starts, lists, measures and stops. A server that fails has a verdict that says so; what keeps us from
   * trying is thrown. It goes on when its caller leaves.
   * @throws AppError SERVER_NOT_FOUND, INVALID_CONFIGURATION, SERVER_NOT_VERIFIED, CONFLICT (it is being proved, or too many
   *   deployments live), DEPLOYMENT_FAILED (the fault is this machine's), SERVICE_UNAVAILABLE (this process is ending)
   */
  prove(request: ProofRequest): Promise<{ server_id: string; verdict: Verdict }>;
  /** Ends what is under way; resolves when nothing of it is left. */
  leave(): Promise<void>;
}

const lastLines = 40;

export function createProofs(ports: ProofsPorts): Proofs {
  const { discovery, serverStore, capacity, clock } = ports;
  const ended = new AbortController();
  const underWay = new Map<string, Promise<unknown>>();

  const prove = async (request: ProofRequest): Promise<{ server_id: string; verdict: Verdict }> => {
    const { serverId } = request;
    const { plan } = await planned(request, ports);
    const proof = await runProof(plan, { ports, signal: ended.signal });
    await discovery.keepVerdict(serverId, proof.verdict);
    if (proof.catalogue)
      await discovery.keepObserved(serverId, observedIn(proof.catalogue, new Date(clock.now())));
    return { server_id: serverId, verdict: proof.verdict };
  };

  return {
    async prove(request) {
      const { serverId } = request;
      if (!(await serverStore.find(serverId))) throw serverNotFound(serverId);
      if (ended.signal.aborted) throw endingError();
      if (underWay.has(serverId))
        throw conflict(`A proof of "${serverId}" is under way. Wait for its verdict.`, {
          server_id: serverId,
        });
      const leave = capacity.reserve();
      const work = prove(request).finally(() => {
        leave();
        underWay.delete(serverId);
      });
      underWay.set(serverId, work);
      return work;
    },
    async leave() {
      ended.abort();
      await Promise.allSettled(underWay.values());
    },
  };
}

const endingError = () => serviceUnavailable('This process is ending and takes no new work.', 5);

interface ProofContext {
  ports: ProofsPorts;
  /** Of the process. */
  signal: AbortSignal;
}

/** What is learnt on the way. */
interface Course {
  beganAt: number;
  preparedAt: number | null;
  startedAt: number | null;
  servedAt: number | null;
  prepared: Prepared | null;
  workload: Workload | null;
  catalogue: Catalogue | null;
  lines: string[];
}

interface Proof {
  verdict: Verdict;
  catalogue: Catalogue | null;
}

async function runProof(plan: LaunchPlan, { ports, signal }: ProofContext): Promise<Proof> {
  const { clock, supervisor } = ports;
  const runtime = supervisor.runtime(plan.method);
  if (!runtime) throw new Error(`no runtime for ${plan.method}`);
  const enough = new AbortController();
  const late = new AbortController();
  const timer = clock
    .sleep(ports.proofTimeoutMs, AbortSignal.any([signal, enough.signal]))
    .then(() => {
      late.abort();
    })
    .catch(() => undefined);
  const redactor = createRedactor([...Object.values(plan.environment), ...plan.secretInputs]);
  const course: Course = {
    beganAt: clock.now(),
    preparedAt: null,
    startedAt: null,
    servedAt: null,
    prepared: null,
    workload: null,
    catalogue: null,
    lines: [],
  };
  const served = Promise.withResolvers<void>();
  const run = runOnce(plan, {
    hooks: {
      signal: AbortSignal.any([signal, late.signal, enough.signal]),
      onServing: () => {
        course.servedAt = clock.now();
        served.resolve();
      },
      onHealth: () => undefined,
      onAnswer: () => undefined,
      onOver: () => undefined,
    },
    reports: {
      redact: redactor.json,
      onProgress: () => undefined,
      onPrepared: (prepared) => {
        course.preparedAt = clock.now();
        course.prepared = prepared;
      },
      onWorkload: (workload) => {
        course.workload = workload;
      },
      onLine: ({ text }) => {
        course.lines.push(redactor.text(text));
        if (course.lines.length > lastLines) course.lines.shift();
      },
      onCatalogue: (catalogue) => {
        course.catalogue = catalogue;
      },
      onCall: () => undefined,
    },
    ports: { ...ports, runtime, starts: timedStarts(supervisor.starts, course, clock) },
  });
  const isServing = await Promise.race([served.promise.then(() => true), run.then(() => false)]);
  const stats = isServing ? await measured(course.workload) : null;
  enough.abort();
  const end = await run;
  await timer;
  if (signal.aborted && !isServing) throw endingError();
  return { verdict: verdictOf({ plan, course, stats, end, isServing, clock }), catalogue: course.catalogue };
}

/** Waiting for its turn is no part of how long a server takes to start. */
const timedStarts = (starts: Slots, course: Course, clock: Clock): Slots => ({
  use: (work, signal) =>
    starts.use(() => {
      course.startedAt = clock.now();
      return work();
    }, signal),
});

/** What is just ending cannot be measured. */
const measured = async (workload: Workload | null): Promise<WorkloadStats | null> =>
  (await workload?.stats().catch(() => null)) ?? null;

interface VerdictParts {
  plan: LaunchPlan;
  course: Course;
  stats: WorkloadStats | null;
  end: RunEnd;
  isServing: boolean;
  clock: Clock;
}

/** @throws AppError where the fault is this machine's */
function verdictOf({ plan, course, stats, end, isServing, clock }: VerdictParts): Verdict {
  const at = new Date(clock.now());
  const seconds = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : (to - from) / 1000;
  const verdict: Verdict = {
    status: isServing ? 'passed' : 'failed',
    at,
    method: plan.method,
    identifier: plan.identifier,
    version: course.prepared?.resolvedVersion ?? plan.version,
    digest: course.prepared?.digest ?? null,
    install_seconds: seconds(course.beganAt, course.preparedAt),
    start_seconds: seconds(course.startedAt, course.servedAt),
    memory_bytes: stats?.memoryBytes ?? null,
    tools: course.catalogue?.tools.length ?? null,
    failure: null,
  };
  if (isServing) return verdict;
  const fallen: FallenRun =
    end.kind === 'fell'
      ? end
      : {
          kind: 'fell',
          reason: 'unresponsive',
          message: 'It did not serve in time.',
          exit: null,
          error: null,
        };
  const failure = failureOf(fallen, { output: course.lines, at });
  if (fallen.error?.infrastructure)
    throw deployError(fallen, failure, {
      server_id: plan.serverId,
      deployment_id: plan.deploymentId,
      method: plan.method,
    });
  const { reason, message, output } = failure;
  return { ...verdict, failure: { reason: end.kind === 'fell' ? reason : 'timeout', message, output } };
}
