// Finds out, by trying, where on this machine control groups with limits can be made.
import { randomUUID } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { procsFileOf, readOr, readPids, type Cgroups } from './cgroup.ts';
import { controllersV1, createCgroupsV1, type ControllerV1 } from './cgroup-v1.ts';
import { controllersV2, createCgroupsV2, type ControllerV2 } from './cgroup-v2.ts';
import { isWithin, parseMounts, type Mount } from './proc-mounts.ts';
import { descendantsOf, readProcessTable } from './proc-table.ts';

export interface CgroupSurroundings {
  /** "/" but in tests. */
  root: string;
  /** Whether a process of ours can write itself into all of these files. */
  tryJoin(procsFiles: readonly string[]): Promise<boolean>;
}

/** For the trial only: no process that counts ever runs under it. */
const trialLimits = { memoryBytes: 64 * 1024 * 1024, cpus: 1, pids: 16 };

/** Null where there is no group in which this process may make others. */
export const findCgroups = async ({ root, tryJoin }: CgroupSurroundings): Promise<Cgroups | null> => {
  const own = parseOwnGroups(await readOr(join(root, 'proc/self/cgroup'), ''));
  const mounts = parseMounts(await readOr(join(root, 'proc/self/mountinfo'), ''));
  const works = (cgroups: Cgroups): Promise<boolean> => tryGroup(cgroups, tryJoin);
  return (await findV2({ root, own, mounts, works })) ?? (await findV1({ root, own, mounts, works }));
};

interface Search {
  root: string;
  own: readonly OwnGroup[];
  mounts: readonly Mount[];
  works(cgroups: Cgroups): Promise<boolean>;
}

export interface OwnGroup {
  /** None for version 2. */
  controllers: string[];
  path: string;
}

/** @param text /proc/self/cgroup: "4:memory:/path" for each hierarchy of version 1, "0::/path" for version 2 */
export const parseOwnGroups = (text: string): OwnGroup[] =>
  text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    return { controllers: controllers.split(',').filter((name) => name !== ''), path };
  });

/** Our own group as a folder: in a container the mount shows only a part of the hierarchy. */
const folderOf = (root: string, mount: Mount, group: OwnGroup): string => {
  const inside = mount.root !== '/' && isWithin(group.path, mount.root);
  const path = inside ? group.path.slice(mount.root.length) : group.path;
  return join(root, mount.mountPoint, path.includes('..') ? '/' : path);
};

const findV1 = async ({ root, own, mounts, works }: Search): Promise<Cgroups | null> => {
  const parents = new Map<ControllerV1, string>();
  for (const controller of controllersV1) {
    const group = own.find(({ controllers }) => controllers.includes(controller));
    const mount = mounts.find(
      ({ type, superOptions }) => type === 'cgroup' && superOptions.includes(controller),
    );
    if (group === undefined || mount === undefined) continue;
    const parent = folderOf(root, mount, group);
    // A controller that cannot be used takes nothing away from the others.
    if (await works(createCgroupsV1(new Map([[controller, parent]])))) parents.set(controller, parent);
  }
  return parents.has('memory') || parents.has('pids') ? createCgroupsV1(parents) : null;
};

const findV2 = async ({ root, own, mounts, works }: Search): Promise<Cgroups | null> => {
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  const group = own.find(({ controllers }) => controllers.length === 0);
  if (mount === undefined || group === undefined) return null;
  const top = join(root, mount.mountPoint);
  const bottom = folderOf(root, mount, group);
  const open = async (folder: string): Promise<Cgroups | null> => {
    const controllers = await handedDown(folder);
    if (!controllers.has('memory')) return null;
    const cgroups = createCgroupsV2({ folder, controllers });
    return (await works(cgroups)) ? cgroups : null;
  };
  // A group with processes of its own cannot hand controllers down: a place beside ours serves as well.
  for (let folder = bottom; isWithin(folder, top); folder = dirname(folder)) {
    const found = await open(folder);
    if (found !== null) return found;
  }
  return (await moveToLeaf(bottom)) ? open(bottom) : null;
};

const wordsOf = async (file: string): Promise<Set<ControllerV2>> => {
  const words = (await readOr(file, '')).trim().split(/\s+/);
  return new Set(controllersV2.filter((controller) => words.includes(controller)));
};

/** What groups below `folder` can limit, after we have asked for all that there is. */
const handedDown = async (folder: string): Promise<Set<ControllerV2>> => {
  const file = join(folder, 'cgroup.subtree_control');
  const there = await wordsOf(join(folder, 'cgroup.controllers'));
  const before = await wordsOf(file);
  for (const controller of there) {
    // Refused where the group has processes, or is not ours.
    if (!before.has(controller))
      await writeFile(file, `+${controller}`, { flag: 'r+' }).catch(() => undefined);
  }
  return wordsOf(file);
};

/**
 * A group that was delegated to us (systemd's Delegate=yes, a container) holds our own processes, which is why it
 * hands nothing down. They move into a group below it, if they are all ours.
 */
const moveToLeaf = async (folder: string): Promise<boolean> => {
  const pids = await readPids(procsFileOf(folder));
  const ours = new Set([process.pid, ...descendantsOf(await readProcessTable(), [process.pid])]);
  if (pids.length === 0 || !pids.every((pid) => ours.has(pid))) return false;
  try {
    await access(join(folder, 'cgroup.subtree_control'), constants.W_OK);
    const leaf = join(folder, 'insightloop-main');
    await mkdir(leaf, { recursive: true });
    for (const pid of pids) await writeFile(procsFileOf(leaf), String(pid));
    return true;
  } catch {
    return false;
  }
};

const tryGroup = async (cgroups: Cgroups, tryJoin: CgroupSurroundings['tryJoin']): Promise<boolean> => {
  try {
    const group = await cgroups.make(`insightloop.trial.${randomUUID()}`, trialLimits);
    try {
      return await tryJoin(group.procsFiles);
    } finally {
      await group.remove();
    }
  } catch {
    return false;
  }
};
