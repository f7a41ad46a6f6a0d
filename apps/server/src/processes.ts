// Everything that has to do with running packages as processes: the sandbox, the runtimes over it, who may not call us.
import { createProcessRuntimes, createProcessSandbox, peerUid } from '@insightloop/adapters/process';
import type { Runtime, StoredDeployment } from '@insightloop/core';
import type { FastifyBaseLogger } from 'fastify';
import { join } from 'node:path';
import { createPeerCheck } from './deployed-peers.ts';
import type { Settings } from './env.ts';
import { systemClock } from './machine.ts';
import type { GateOptions } from './plugins/gate.ts';

export interface Processes {
  runtimes: Runtime[];
  /** Removes installations that nobody has started for long, and that no deployment waits for. */
  sweepInstalls: (inUse: () => Promise<StoredDeployment[]>) => Promise<void>;
  isFromDeployment: GateOptions['isFromDeployment'];
}

export async function createProcesses(
  settings: Settings,
  { instanceId, logger }: { instanceId: string; logger: FastifyBaseLogger },
): Promise<Processes> {
  const sandbox = createProcessSandbox({ folder: join(settings.dataDir, 'sandboxes'), instanceId, logger });
  const { npx, uvx, sweepInstalls } = createProcessRuntimes({
    folder: join(settings.dataDir, 'installs'),
    environment: settings.installerEnvironment,
    sandbox,
    runBoxed: sandbox.runBoxed,
    clock: systemClock,
    installTimeoutMs: settings.installTimeoutMs,
    maxInstalls: settings.maxInstalls,
    unusedAfterMs: settings.unusedInstallsMs,
  });
  const { isolation, reason } = await sandbox.available();
  if (isolation === 'none')
    logger.warn(
      { reason },
      'this machine cannot isolate processes: npx deployments are refused unless they ask for it',
    );
  return {
    runtimes: [npx, uvx],
    sweepInstalls: async (inUse) => {
      const wanted = await inUse();
      await sweepInstalls(wanted.flatMap(({ artifact }) => (artifact ? [{ artifact }] : [])));
    },
    isFromDeployment: createPeerCheck({ peerUid, sandbox, isLinux: process.platform === 'linux' }),
  };
}
