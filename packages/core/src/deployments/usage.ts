// How much memory and processor a workload uses: measured when somebody asks, and not more than once a second.
import type { Clock } from '../platform/clock.ts';
import type { Workload, WorkloadStats } from './runtime.ts';

export interface Usage {
  memoryBytes: number;
  memoryLimitBytes: number | null;
  /** Cores in use between this sample and the one before; since the start where there is none before. */
  cpus: number;
  cpuLimit: number | null;
}

interface Sample {
  atMs: number;
  stats: WorkloadStats;
  usage: Usage;
}

const minIntervalMs = 1_000;

export interface UsageMeter {
  /** Null where nothing is run by us. */
  read(): Promise<Usage | null>;
}

export function createUsageMeter(workload: Workload, clock: Clock): UsageMeter {
  const startedAtMs = clock.now();
  let last: Sample | null = null;
  let reading: Promise<Usage | null> | null = null;

  const measure = async (): Promise<Usage | null> => {
    const stats = await workload.stats();
    if (!stats) return null;
    const atMs = clock.now();
    const seconds = (atMs - (last?.atMs ?? startedAtMs)) / 1000;
    const cpuSeconds = stats.cpuSeconds - (last?.stats.cpuSeconds ?? 0);
    const usage = {
      memoryBytes: stats.memoryBytes,
      memoryLimitBytes: stats.memoryLimitBytes,
      cpus: seconds > 0 ? Math.max(0, cpuSeconds / seconds) : 0,
      cpuLimit: stats.cpuLimit,
    };
    last = { atMs, stats, usage };
    return usage;
  };

  return {
    read() {
      if (last && clock.now() - last.atMs < minIntervalMs) return Promise.resolve(last.usage);
      reading ??= measure().finally(() => {
        reading = null;
      });
      return reading;
    },
  };
}
