// One sandbox: its folder, its cgroup, its walls, and the process in it, made in this order and removed in the other.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRecord, ResourceLimits, SandboxMount } from '@insightloop/core';
import type { Cgroup } from './cgroup.ts';
import { hostName } from './namespace-root.ts';
import { removeTree } from './package-seal.ts';
import { readProcessStat } from './proc-files.ts';
import { prepareCommand, type BoxCommand } from './sandbox-command.ts';
import { awaitEmptyUid, startKeeper, type Keeper } from './sandbox-keeper.ts';
import { layOutSandbox } from './sandbox-layout.ts';
import { namespaceKeeper, uidKeeper, type Owner } from './sandbox-scripts.ts';
import { startServer, type Piped } from './sandbox-server.ts';
import type { Volume } from './sandbox-volume.ts';
import { countsProcesses, type Walls } from './sandbox-walls.ts';
import { handOver } from './uid-ownership.ts';
import type { UidPool } from './uid-range.ts';

/** `server` and `scripts` run a stranger's code, each under a uid of its own; `installer` runs a package manager's. */
export type Identity = 'server' | 'installer' | 'scripts';

export interface BoxRequest extends BoxCommand {
  name: string;
  identity: Identity;
  limits: ResourceLimits;
  mounts: readonly SandboxMount[];
  readOnly: readonly string[];
  /** Seen at their own path; they belong to the uid of the sandbox from now on. */
  writable: readonly string[];
}

export interface BoxSite {
  walls: Walls;
  instanceId: string;
  bootId: string;
  /** Where each sandbox has its folder. */
  folder: string;
  uids: UidPool;
  /** One file for each uid, the same for all instances on this machine. */
  lockFolder: string;
}

export interface Box {
  readonly record: ProcessRecord;
  readonly server: Piped;
  readonly keeper: Keeper | null;
  readonly group: Cgroup | null;
  readonly volume: Volume;
  readonly uid: number | null;
  /** Ends what is left in it and removes all that was made. Idempotent. @throws when something resists; the rest is removed */
  close(): Promise<void>;
}

export const groupName = (instanceId: string, name: string): string => `insightloop.${instanceId}.${name}`;
export const lockFileOf = ({ lockFolder }: BoxSite, uid: number): string => join(lockFolder, String(uid));
export const recordFile = (folder: string): string => join(folder, 'record.json');

/** Two instances that choose the same uid at the same time choose again. */
const maxUidTries = 20;
const installerPollMs = 100;

/**
 * @throws AppError DEPLOYMENT_FAILED when the command cannot be started, or something cannot be shown to it
 * @throws an ordinary error when the walls cannot be built, with what the tools complained of
 */
export const openBox = async (request: BoxRequest, site: BoxSite, signal: AbortSignal): Promise<Box> => {
  let tries = 0;
  for (;;) {
    const box = await tryBox(request, site, signal);
    if (box !== 'taken') return box;
    tries += 1;
    // Installers have one uid, so this one's turn comes when the other is done.
    if (request.identity === 'installer') await sleep(installerPollMs, undefined, { signal });
    else if (tries === maxUidTries) throw new Error('no uid is free on this machine');
  }
};

