// A process in a sandbox, from its start until nothing of it is left.
import type { ExitReason, Logger, ResourceLimits, SandboxedProcess } from '@insightloop/core';
import { readUid, sendSignal } from './proc-files.ts';
import type { Box } from './sandbox-box.ts';
import type { Members } from './sandbox-members.ts';
import { awaitEnd } from './sandbox-server.ts';
import { settlesWithin } from './sandbox-wait.ts';
import { enforcedBy, levelOf, type Walls } from './sandbox-walls.ts';
import type { Watch } from './sandbox-watch.ts';

export interface ProcessOptions {
  members: Members;
  walls: Walls;
  limits: ResourceLimits;
  watch: Watch;
  logger: Pick<Logger, 'warn'>;
}

export const superviseBox = (box: Box, options: ProcessOptions): SandboxedProcess => {
  const { members, walls, logger } = options;
  const { server, keeper } = box;
  /** Why we ended it, when we did. */
  let verdict: ExitReason | null = null;

  const kill = async (): Promise<void> => {
    const ending = keeper?.end();
    if (walls.kind === 'none') await box.close();
    await awaitEnd(server);
    await ending;
  };

  const unwatch = options.watch.add({
    members,
    limits: options.limits,
    hasMemoryGroup: walls.cgroups?.holds.memory ?? false,
    hasImage: walls.image,
    async end(reason) {
      verdict ??= reason;
      await kill();
    },
  });

  const settling = setTimeout(() => void box.group?.settle().catch(warn), settleMs).unref();

  const warn = (error: unknown): void =>
    logger.warn({ err: error, deployment_id: box.record.deploymentId }, 'a sandbox did not end as it should');

  const over = async (): Promise<ExitReason> => {
    const ended = await server.exit;
    const reason = verdict ?? (await reasonOf(ended, members, warn));
    unwatch();
    clearTimeout(settling);
    await box.close().catch(warn);
    // What escaped from a tree without walls may hold its pipes for ever.
    if (walls.kind === 'none' && !(await settlesWithin(server.outputsClosed, outputTimeoutMs)))
      server.cutOutputs();
    return reason;
  };
  const exited = over();

  const terminate = async (): Promise<void> => {
    server.child.kill('SIGCONT');
    for (const pid of await members.pids()) {
      // A pid may be somebody else's by now; a uid of its own never is.
      if (box.uid !== null && (await readUid(pid)) !== box.uid) continue;
      sendSignal(pid, 'SIGTERM');
      sendSignal(pid, 'SIGCONT');
    }
  };

  const stop = async (graceMs: number): Promise<void> => {
    verdict ??= { kind: 'stopped' };
    server.stdin.end();
    const share = graceMs / 2;
    if (share > 0 && (await settlesWithin(exited, share))) return;
    await terminate();
    if (share > 0 && (await settlesWithin(exited, share))) return;
    await kill();
    await exited;
  };

  let stopping: Promise<void> | null = null;
  return {
    record: box.record,
    isolation: levelOf(walls),
    enforced: enforcedBy(walls),
    stdin: server.stdin,
    stdout: server.stdout,
    stderr: server.stderr,
    stats: () => members.stats(),
    stop: (graceMs) => (stopping ??= stop(graceMs)),
    exited,
  };
};

/** Most servers shake hands within this time; one that does not live so long has served nobody. */
const settleMs = 3000;

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const reasonOf = async (
  { code, signal }: Ended,
  members: Members,
  warn: (error: unknown) => void,
): Promise<ExitReason> => {
  if (code === 0) return { kind: 'exit', code };
  try {
    if ((await members.oomKills()) > 0) return { kind: 'out_of_memory' };
    if (signal === null && (await members.volumeUse()).isFull) return { kind: 'disk_full' };
  } catch (error) {
    warn(error);
  }
  return signal === null ? { kind: 'exit', code: code ?? 1 } : { kind: 'signal', signal };
};

/** For a pipe whose last writer we cannot find. */
const outputTimeoutMs = 1000;
