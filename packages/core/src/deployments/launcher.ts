// From a record and its plan to a supervised life: for new deployments, for revived ones, and after a restart of ours.
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import type { LogArchive } from '../telemetry/log-archive.ts';
import type { DeploymentStore } from './deployment-store.ts';
import type { StoredDeployment } from './deployment.ts';
import { launchPlan, type LaunchPlan } from './launch-plan.ts';
import type { LocalPorts } from './local-ports.ts';
import type { Runtime } from './runtime.ts';
import { deploymentStatuses, isLive } from './status.ts';
import type { Supervised } from './supervised.ts';
import type { Supervisor } from './supervisor.ts';

export interface LauncherPorts {
  supervisor: Supervisor;
  runtimes: readonly Runtime[];
  deploymentStore: DeploymentStore;
  secretBox: SecretBox;
  localPorts: LocalPorts;
  logArchive: LogArchive;
  clock: Clock;
  logger: Logger;
}

export interface Launcher {
  /**
   * Stores a new deployment and begins its life.
   * @throws AppError INVALID_CONFIGURATION when the port of its bridge is in use
   */
  begin(record: StoredDeployment, plan: LaunchPlan): Promise<Supervised>;
  /** Begins the life of a deployment that was over. A start that fails is tried again. */
  revive(stored: StoredDeployment): Promise<Supervised>;
  /** After a start of ours: ends what an earlier life left behind, and revives what should be running. */
  restore(): Promise<void>;
  /**
   * Resolves when no restoring is under way. Until then nobody knows what is deployed: who changes or asks for a
   * deployment waits for this first, or a server gets two of them, and a stop finds nothing to stop.
   */
  restored(): Promise<void>;
}

/** More than can have lived at once. */
const maxUnsettled = 10_000;

export function createLauncher(ports: LauncherPorts): Launcher {
  const { supervisor, deploymentStore, secretBox, localPorts, logArchive, clock, logger } = ports;

  const withBridge = async (
    record: StoredDeployment,
    plan: LaunchPlan,
    launch: () => Promise<Supervised>,
  ): Promise<Supervised> => {
    const { port } = record.configuration;
    const hasBridge = plan.transport === 'stdio' && port !== null;
    const endBridge = hasBridge ? await localPorts.bridge(port, record.server_id) : () => Promise.resolve();
    try {
      const supervised = await launch();
      void supervised.life.over.then(endBridge).catch((cause: unknown) => {
        logger.error({ deployment_id: record.id, err: cause }, 'the bridge of a deployment did not end');
      });
      return supervised;
    } catch (error) {
      await endBridge();
      throw error;
    }
  };

  const revive = async (stored: StoredDeployment): Promise<Supervised> => {
    const plan = launchPlan.parse(JSON.parse(secretBox.open(stored.sealed_plan, stored.id)));
    const record: StoredDeployment = {
      ...stored,
      status: 'starting',
      desired: 'running',
      stopped_at: null,
      next_attempt_at: null,
      workload: null,
    };
    return withBridge(record, plan, async () => {
      const { id: _, ...changes } = record;
      await deploymentStore.update(record.id, changes);
      const [lastLine] = await logArchive.tail(record.id, 1);
      return supervisor.launch({ record, plan, persistent: true, lastLogNumber: lastLine?.number ?? 0 });
    });
  };

  /** Told on the record: a person who looks for the deployment shall find out why it is not there. */
  const giveUp = async (stored: StoredDeployment, cause: unknown): Promise<void> => {
    logger.error({ deployment_id: stored.id, err: cause }, 'a deployment could not begin');
    const now = new Date(clock.now());
    const message = `It could not begin: ${cause instanceof Error ? cause.message : String(cause)}`;
    await deploymentStore.update(stored.id, {
      status: 'failed',
      desired: 'stopped',
      stopped_at: now,
      last_failure: { reason: 'start', message, code: null, signal: null, output: [], at: now },
    });
  };

  /** Those whose leftovers could not be ended, with the reason: a second process beside them must not be. */
  const sweepLeftovers = async (): Promise<Map<string, unknown>> => {
    const stuck = new Map<string, unknown>();
    for (const runtime of ports.runtimes)
      await Promise.all(
        (await runtime.owned()).map((leftover) =>
          runtime.sweep(leftover).catch((cause: unknown) => {
            logger.error(
              { deployment_id: leftover.deploymentId, err: cause },
              'a leftover could not be ended',
            );
            stuck.set(leftover.deploymentId, cause);
          }),
        ),
      );
    return stuck;
  };

  /** What was told to stop just before we died has stopped by now, and its record shall say so. */
  const settleStopped = async (): Promise<void> => {
    for (const status of deploymentStatuses.filter(isLive)) {
      const { deployments } = await deploymentStore.list({ status, limit: maxUnsettled, offset: 0 });
      for (const { id, desired } of deployments)
        if (desired === 'stopped')
          await deploymentStore.update(id, {
            status: 'stopped',
            stopped_at: new Date(clock.now()),
            workload: null,
          });
    }
  };

  const restore = async (): Promise<void> => {
    const stuck = await sweepLeftovers();
    await settleStopped();
    for (const stored of await deploymentStore.listDesired())
      if (stuck.has(stored.id)) await giveUp(stored, stuck.get(stored.id));
      else await revive(stored).catch((cause: unknown) => giveUp(stored, cause));
  };
  let restoring: Promise<void> = Promise.resolve();

  return {
    begin: (record, plan) =>
      withBridge(record, plan, async () => {
        await deploymentStore.insert(record);
        try {
          return supervisor.launch({ record, plan, persistent: false, lastLogNumber: 0 });
        } catch (cause) {
          await giveUp(record, cause);
          throw cause;
        }
      }),

    revive,

    restore() {
      const work = restore();
      // That it failed is told to whoever began it, and we end then.
      restoring = work.catch(() => undefined);
      return work;
    },

    restored: () => restoring,
  };
}
