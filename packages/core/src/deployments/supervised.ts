// One deployment while it lives: its record, its life, its log, its figures, and who is told of what.
import { namesIn, type Catalogue } from '../mcp/catalogue.ts';
import { createRedactor } from '../platform/redactor.ts';
import { createLogHub, type LogHub } from '../telemetry/log-hub.ts';
import { createCallStats, type CallStats } from '../telemetry/metrics.ts';
import { noCapabilities, type Capabilities, type StoredDeployment } from './deployment.ts';
import { deployError } from './failure.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { liveOut, type Life } from './life.ts';
import { createRecordWriter } from './record-writer.ts';
import { runOnce, type RunPorts, type RunReports } from './run.ts';
import type { Workload } from './runtime.ts';
import type { DeploymentStatus } from './status.ts';
import type { SupervisorPorts } from './supervisor.ts';
import { createUsageMeter, type Usage, type UsageMeter } from './usage.ts';

export interface Supervised {
  /** As it is now; what is stored follows a moment later. */
  readonly record: StoredDeployment;
  readonly life: Life;
  readonly logs: LogHub;
  /** Aborts when the life is over and its last line is in the log. */
  readonly ended: AbortSignal;
  readonly calls: CallStats;
  /** Null while nothing of it runs, or where it runs elsewhere. */
  usage(): Promise<Usage | null>;
  /** Whether a text in there is, or holds, a value of its environment. */
  carriesSecret(value: object): boolean;
  /** Replaces what listings show until the server lists again. */
  setCapabilities(capabilities: Capabilities): void;
  /** Resolves when what is known of it is stored. */
  flush(): Promise<void>;
}

export interface SuperviseOptions {
  record: StoredDeployment;
  plan: LaunchPlan;
  /** Whether a start that fails is tried again; for a first deploy the caller waits for the verdict. */
  persistent: boolean;
  /** The number of the last log line of an earlier life; 0 for a new deployment. */
  lastLogNumber: number;
}

/** Lines of output that a failure carries. */
const lastLines = 40;

export function supervise(
  { record: initial, plan, persistent, lastLogNumber }: SuperviseOptions,
  ports: Omit<SupervisorPorts, 'runtimes'> & RunPorts & { signal: AbortSignal },
): Supervised {
  const { clock, eventLog, logArchive } = ports;
  let record = initial;
  let meter: UsageMeter | null = null;
  const redactor = createRedactor([...Object.values(plan.environment), ...plan.secretInputs]);
  const calls = createCallStats(clock);
  const logs = createLogHub({
    serverId: record.server_id,
    deploymentId: record.id,
    redact: redactor.text,
    archive: logArchive,
    onLine: (line) => {
      eventLog.append({ type: 'log', channel: 'logs', ...line });
    },
    lastNumber: lastLogNumber,
  });
  const writer = createRecordWriter(record.id, {
    store: ports.deploymentStore,
    clock,
    logger: ports.logger,
    signal: ports.signal,
  });
  const subject = () => ({
    channel: 'deployments' as const,
    timestamp: new Date(clock.now()),
    server_id: record.server_id,
    deployment_id: record.id,
  });

  const change = (changes: Partial<StoredDeployment>): void => {
    record = { ...record, ...changes };
    writer.write(changes);
  };

  const onStatus = (changes: Partial<StoredDeployment>, previous: DeploymentStatus | null): void => {
    change(changes);
    eventLog.append({
      type: 'deployment_status',
      ...subject(),
      status: record.status,
      previous_status: previous,
      reason: changes.last_failure?.reason ?? null,
      message: changes.last_failure?.message ?? null,
      next_attempt_at: record.next_attempt_at,
    });
  };

  const setCapabilities = (capabilities: Capabilities): void => {
    change({ capabilities });
    eventLog.append({ type: 'capabilities_changed', ...subject(), ...capabilities });
  };

  const reports: RunReports = {
    redact: redactor.json,
    onProgress: ({ phase, message, fraction }) => {
      eventLog.append({
        type: 'deployment_progress',
        ...subject(),
        phase,
        message: redactor.text(message),
        fraction: fraction ?? null,
      });
    },
    onPrepared: ({ resolvedVersion, digest, artifact }) => {
      change({ version: resolvedVersion, digest, artifact });
    },
    onWorkload: (workload) => {
      meter = workload && createUsageMeter(workload, clock);
      change(workloadFields(workload));
    },
    onLine: (line) => {
      logs.append(line);
    },
    onCatalogue: (catalogue) => {
      setCapabilities(capabilitiesOf(catalogue));
      ports.keepObserved(record.server_id, catalogue);
    },
    onCall: calls.record,
  };

  const life = liveOut(
    {
      id: record.id,
      plan,
      autoRestart: record.configuration.auto_restart,
      persistent,
      restarts: record.restarts,
    },
    {
      clock,
      random: ports.random,
      policy: ports.restartPolicy,
      run: (current, hooks) => runOnce(pinned(current, record), { hooks, reports, ports }),
      lastOutput: () => logs.tail(lastLines).map(({ message }) => message),
      errorOf: (end, failure) =>
        deployError(end, failure, {
          server_id: record.server_id,
          deployment_id: record.id,
          method: record.method,
        }),
      onChange: onStatus,
    },
  );
  onStatus({ status: life.status, capabilities: noCapabilities }, null);
  const ended = new AbortController();
  void life.over.then(() => {
    ended.abort();
  });

  return {
    get record() {
      return record;
    },
    life,
    logs,
    ended: ended.signal,
    calls,
    // What is just ending cannot be measured, and a listing of all does not fail for one of them.
    usage: async () =>
      (await meter?.read().catch((error: unknown) => {
        ports.logger.debug({ deployment_id: record.id, err: error }, 'a deployment could not be measured');
        return null;
      })) ?? null,
    carriesSecret: (value) => redactor.json(value) !== value,
    setCapabilities,
    flush: writer.flush,
  };
}

/** A restart takes what the first start resolved, never something newer. */
const pinned = (plan: LaunchPlan, { version, digest }: StoredDeployment): LaunchPlan => ({
  ...plan,
  version: version ?? plan.version,
  digest: digest ?? plan.digest,
});

const workloadFields = (workload: Workload | null): Partial<StoredDeployment> =>
  workload
    ? {
        workload: workload.record,
        container_id: workload.containerId,
        isolation: workload.isolation,
        enforced: workload.enforced,
      }
    : { workload: null };

const capabilitiesOf = (catalogue: Catalogue): Capabilities => ({
  tools: namesIn(catalogue.tools),
  resources: namesIn(catalogue.resources),
  prompts: namesIn(catalogue.prompts),
});
