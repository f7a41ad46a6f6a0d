// The sandbox for processes: the best walls that this machine has, around whatever is to be run.
import { mkdir, realpath } from 'node:fs/promises';
import {
  AppError,
  deploymentFailed,
  deploymentUnavailable,
  type ExitReason,
  type Logger,
  type Sandbox,
  type SandboxedProcess,
} from '@insightloop/core';
import type { RunBoxed } from './package-box.ts';
import { isOutside } from './proc-sockets.ts';
import { readBootId } from './proc-files.ts';
import { createProcessTables } from './proc-table.ts';
import { openBox, type BoxRequest, type BoxSite } from './sandbox-box.ts';
import { detectWalls, type Detected, type Without } from './sandbox-detect.ts';
import { membersOf } from './sandbox-members.ts';
import { superviseBox } from './sandbox-process.ts';
import { createRecords, type Records } from './sandbox-records.ts';
import { drained } from './sandbox-wait.ts';
import { enforcedBy, levelOf, type Walls } from './sandbox-walls.ts';
import { createWatch } from './sandbox-watch.ts';
import { createUidPool, defaultUidRange, type UidRange } from './uid-range.ts';

export interface ProcessSandboxOptions {
  /** Ours alone: each sandbox has a folder in it while it lives. Whatever else is there is removed. */
  folder: string;
  /** The mark on everything that we make. Letters, digits and hyphens. */
  instanceId: string;
  logger: Pick<Logger, 'warn'>;
  uidRange?: UidRange;
  /** The same for every instance on the machine; root's alone. */
  lockFolder?: string;
  without?: Without;
}

export interface ProcessSandbox extends Sandbox {
  readonly runBoxed: RunBoxed;
  /**
   * Whether the socket with this inode is in the hands of a sandboxed process, for the case where the uid does not
   * tell: without root, sandboxes have our own. What cannot be found counts as theirs. See `peerUid`.
   */
  ownsSocket(inode: string): Promise<boolean>;
}

interface Ready extends Detected {
  site: BoxSite;
  records: Records;
}

const defaultLockFolder = '/run/insightloop-uids';
const idPattern = /^[A-Za-z0-9-]{1,64}$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const createProcessSandbox = (options: ProcessSandboxOptions): ProcessSandbox => {
  const { instanceId, logger, uidRange = defaultUidRange, lockFolder = defaultLockFolder } = options;
  if (!idPattern.test(instanceId)) throw new Error(`"${instanceId}" cannot be the id of an instance`);
  const uids = createUidPool(uidRange);
  const tables = createProcessTables();
  const watch = createWatch(logger);
  /** Null while it is being built. */
  const current = new Map<string, SandboxedProcess | null>();

  const prepare = async (): Promise<Ready> => {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const folder = await realpath(options.folder);
    const base = { instanceId, bootId: await readBootId(), folder, uids, lockFolder };
    const { walls, reason } = await detectWalls({ site: base, uidRange, without: options.without ?? [] });
    const site = { ...base, walls };
    const records = createRecords({ site, isCurrent: (name) => current.has(name) });
    return { walls, reason, site, records };
  };
  let ready: Promise<Ready> | null = null;
  const getReady = (): Promise<Ready> => {
    ready ??= prepare().catch((error: unknown) => {
      // The next one tries again: the disk may have been full.
      ready = null;
      throw error;
    });
    return ready;
  };

  const launch = async (request: BoxRequest, allowUnisolated: boolean, signal: AbortSignal) => {
    const { walls, reason, site, records } = await getReady();
    refuseImpossible(request, walls);
    if (walls.kind === 'none' && !allowUnisolated)
      throw deploymentUnavailable(
        `This machine cannot isolate a process (${reason ?? 'unknown reason'}). Run the service as root, allow it ` +
          'user namespaces, deploy with docker, or set configuration.security.allow_unisolated if you trust the server.',
        { isolation: 'none' },
      );
    const { name, limits } = request;
    if (current.has(name))
      throw deploymentUnavailable(`The sandbox "${name}" is still in use. Stop it first.`, { name });
    current.set(name, null);
    try {
      await records.clear(name);
      await using opened = new AsyncDisposableStack();
      const box = await openBox(request, site, signal);
      opened.defer(() => box.close());
      const members = await membersOf(box, { walls, tables, diskBytes: limits.diskBytes });
      signal.throwIfAborted();
      opened.move();
      const child = superviseBox(box, { members, walls, limits, watch, logger });
      current.set(name, child);
      void child.exited.then(() => current.delete(name));
      return child;
    } catch (error) {
      current.delete(name);
      throw errorForCaller(error, signal);
    }
  };

  return {
    async available() {
      const { walls, reason } = await getReady();
      return { isolation: levelOf(walls), enforced: enforcedBy(walls), reason };
    },

    start: ({ deploymentId, allowUnisolated, ...request }, signal) =>
      launch(
        { ...request, name: deploymentId, identity: 'server', writable: [], workingFolder: null },
        allowUnisolated,
        signal,
      ),

    async owned() {
      const { records } = await getReady();
      const running = [...current.values()].flatMap((child) => (child === null ? [] : child.record));
      return [...running, ...(await records.survivors())];
    },

    async sweep(record) {
      if (record.instanceId === instanceId) await (await getReady()).records.end(record);
    },

    ownsUid: (uid) => uids.owns(uid),

    async ownsSocket(inode) {
      const { walls } = await getReady();
      return walls.kind === 'namespaces' && !walls.ownUid && current.size > 0 && !(await isOutside(inode));
    },

    async runBoxed({ signal, allowUnisolated, onOutput, ...command }) {
      try {
        const child = await launch({ ...command, mounts: [] }, allowUnisolated, signal);
        return await follow(child, { signal, onOutput });
      } catch (error) {
        if (signal.aborted) return { kind: 'stopped' };
        throw error;
      }
    },
  };
};

/** @throws AppError DEPLOYMENT_FAILED for what these walls cannot do */
const refuseImpossible = ({ name, mounts }: BoxRequest, walls: Walls): void => {
  if (!namePattern.test(name)) throw deploymentFailed(`"${name}" cannot be the name of a sandbox.`, { name });
  const moved = mounts.find(({ source, target }) => source !== target);
  if (walls.kind !== 'namespaces' && moved !== undefined)
    throw deploymentUnavailable(
      `On this machine a process sees files only where they are: mount "${moved.source}" at its own path, or deploy with docker.`,
      { target: moved.target },
    );
};

const errorForCaller = (error: unknown, signal: AbortSignal): unknown => {
  if (error instanceof AppError || signal.aborted) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return deploymentUnavailable(`The sandbox could not be set up: ${detail}`, undefined, error);
};

interface Following {
  signal: AbortSignal;
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

const follow = async (child: SandboxedProcess, { signal, onOutput }: Following): Promise<ExitReason> => {
  let stopping = Promise.resolve();
  const onAbort = (): void => {
    stopping = child.stop(0);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  child.stdin.end();
  const outputs = (['stdout', 'stderr'] as const).map((name) => {
    child[name].on('data', (chunk: Buffer) => onOutput(name, chunk));
    return drained(child[name]);
  });
  const reason = await child.exited;
  await Promise.all([...outputs, stopping]);
  signal.removeEventListener('abort', onAbort);
  return reason;
};
