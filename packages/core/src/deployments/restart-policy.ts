// When a crashed server is started again: at once at first, then later and later, at last not at all.

export interface RestartPolicy {
  /** The delay after the second failure in a row; the first restart is immediate. What falls at once costs its neighbours. */
  baseDelayMs: number;
  maxDelayMs: number;
  /** Failures in a row after which we give up. */
  maxFailures: number;
  /** A run of this length was a good one, whatever ended it. */
  quietMs: number;
}

export const defaultRestartPolicy: RestartPolicy = {
  baseDelayMs: 1_000,
  maxDelayMs: 30_000,
  maxFailures: 10,
  quietMs: 60_000,
};

/**
 * What a run was like. One that answered somebody was a good one: it is not the start that fails, so the
 * next one follows at once.
 */
export interface Run {
  durationMs: number;
  answered: boolean;
}

export const wasGood = (run: Run, policy: RestartPolicy): boolean =>
  run.answered || run.durationMs >= policy.quietMs;

/**
 * @param failures how many runs in a row were not good, this one included; 0 after a good one
 * @param random in [0, 1): spreads servers that fell together, by half the delay
 * @returns milliseconds to wait, or null when it is time to give up
 */
export function restartDelay(failures: number, random: number, policy: RestartPolicy): number | null {
  if (failures > policy.maxFailures) return null;
  if (failures <= 1) return 0;
  const full = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failures - 2));
  return Math.round(full / 2 + (full / 2) * random);
}
