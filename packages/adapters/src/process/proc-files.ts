// What the kernel tells about processes, in files below /proc.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

export interface ProcessStat {
  pid: number;
  /** Dead, but its parent has not asked yet how it ended. */
  isZombie: boolean;
  parent: number;
  /** CPU time of the process itself and of the children that it has waited for. */
  cpuSeconds: number;
  /** Clock ticks after boot; with the pid it names a process for good. */
  startTime: string;
}

/** USER_HZ: what /proc counts CPU time in, 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** @param text /proc/<pid>/stat; the name in parentheses may itself contain parentheses and spaces (proc(5)) */
export const parseProcessStat = (text: string): ProcessStat | null => {
  const nameEnd = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(nameEnd + 2).split(' ');
  const [state, parent] = fields;
  // Field 3 of the file is the first one here.
  const [userTicks, systemTicks, childUserTicks, childSystemTicks] = fields.slice(11, 15).map(Number);
  const startTime = fields[19];
  if (nameEnd === -1 || Number.isNaN(pid) || parent === undefined || startTime === undefined) return null;
  const ticks = (userTicks ?? 0) + (systemTicks ?? 0) + (childUserTicks ?? 0) + (childSystemTicks ?? 0);
  const cpuSeconds = ticks / ticksPerSecond;
  return { pid, isZombie: state === 'Z', parent: Number(parent), cpuSeconds, startTime };
};

const bytesOf = (text: string, key: string): number | null => {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text);
  return found?.[1] === undefined ? null : Number(found[1]) * 1024;
};

export interface ProcessMemory {
  /** Pages that are shared count in proportion. */
  proportionalBytes: number;
  residentBytes: number;
}

/** @param text /proc/<pid>/smaps_rollup (kernel 4.14) */
export const parseSmapsRollup = (text: string): ProcessMemory | null => {
  const proportionalBytes = bytesOf(text, 'Pss');
  const residentBytes = bytesOf(text, 'Rss');
  return proportionalBytes === null || residentBytes === null ? null : { proportionalBytes, residentBytes };
};

/** @param text /proc/<pid>/status */
const parseResidentBytes = (text: string): number => bytesOf(text, 'VmRSS') ?? 0;

/** The real uid. @param text /proc/<pid>/status */
export const parseUid = (text: string): number | null => {
  const found = /^Uid:\s+(\d+)/m.exec(text);
  return found?.[1] === undefined ? null : Number(found[1]);
};

/** Ids that are in use, as ranges. @param text /proc/self/uid_map: first inside, first outside, count */
export const parseIdMap = (text: string): { first: number; count: number }[] =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([first, , count]) => (first === undefined || count === undefined ? [] : [{ first, count }]));

/** Null where the process, or the right to look at it, is gone. */
export const readProcFile = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
};

export const readProcessStat = async (pid: number): Promise<ProcessStat | null> => {
  const text = await readProcFile(`/proc/${pid}/stat`);
  return text === null ? null : parseProcessStat(text);
};

/** Whether the very process lives, and not another one that got its pid. */
export const isRunning = async (pid: number, startTime: string): Promise<boolean> => {
  const stat = await readProcessStat(pid);
  return stat !== null && !stat.isZombie && stat.startTime === startTime;
};

export const readUid = async (pid: number): Promise<number | null> => {
  const text = await readProcFile(`/proc/${pid}/status`);
  return text === null ? null : parseUid(text);
};

/** Proportional where the kernel tells, else resident. */
export const readMemory = async (pid: number): Promise<ProcessMemory> => {
  const rollup = await readProcFile(`/proc/${pid}/smaps_rollup`);
  const parsed = rollup === null ? null : parseSmapsRollup(rollup);
  if (parsed !== null) return parsed;
  const residentBytes = await readResidentBytes(pid);
  return { proportionalBytes: residentBytes, residentBytes };
};

export const readResidentBytes = async (pid: number): Promise<number> => {
  const status = await readProcFile(`/proc/${pid}/status`);
  return status === null ? 0 : parseResidentBytes(status);
};

/** Differs after each start of the machine; empty where there is no /proc. */
export const readBootId = async (): Promise<string> =>
  ((await readProcFile('/proc/sys/kernel/random/boot_id')) ?? '').trim();

const errorCode = z.object({ code: z.string() });

/** The `code` of a system error, such as ENOENT. */
export const codeOf = (error: unknown): string | null => errorCode.safeParse(error).data?.code ?? null;

/** Sends a signal; false where there is no such process (any more). */
export const sendSignal = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
};
