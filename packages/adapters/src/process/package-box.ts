// What an installer needs of the sandbox: one command behind the same walls as a server, with folders that it may write.
import type { ExitReason, ResourceLimits } from '@insightloop/core';

export interface BoxedCommand {
  /** Names the box (its cgroup, its working folder); unique among those that are alive. */
  name: string;
  /**
   * `installer`: the one uid that owns the download caches; only an installer's own code runs as it.
   * `scripts`: a uid that nothing else has while this command runs, for code out of packages.
   */
  identity: 'installer' | 'scripts';
  /** Absolute path of the program, then its arguments. Never goes through a shell. */
  command: string[];
  /** Must lie in one of `writable`. */
  workingFolder: string;
  /** The whole environment, besides HOME and TMPDIR, which are the box's own. */
  environment: Record<string, string>;
  /** Files and folders that are seen at their own path and never written, wherever they lie. */
  readOnly: string[];
  /**
   * Folders that are seen at their own path and belong to the box's uid, with all they hold, while the command runs.
   * One that belongs to that uid already is taken as it is: a cache has very many files. They are not handed back:
   * the caller takes what it keeps.
   */
  writable: string[];
  limits: ResourceLimits;
  allowUnisolated: boolean;
  /** Ends the whole tree when it aborts. */
  signal: AbortSignal;
  /** Raw bytes as they come; all were delivered when the command is over. */
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

/**
 * Resolves when nothing of the command's tree is left, `stopped` when the signal ended it.
 * @throws AppError DEPLOYMENT_FAILED (infrastructure) where the machine cannot isolate and `allowUnisolated` is not set
 */
export type RunBoxed = (command: BoxedCommand) => Promise<ExitReason>;
