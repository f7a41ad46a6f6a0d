// Control groups of version 2: one hierarchy with all controllers.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cpuPeriodUs,
  cpuQuotaUs,
  groupNamesIn,
  killAll,
  procsFileOf,
  readCount,
  readPids,
  removeGroupFolder,
  writeIfThere,
  type Cgroup,
  type CgroupLimits,
  type Cgroups,
} from './cgroup.ts';
import { codeOf } from './proc-files.ts';

export const controllersV2 = ['memory', 'cpu', 'pids'] as const;
export type ControllerV2 = (typeof controllersV2)[number];

export interface ParentV2 {
  /** The folder in which our groups are made. */
  folder: string;
  /** Those that it hands down to them. */
  controllers: ReadonlySet<ControllerV2>;
}

/** The kernel's default, and a tenth of it. */
const ordinaryWeight = 100;
const startingWeight = 10;

const missingFile = ['EACCES', 'ENOENT', 'EPERM'];

const openGroup = (parent: ParentV2, name: string): Cgroup => {
  const folder = join(parent.folder, name);
  const group: Cgroup = {
    procsFiles: [procsFileOf(folder)],
    pids: () => readPids(procsFileOf(folder)),
    async cpuSeconds() {
      return (await readCount(join(folder, 'cpu.stat'), 'usage_usec')) / 1e6;
    },
    oomKills: () => readCount(join(folder, 'memory.events'), 'oom_kill'),
    async settle() {
      if (parent.controllers.has('cpu')) await writeIfThere(join(folder, 'cpu.weight'), ordinaryWeight);
    },
    async kill() {
      try {
        // All at once, whatever forks; kernel 5.14.
        await writeFile(join(folder, 'cgroup.kill'), '1');
      } catch (error) {
        if (!missingFile.includes(codeOf(error) ?? '')) throw error;
      }
      await killAll(group);
    },
    remove: () => removeGroupFolder(folder),
  };
  return group;
};

const limit = async (
  { folder, controllers }: ParentV2,
  name: string,
  limits: CgroupLimits,
): Promise<void> => {
  const write = (file: string, value: string | number): Promise<void> =>
    writeFile(join(folder, name, file), String(value));
  const writeIfPresent = async (file: string, value: string | number): Promise<void> => {
    try {
      await write(file, value);
    } catch (error) {
      if (!missingFile.includes(codeOf(error) ?? '')) throw error;
    }
  };
  if (controllers.has('memory')) {
    await write('memory.max', limits.memoryBytes);
    // Not there where the kernel has no swap.
    await writeIfPresent('memory.swap.max', 0);
    // A tree that has lost one process to its limit is of no more use.
    await writeIfPresent('memory.oom.group', 1);
  }
  if (controllers.has('cpu')) {
    await write('cpu.max', `${cpuQuotaUs(limits.cpus)} ${cpuPeriodUs}`);
    await write('cpu.weight', startingWeight);
  }
  if (controllers.has('pids')) await write('pids.max', limits.pids);
};

export const createCgroupsV2 = (parent: ParentV2): Cgroups => ({
  holds: {
    memory: parent.controllers.has('memory'),
    cpu: parent.controllers.has('cpu'),
    pids: parent.controllers.has('pids'),
  },
  async make(name, limits) {
    const group = openGroup(parent, name);
    try {
      await mkdir(join(parent.folder, name), { recursive: true });
      await limit(parent, name, limits);
    } catch (error) {
      await group.remove();
      throw error;
    }
    return group;
  },
  open: (name) => openGroup(parent, name),
  names: () => groupNamesIn(parent.folder),
});
