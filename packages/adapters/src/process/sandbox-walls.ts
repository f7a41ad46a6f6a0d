// Which walls this machine can put around a process.
import type { Enforced, IsolationLevel } from '@insightloop/core';
import type { Cgroups } from './cgroup.ts';
import type { FilterMethod } from './sandbox-filter.ts';
import type { IdMapping } from './namespace-idmap.ts';

export interface Walls {
  /**
   * `namespaces`: own view of files, processes and IPC, and as root an own uid. `uid`: an own uid alone, where root
   * may not make namespaces (an ordinary container). `none`: a process like ours.
   */
  kind: 'namespaces' | 'uid' | 'none';
  /** Whether each sandbox has a uid of its own: only root can give one. */
  ownUid: boolean;
  /** Private files lie on a file system of their own size. */
  image: boolean;
  /** The server cannot make user namespaces. Where it is false, the kernel forbids them anyway, or cannot. */
  sealUserNamespaces: boolean;
  cgroups: Cgroups | null;
  /** How system calls are filtered; null where they are not. */
  filter: FilterMethod | null;
  /** How mounts are made to belong to a uid of its own; null where that cannot be, or need not. */
  idMapping: IdMapping | null;
}

export const levelOf = ({ kind }: Walls): IsolationLevel => (kind === 'none' ? 'none' : 'user');

/** RLIMIT_NPROC counts the processes of a uid, since kernel 5.14 those of a user namespace; of our own it counts ours. */
export const countsProcesses = ({ ownUid, sealUserNamespaces }: Walls): boolean =>
  ownUid || sealUserNamespaces;

export const enforcedBy = (walls: Walls): Enforced => {
  const { image, cgroups } = walls;
  return {
    memory: cgroups?.holds.memory ? 'cgroup' : 'watchdog',
    cpu: cgroups?.holds.cpu ?? false,
    pids: (cgroups?.holds.pids ?? false) || countsProcesses(walls),
    disk: image,
  };
};
