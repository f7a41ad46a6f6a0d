// All processes of this machine at one moment, and who descends from whom.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readProcessStat, readUid, type ProcessStat } from './proc-files.ts';

/** By pid. */
export type ProcessTable = ReadonlyMap<number, ProcessStat & { residentBytes: number | null }>;

const run = promisify(execFile);

export interface ProcessTables {
  /** One that is at most so old; all who ask at the same time share one reading. */
  read(maxAgeMs: number): Promise<ProcessTable>;
}

export const createProcessTables = (read: () => Promise<ProcessTable> = readProcessTable): ProcessTables => {
  let newest: { startedAtMs: number; table: Promise<ProcessTable> } | null = null;
  return {
    read(maxAgeMs) {
      const now = performance.now();
      if (newest === null || now - newest.startedAtMs > maxAgeMs)
        newest = { startedAtMs: now, table: read() };
      return newest.table;
    },
  };
};

/** About 50 µs for each process of the machine. */
export const readProcessTable = async (): Promise<ProcessTable> => {
  if (process.platform !== 'linux') return readTableOfPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readProcessStat(Number(pid))));
  return new Map(
    stats.flatMap((stat) => (stat === null ? [] : [[stat.pid, { ...stat, residentBytes: null }] as const])),
  );
};

/** Where there is no /proc, as on macOS. */
const readTableOfPs = async (): Promise<ProcessTable> => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,rss=,time=,lstart=']);
  return parsePs(stdout);
};

/** @param text of `ps -A -o pid=,ppid=,rss=,time=,lstart=`: rss in KiB, time as [[dd-]hh:]mm:ss[.cc] */
export const parsePs = (text: string): ProcessTable => {
  const lines = text.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)\s*$/.exec(line));
  return new Map(
    lines.flatMap((found) => {
      if (found === null) return [];
      const [, pid, parent, rss, time = '', startTime = ''] = found;
      const stat = {
        pid: Number(pid),
        isZombie: false,
        parent: Number(parent),
        cpuSeconds: secondsOf(time),
        startTime,
        residentBytes: Number(rss) * 1024,
      };
      return [[stat.pid, stat] as const];
    }),
  );
};

const secondsOf = (time: string): number => {
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
};

/** Those whose line of parents leads to one of `roots`, the roots not included. */
export const descendantsOf = (table: ProcessTable, roots: readonly number[]): number[] => {
  const children = new Map<number, number[]>();
  for (const { pid, parent } of table.values()) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(pid);
    else children.set(parent, [pid]);
  }
  const found = new Set<number>();
  const open = [...roots];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return [...found].filter((pid) => !roots.includes(pid));
};

/** Those of a uid that still run; about 50 µs for each process of the machine. */
export const pidsOfUid = async (table: ProcessTable, uid: number): Promise<number[]> => {
  const running = [...table.values()].filter(({ isZombie }) => !isZombie);
  const found = await Promise.all(running.map(async ({ pid }) => ({ pid, uid: await readUid(pid) })));
  return found.filter((each) => each.uid === uid).map(({ pid }) => pid);
};
