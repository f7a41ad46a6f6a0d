// Port: the walls around a process that runs a stranger's code.
import type { Readable, Writable } from 'node:stream';

/**
 * `user`: another uid than ours (root), or namespaces of user, pid and mount (not root).
 * `none`: a clean environment on our own uid, which is no boundary.
 */
export type IsolationLevel = 'user' | 'none';

/** How each limit is held on this machine. `false`: the machine cannot enforce it, and the answer says so. */
export interface Enforced {
  memory: 'cgroup' | 'watchdog';
  cpu: boolean;
  pids: boolean;
  /** By a file system of that size. Where false, a watchdog still ends what it finds to be too much, later. */
  disk: boolean;
}

export interface ResourceLimits {
  memoryBytes: number;
  /** Cores, such as 0.5. */
  cpus: number;
  pids: number;
  diskBytes: number;
}

/** A host path that the sandboxed process may see. */
export interface SandboxMount {
  source: string;
  target: string;
  readOnly: boolean;
}

export interface SandboxRequest {
  /** Names the sandbox: its working folder, its cgroup, its uid. */
  deploymentId: string;
  /** Absolute path of the program, then its arguments. Never goes through a shell. */
  command: string[];
  /** The whole environment of the process, besides what the sandbox itself must set (HOME, TMPDIR, PATH). */
  environment: Record<string, string>;
  limits: ResourceLimits;
  mounts: SandboxMount[];
  /** Folders that the process may read and never write: the installed package, its interpreter. */
  readOnly: string[];
  allowUnisolated: boolean;
}

/** What is needed to find a process again after we died: pid and start time, because pids are reused. */
export interface ProcessRecord {
  instanceId: string;
  deploymentId: string;
  pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks after boot. */
  startTime: string;
  /** Of this boot, so that a record from before a reboot matches nothing. */
  bootId: string;
  cgroup: string | null;
  uid: number | null;
}

export interface SandboxStats {
  /** Proportional set size of the whole tree where the kernel tells, else resident. */
  memoryBytes: number;
  residentBytes: number;
  /** CPU time of the whole tree since its start, dead children included where a cgroup counts them. */
  cpuSeconds: number;
  processes: number;
  diskBytes: number;
}

export type ExitReason =
  | { kind: 'exit'; code: number }
  | { kind: 'signal'; signal: string }
  | { kind: 'out_of_memory' }
  | { kind: 'disk_full' }
  | { kind: 'stopped' };

export interface SandboxedProcess {
  readonly record: ProcessRecord;
  readonly isolation: IsolationLevel;
  readonly enforced: Enforced;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  stats(): Promise<SandboxStats>;
  /** Closes stdin, then SIGTERM, then SIGKILL, each after its share of `graceMs`, over the whole tree; removes what was made. */
  stop(graceMs: number): Promise<void>;
  /** Resolves when the process and its whole tree are gone and its folders are removed. Never rejects. */
  readonly exited: Promise<ExitReason>;
}

export interface Sandbox {
  /** The level this machine gives, and in words why not a better one. */
  available(): Promise<{ isolation: IsolationLevel; enforced: Enforced; reason: string | null }>;
  /**
   * @throws AppError DEPLOYMENT_FAILED (infrastructure) where the machine cannot isolate and `allowUnisolated` is not set,
   *   DEPLOYMENT_FAILED where the command cannot be started
   */
  start(request: SandboxRequest, signal: AbortSignal): Promise<SandboxedProcess>;
  /** Everything on this machine that carries our instance id and is still alive. */
  owned(): Promise<ProcessRecord[]>;
  /** Ends a process of an earlier life of ours, its tree and its folders; does nothing where the record no longer matches. */
  sweep(record: ProcessRecord): Promise<void>;
  /** Whether a uid belongs to a sandboxed process: such callers have no business with our API. */
  ownsUid(uid: number): boolean;
}
