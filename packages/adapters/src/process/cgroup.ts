// A control group: processes that the kernel counts and limits together, whatever they fork.
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, sendSignal } from './proc-files.ts';

export interface CgroupLimits {
  memoryBytes: number;
  cpus: number;
  pids: number;
}

export interface Cgroup {
  /** A process that writes "0" into each of these has joined, and all that it forks is born inside. */
  readonly procsFiles: readonly string[];
  pids(): Promise<number[]>;
  /** Of all that ever ran in it; null where the kernel does not count it here. */
  cpuSeconds(): Promise<number | null>;
  /** How many processes the kernel has killed for want of memory. */
  oomKills(): Promise<number>;
  /**
   * A new group gets a tenth of an ordinary share of processors that are fought over, so that what only starts, maybe
   * again and again, takes no time from what serves. From now on it gets a whole one. What is idle is for all.
   */
  settle(): Promise<void>;
  /** Resolves when nothing runs in it any more. @throws when a process does not die within seconds */
  kill(): Promise<void>;
  /** Idempotent. @throws when something still runs in it */
  remove(): Promise<void>;
}

/** The place where we may make groups, and what they can limit there. */
export interface Cgroups {
  readonly holds: { memory: boolean; cpu: boolean; pids: boolean };
  make(name: string, limits: CgroupLimits): Promise<Cgroup>;
  /** A group that exists already. */
  open(name: string): Cgroup;
  names(): Promise<string[]>;
}

/** The period of CPU quotas, in µs; the kernel's own default. */
export const cpuPeriodUs = 100_000;
/** The kernel refuses quotas below 1 ms. */
export const cpuQuotaUs = (cpus: number): number => Math.max(1000, Math.round(cpus * cpuPeriodUs));

/** Processes in uninterruptible sleep (a slow disk) die late. */
const killTimeoutMs = 10_000;
const pollMs = 5;

/** Kills again and again, because what forks fast enough outruns one round. */
export const killAll = async (group: Pick<Cgroup, 'pids'>): Promise<void> => {
  const deadline = Date.now() + killTimeoutMs;
  for (;;) {
    const pids = await group.pids();
    if (pids.length === 0) return;
    if (Date.now() > deadline) throw new Error(`processes ${pids.join(', ')} do not die`);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await sleep(pollMs);
  }
};

/** A group can stay busy for a moment after its last process was reaped. */
export const removeGroupFolder = async (folder: string): Promise<void> => {
  const deadline = Date.now() + killTimeoutMs;
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      if (codeOf(error) !== 'EBUSY' || Date.now() > deadline) throw error;
      await sleep(pollMs);
    }
  }
};

/** The pids in a cgroup.procs file; none where the group is gone. */
export const readPids = async (file: string): Promise<number[]> => {
  const text = await readOr(file, '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : Number(line)));
};

/** The number beside `key` in a file of lines "key number", 0 where it does not stand there. */
export const readCount = async (file: string, key: string): Promise<number> =>
  countIn(await readOr(file, ''), key);

const countIn = (text: string, key: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
};

export const readOr = async (file: string, fallback: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // ENODEV: the group was removed while the file was open.
    if (['ENOENT', 'ENODEV'].includes(codeOf(error) ?? '')) return fallback;
    throw error;
  }
};

/** Unless the group was removed meanwhile. */
export const writeIfThere = async (file: string, value: number): Promise<void> => {
  try {
    await writeFile(file, String(value), { flag: 'r+' });
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(codeOf(error) ?? '')) throw error;
  }
};

export const groupNamesIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
};

export const procsFileOf = (folder: string): string => join(folder, 'cgroup.procs');
