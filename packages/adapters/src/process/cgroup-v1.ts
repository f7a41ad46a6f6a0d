// Control groups of version 1: one hierarchy per controller, a group in each of them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cpuPeriodUs,
  cpuQuotaUs,
  groupNamesIn,
  killAll,
  procsFileOf,
  readCount,
  readOr,
  readPids,
  removeGroupFolder,
  writeIfThere,
  type Cgroup,
  type CgroupLimits,
  type Cgroups,
} from './cgroup.ts';
import { codeOf } from './proc-files.ts';

export const controllersV1 = ['memory', 'cpu', 'cpuacct', 'pids'] as const;
export type ControllerV1 = (typeof controllersV1)[number];

/** For each controller that there is, the folder in which our groups are made. */
export type ParentsV1 = ReadonlyMap<ControllerV1, string>;

/** The kernel's default, and a tenth of it. */
const ordinaryShares = 1024;
const startingShares = 102;

/** Two controllers can share a hierarchy ("cpu,cpuacct"), and then a folder. */
const foldersOf = (parents: ParentsV1, name: string): string[] => [
  ...new Set([...parents.values()].map((parent) => join(parent, name))),
];

const limit = async (parents: ParentsV1, name: string, limits: CgroupLimits): Promise<void> => {
  const write = async (controller: ControllerV1, file: string, value: number): Promise<void> => {
    const parent = parents.get(controller);
    if (parent !== undefined) await writeFile(join(parent, name, file), String(value));
  };
  await write('memory', 'memory.limit_in_bytes', limits.memoryBytes);
  try {
    await write('memory', 'memory.memsw.limit_in_bytes', limits.memoryBytes);
  } catch (error) {
    // The kernel was started without accounting of swap; then the group at least never swaps by itself.
    if (!['EACCES', 'ENOENT', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    await write('memory', 'memory.swappiness', 0);
  }
  await write('cpu', 'cpu.cfs_period_us', cpuPeriodUs);
  await write('cpu', 'cpu.cfs_quota_us', cpuQuotaUs(limits.cpus));
  await write('cpu', 'cpu.shares', startingShares);
  await write('pids', 'pids.max', limits.pids);
};

const openGroup = (parents: ParentsV1, name: string): Cgroup => {
  const folders = foldersOf(parents, name);
  const fileOf = (controller: ControllerV1, file: string): string | null => {
    const parent = parents.get(controller);
    return parent === undefined ? null : join(parent, name, file);
  };
  const [first = ''] = folders;
  const group: Cgroup = {
    procsFiles: folders.map(procsFileOf),
    pids: () => readPids(procsFileOf(first)),
    async cpuSeconds() {
      const file = fileOf('cpuacct', 'cpuacct.usage');
      return file === null ? null : Number(await readOr(file, '0')) / 1e9;
    },
    async oomKills() {
      const file = fileOf('memory', 'memory.oom_control');
      return file === null ? 0 : readCount(file, 'oom_kill');
    },
    async settle() {
      const file = fileOf('cpu', 'cpu.shares');
      if (file !== null) await writeIfThere(file, ordinaryShares);
    },
    kill: () => killAll(group),
    async remove() {
      for (const folder of folders) await removeGroupFolder(folder);
    },
  };
  return group;
};

export const createCgroupsV1 = (parents: ParentsV1): Cgroups => ({
  holds: { memory: parents.has('memory'), cpu: parents.has('cpu'), pids: parents.has('pids') },
  async make(name, limits) {
    const group = openGroup(parents, name);
    try {
      for (const folder of foldersOf(parents, name)) await mkdir(folder, { recursive: true });
      await limit(parents, name, limits);
    } catch (error) {
      await group.remove();
      throw error;
    }
    return group;
  },
  open: (name) => openGroup(parents, name),
  async names() {
    const found = await Promise.all([...new Set(parents.values())].map(groupNamesIn));
    return [...new Set(found.flat())];
  },
});
