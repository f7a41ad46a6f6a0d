// Finds out which walls this machine can put around a process, by putting them around one that does nothing.
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findCgroups } from './cgroup-find.ts';
import { findIdMapping } from './namespace-idmap.ts';
import { findFilterMethod } from './sandbox-filter.ts';
import { openBox, type BoxSite } from './sandbox-box.ts';
import { joining } from './sandbox-scripts.ts';
import { shell } from './sandbox-tools.ts';
import { spawnPiped } from './sandbox-spawn.ts';
import { problemOfRange, type UidRange } from './uid-range.ts';
import type { Walls } from './sandbox-walls.ts';

export interface Detected {
  walls: Walls;
  /** Why not better ones, in words; null where these are the best that there are. */
  reason: string | null;
}

type Ways = Pick<Walls, 'kind' | 'ownUid' | 'image' | 'sealUserNamespaces'>;

/** What is not to be used, though it may be there. */
export type Without = readonly ('namespaces' | 'uid' | 'image' | 'cgroups')[];

export interface DetectOptions {
  site: Omit<BoxSite, 'walls'>;
  uidRange: UidRange;
  without: Without;
}

const noWalls: Ways = { kind: 'none', ownUid: false, image: false, sealUserNamespaces: false };

export const detectWalls = async (options: DetectOptions): Promise<Detected> => {
  const none = { ...noWalls, cgroups: null, filter: null, idMapping: null };
  if (process.platform !== 'linux') return { walls: none, reason: 'only Linux has the walls that it takes' };
  const { site, uidRange, without } = options;
  const problems = new Set<string>();
  const isRoot = process.getuid?.() === 0;
  // Where there are no namespaces, sandboxed processes go through this folder to their files.
  if (isRoot) await chmod(site.folder, 0o711);
  const cgroups = without.includes('cgroups') ? null : await findCgroups({ root: '/', tryJoin });
  if (cgroups === null) problems.add('no cgroup is writable');
  const filter = await findFilterMethod(site.folder);
  if (filter === null) problems.add('system calls are not filtered, which takes util-linux 2.41 or perl');
  const rangeProblem = isRoot ? await problemOfRange(uidRange) : null;
  if (rangeProblem !== null) problems.add(rangeProblem);
  const reason = (): string | null => (problems.size === 0 ? null : [...problems].join('; '));

  for (const ways of rangeProblem === null ? candidates(isRoot, without) : []) {
    const walls: Walls = { ...ways, cgroups, filter, idMapping: null };
    const problem = await tryWalls(walls, site);
    if (problem !== null) problems.add(problem);
    else {
      const idMapping = walls.kind === 'namespaces' && walls.ownUid ? await findIdMapping(site.folder) : null;
      return { walls: { ...walls, idMapping }, reason: reason() };
    }
  }
  return { walls: { ...none, cgroups }, reason: reason() ?? 'it is not wanted' };
};

/** Best first. Root has a uid for each sandbox, so that even without namespaces there is a wall. */
const candidates = (isRoot: boolean, without: Without): Ways[] => {
  const ownUid = isRoot;
  const all: Ways[] = [
    ...(isRoot ? [true, false] : [false]).flatMap((image) =>
      [true, false].map((seal) => ({ kind: 'namespaces', ownUid, image, sealUserNamespaces: seal }) as const),
    ),
    ...[true, false].map(
      (seal) => ({ kind: 'uid', ownUid, image: false, sealUserNamespaces: seal }) as const,
    ),
  ];
  return all.filter(
    ({ kind, image }) =>
      !(kind === 'namespaces' && without.includes('namespaces')) &&
      !(kind === 'uid' && (!isRoot || without.includes('uid'))) &&
      !(image && without.includes('image')),
  );
};

const trialTimeoutMs = 20_000;

const searchableByAll = 0o001;

/** Without a view of its own, a process of another uid must be able to pass through the folders that lead to its files. */
const closedParentOf = async (folder: string): Promise<string | null> => {
  for (let path = dirname(folder); ; path = dirname(path)) {
    if (((await stat(path)).mode & searchableByAll) === 0) return path;
    if (path === dirname(path)) return null;
  }
};

/** Null when a process ran and ended well behind these walls; else what went wrong. */
const tryWalls = async (walls: Walls, site: Omit<BoxSite, 'walls'>): Promise<string | null> => {
  const closed = walls.kind === 'uid' ? await closedParentOf(site.folder) : null;
  if (closed !== null) return `users cannot pass through "${closed}" (chmod o+x)`;
  try {
    await mkdir(site.lockFolder, { recursive: true, mode: 0o700 });
    const box = await openBox(
      {
        name: `trial-${walls.kind}`,
        identity: 'server',
        command: [shell, '-c', ':'],
        environment: {},
        workingFolder: null,
        limits: trialLimits,
        mounts: [],
        readOnly: [],
        writable: [],
      },
      { ...site, walls },
      AbortSignal.timeout(trialTimeoutMs),
    );
    try {
      const { code, signal } = await box.server.exit;
      return code === 0
        ? null
        : `a trial behind walls of the kind "${walls.kind}" ended with ${signal ?? code}`;
    } finally {
      await box.close();
    }
  } catch (error) {
    return error instanceof Error ? lastLine(error.message) : String(error);
  }
};

const mebibyte = 1024 * 1024;
const trialLimits = { memoryBytes: 64 * mebibyte, cpus: 1, pids: 32, diskBytes: 16 * mebibyte };

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? text;

const tryJoin = async (procsFiles: readonly string[]): Promise<boolean> => {
  const piped = await spawnPiped({ command: joining(procsFiles, [shell, '-c', ':']), environment: {} });
  const { code } = await piped.exit;
  return code === 0;
};
