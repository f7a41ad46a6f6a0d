// One sandbox: its folder, its cgroup, its walls, and the process in it, made in this order and removed in the other.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRecord, ResourceLimits, SandboxMount } from '@insightloop/core';
import type { Cgroup } from './cgroup.ts';
import { pathInVolume, resolveBinds, type Bind } from './namespace-binds.ts';
import { idmapOption, isToBeMapped, mappedFields } from './namespace-idmap.ts';
import { mountTable } from './namespace-mounts.ts';
import { homeFolder, hostName, makeRootFolder, temporaryFolders } from './namespace-root.ts';
import { removeTree } from './package-seal.ts';
import { readProcessStat } from './proc-files.ts';
import { parseMounts } from './proc-mounts.ts';
import { prepareCommand, type BoxCommand } from './sandbox-command.ts';
import { filterProgram } from './sandbox-filter.ts';
import { startKeeper, type Keeper } from './sandbox-keeper.ts';
import { startServer, type Piped } from './sandbox-server.ts';
import { namespaceKeeper, uidKeeper, type Owner } from './sandbox-scripts.ts';
import { makeVolume, volumeIn, type Volume } from './sandbox-volume.ts';
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
  /** Ends what is left in it and removes all that was made. @throws when something resists; the rest is removed */
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
  for (let tries = 0; tries < maxUidTries;) {
    const box = await tryBox(request, site, signal);
    if (box !== 'taken') return box;
    // Installers have one uid, so this one's turn comes when the other is done.
    if (request.identity === 'installer') await sleep(installerPollMs, undefined, { signal });
    else tries += 1;
  }
  throw new Error('no uid is free on this machine');
};

const tryBox = async (request: BoxRequest, site: BoxSite, signal: AbortSignal): Promise<Box | 'taken'> => {
  const { walls, instanceId, bootId } = site;
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
  // Without a view of its own the process goes through this folder to its files.
  await chmod(folder, walls.kind === 'uid' ? 0o711 : 0o700);

  const group = await makeGroup(request, site);
  if (group !== null)
    made.defer(async () => {
      await group.kill();
      await group.remove();
    });

  const shown = [
    ...request.mounts.map((mount) => ({ ...mount, isMapped: walls.ownUid })),
    ...request.writable.map((path) => ({ source: path, target: path, readOnly: false, isMapped: false })),
  ];
  const binds = walls.kind === 'namespaces' ? await resolveBinds(request.readOnly, shown) : [];
  const volume = volumeIn(folder, walls);
  await makeVolume(volume, { uid, bytes: limits.diskBytes, targets: targetsInVolume(binds) });
  if (walls.kind === 'namespaces') await layOut({ folder, uid, volume, binds, walls });
  const filterFile =
    walls.kind === 'namespaces' ? join(folder, 'root', filterName) : join(folder, filterName);
  await writeFilter(filterFile);
  const keeper = await keep(owner, { folder, walls, image: volume.image, signal });
  if (keeper === 'taken') return 'taken';
  if (keeper !== null) made.defer(() => keeper.end());

  const home =
    walls.kind === 'namespaces'
      ? { home: homeFolder, temporary: temporaryFolders[0] }
      : { home: join(volume.folder, 'home'), temporary: join(volume.folder, 'tmp') };
  const recordOf = (pid: number, startTime: string): ProcessRecord => ({
    instanceId,
    deploymentId: name,
    pid,
    startTime,
    bootId,
    cgroup: group === null ? null : groupName(instanceId, name),
    uid,
  });
  const write = (record: ProcessRecord): Promise<void> =>
    writeFile(recordFile(folder), JSON.stringify(record), { mode: 0o600 });
  if (keeper !== null) await write(recordOf(keeper.pid, keeper.startTime));
  const server = await startServer(
    {
      ...prepareCommand(request, home),
      procsFiles: group?.procsFiles ?? [],
      walls,
      owner,
      filterFile: walls.kind === 'namespaces' ? `/${filterName}` : filterFile,
      keeperPid: walls.kind === 'namespaces' && keeper !== null ? keeper.pid : null,
      resourceOptions: resourceOptions(walls, limits),
    },
    { signal, made },
  );
  const pid = server.child.pid ?? 0;
  const record =
    keeper !== null
      ? recordOf(keeper.pid, keeper.startTime)
      : recordOf(pid, (await readProcessStat(pid))?.startTime ?? '');
  if (keeper === null) await write(record);
  const kept = made.move();
  return { record, server, keeper, group, volume, uid, close: () => kept.disposeAsync() };
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

const targetsInVolume = (binds: readonly Bind[]) =>
  binds.flatMap(({ target, kind }) => {
    const path = pathInVolume(target);
    return path === null ? [] : [{ path, kind }];
  });

const filterName = '.filter';

/** For all to read: it is no secret, and the process is not ours any more when it takes it on. */
const writeFilter = async (file: string): Promise<void> => {
  const program = filterProgram(process.arch);
  if (program === null) return;
  await writeFile(file, program);
  await chmod(file, 0o644);
};

interface Layout {
  folder: string;
  uid: number | null;
  volume: Volume;
  binds: readonly Bind[];
  walls: Walls;
}

/** Everything that the keeper mounts, and the table that says so. */
const layOut = async ({ folder, uid, volume, binds, walls }: Layout): Promise<void> => {
  const root = join(folder, 'root');
  const targets = binds.filter(({ target }) => pathInVolume(target) === null);
  const systemFolders = makeRootFolder(root, uid ?? process.getuid?.() ?? 0, targets);
  const empty = join(folder, 'empty');
  await mkdir(empty);
  await chmod(empty, 0o555);
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const mapped = new Set(
    uid === null ? [] : binds.filter((bind) => bind.isMapped && isToBeMapped(bind, walls)),
  );
  const isByPerl = (bind: Bind): boolean => walls.idMapping === 'perl' && mapped.has(bind);
  const table = await mountTable({
    root,
    systemFolders,
    volume,
    empty,
    isPrivileged: walls.ownUid,
    binds: binds.filter((bind) => !isByPerl(bind)),
    mappingOption: (bind) => (uid !== null && mapped.has(bind) ? idmapOption(bind.owner, uid) : null),
    mounts,
  });
  await writeFile(join(folder, 'mounts'), table);
  const fields = binds.filter(isByPerl).map((bind) => {
    return mappedFields(bind, { target: join(root, bind.target), own: uid ?? 0 });
  });
  if (fields.length > 0) await writeFile(join(folder, 'mapped'), fields.join(''));
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
