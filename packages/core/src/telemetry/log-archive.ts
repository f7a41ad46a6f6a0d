// Port: where the lines of deployments are kept, beyond their end and beyond ours.
import type { LogLine } from './log-line.ts';

export interface LogArchive {
  /**
   * Takes lines in the order of their numbers. Never waits and never fails for reasons of the medium: where that is too
   * slow or broken, lines are left out, and a line in their place says how many.
   */
  append(deploymentId: string, lines: readonly LogLine[]): void;
  /**
   * The last lines, oldest first, with everything that was appended before the call; none of a deployment that is not
   * known. At most `count`, fewer where the archive no longer holds them.
   * @throws AppError SERVICE_UNAVAILABLE when they cannot be read
   */
  tail(deploymentId: string, count: number): Promise<LogLine[]>;
  /** Forgets a deployment. Idempotent. */
  remove(deploymentId: string): Promise<void>;
}

/** Who writes lines that stand for missing ones. */
const ourSource = 'insightloop';

/** The honest line in the place of `count` lines, of which `last` was the last. */
export const missingLine = (last: LogLine, count: number): LogLine => ({
  ...last,
  level: 'warn',
  source: ourSource,
  message: `[${count} ${count === 1 ? 'line is' : 'lines are'} missing here: they came faster than they could be stored]`,
});