const tryBox = async (request: BoxRequest, site: BoxSite, signal: AbortSignal): Promise<Box | 'taken'> => {
  const { walls } = site;
  const { name, limits } = request;
  signal.throwIfAborted();
  await using made = new AsyncDisposableStack();
  const owner = takeOwner(request.identity, site);
  const uid = owner.kind === 'uid' ? owner.uid : null;
  if (uid !== null) {
    made.defer(() => site.uids.release(uid));
    await handOver(request.writable, uid);
  }
  const folder = join(site.folder, name);
  await mkdir(folder, { recursive: true });
  made.defer(() => removeTree(folder));
  const layout = await layOutSandbox({ ...request, folder, walls, uid, diskBytes: limits.diskBytes });

  const group = await makeGroup(request, site);
  if (group !== null)
    made.defer(async () => {
      await group.kill();
      await group.remove();
    });
  const keeper = await keep(owner, { folder, walls, image: layout.volume.image, signal });
  if (keeper === 'taken') return 'taken';
  if (keeper !== null)
    made.defer(async () => {
      await keeper.end();
      if (walls.kind === 'uid' && uid !== null) await awaitEmptyUid(uid);
    });

  const record = { ...recordOf(request, site), uid };
  // Before the process is there: whoever comes after us must find it.
  if (keeper !== null) await writeRecord(folder, { ...record, pid: keeper.pid, startTime: keeper.startTime });
  const isInside = walls.kind === 'namespaces' && keeper !== null;
  const server = await startServer(
    {
      ...prepareCommand(request, layout),
      procsFiles: group?.procsFiles ?? [],
      walls,
      owner,
      filterFile: layout.filterFile,
      keeperPid: isInside ? keeper.pid : null,
      resourceOptions: resourceOptions(walls, limits),
    },
    { signal, made },
  );
  const anchor = keeper ?? (await anchorOf(server));
  const found: ProcessRecord = { ...record, pid: anchor.pid, startTime: anchor.startTime };
  if (keeper === null) await writeRecord(folder, found);

  const kept = made.move();
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= kept.disposeAsync());
  return { record: found, server, keeper, group, volume: layout.volume, uid, close };
};

const recordOf = ({ name }: BoxRequest, { walls, instanceId, bootId }: BoxSite) => ({
  instanceId,
  deploymentId: name,
  bootId,
  cgroup: walls.cgroups === null ? null : groupName(instanceId, name),
});

const writeRecord = (folder: string, record: ProcessRecord): Promise<void> =>
  writeFile(recordFile(folder), JSON.stringify(record), { mode: 0o600 });

const anchorOf = async ({ child }: Piped): Promise<{ pid: number; startTime: string }> => {
  const pid = child.pid ?? 0;
  return { pid, startTime: (await readProcessStat(pid))?.startTime ?? '' };
};

const makeGroup = async (
  { name, limits }: BoxRequest,
  { walls, instanceId }: BoxSite,
): Promise<Cgroup | null> => {
  if (walls.cgroups === null) return null;
  const { memoryBytes, cpus, pids } = limits;
  // One process of ours waits in there, outside of the namespaces.
  const ours = walls.kind === 'namespaces' ? 1 : 0;
  return walls.cgroups.make(groupName(instanceId, name), { memoryBytes, cpus, pids: pids + ours });
};

const takeOwner = (identity: Identity, site: BoxSite): Owner => {
  const { walls, uids, instanceId } = site;
  if (!walls.ownUid) return { kind: 'ourselves' };
  const uid = identity === 'installer' ? uids.installerUid(instanceId) : uids.take();
  // Installers share theirs, behind walls of which each has its own.
  const isShared = identity === 'installer' && walls.kind === 'namespaces';
  return { kind: 'uid', uid, lockFile: isShared ? null : lockFileOf(site, uid) };
};

interface KeepRequest {
  folder: string;
  walls: Walls;
  image: string | null;
  signal: AbortSignal;
}

const keep = async (
  owner: Owner,
  { folder, walls, image, signal }: KeepRequest,
): Promise<Keeper | 'taken' | null> => {
  if (walls.kind === 'namespaces')
    return startKeeper(namespaceKeeper(owner, { folder, hostName, image }), signal);
  return walls.kind === 'uid' && owner.kind === 'uid' ? startKeeper(uidKeeper(owner), signal) : null;
};

/** Options of prlimit(1), for what no cgroup and no file system holds. */
const resourceOptions = (walls: Walls, { pids, diskBytes }: ResourceLimits): string[] => [
  ...(!walls.cgroups?.holds.pids && countsProcesses(walls) ? [`--nproc=${pids}:${pids}`] : []),
  ...(walls.image ? [] : [`--fsize=${diskBytes}:${diskBytes}`]),
];
