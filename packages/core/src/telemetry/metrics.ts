// The figures of a running server: its calls of the last minutes, its memory, its processor.
import { z } from 'zod';
import type { Clock } from '../platform/clock.ts';

const windowSeconds = 300;
const minuteSeconds = 60;

export interface CallFigures {
  requests_total: number;
  requests_per_minute: number;
  average_response_time: number | null;
  error_rate: number;
}

export interface CallStats {
  /** @param call `ok` is false for transport failures and for errors of the tool itself */
  record(call: { durationMs: number; ok: boolean }): void;
  snapshot(): CallFigures;
}

/** The calls that ended within one second. */
interface Bucket {
  second: number;
  calls: number;
  errors: number;
  durationMs: number;
}

/**
 * Counts in buckets of a second, so memory is constant and a window is exact to the second: the last 60 s are the
 * current second and the 59 before it. Where the clock is set back, what lies in its future waits until then.
 */
export function createCallStats(clock: Clock): CallStats {
  const buckets: Bucket[] = Array.from({ length: windowSeconds }, () => emptyBucket(-windowSeconds));
  let total = 0;
  const now = (): number => Math.floor(clock.now() / 1000);

  return {
    record({ durationMs, ok }) {
      const second = now();
      const place = second % windowSeconds;
      let bucket = buckets[place];
      if (bucket?.second !== second) buckets[place] = bucket = emptyBucket(second);
      bucket.calls += 1;
      bucket.durationMs += durationMs;
      if (!ok) bucket.errors += 1;
      total += 1;
    },
    snapshot() {
      const second = now();
      let [lastMinute, calls, errors, durationMs] = [0, 0, 0, 0];
      for (const bucket of buckets) {
        const age = second - bucket.second;
        if (age < 0 || age >= windowSeconds) continue;
        if (age < minuteSeconds) lastMinute += bucket.calls;
        calls += bucket.calls;
        errors += bucket.errors;
        durationMs += bucket.durationMs;
      }
      return {
        requests_total: total,
        requests_per_minute: lastMinute,
        average_response_time: calls > 0 ? rounded(durationMs / calls, 3) : null,
        error_rate: calls > 0 ? rounded(errors / calls, 4) : 0,
      };
    },
  };
}

const emptyBucket = (second: number): Bucket => ({ second, calls: 0, errors: 0, durationMs: 0 });

export const memoryFigures = z.object({
  used: z.int().nullable().describe('bytes; null where the server runs elsewhere'),
  limit: z.int().nullable().describe('bytes; null without a limit'),
  percentage: z.number().nullable().describe('of the limit; null without one'),
});
export type MemoryFigures = z.infer<typeof memoryFigures>;

export const cpuFigures = z.object({
  usage: z.number().nullable().describe('cores in use; null where the server runs elsewhere'),
  limit: z.number().nullable().describe('cores; null without a limit'),
  percentage: z.number().nullable().describe('of the limit; null without one'),
});
export type CpuFigures = z.infer<typeof cpuFigures>;

/** The answer of `GET /api/servers/{server_id}/metrics`. */
export const serverMetrics = z.object({
  server_id: z.string(),
  metrics: z.object({
    requests_total: z.int().describe('calls since the deployment began, or since our own start'),
    requests_per_minute: z.int().describe('calls that ended within the last 60 s'),
    average_response_time: z
      .number()
      .nullable()
      .describe('milliseconds, over the last 5 minutes; null without calls'),
    error_rate: z
      .number()
      .describe('0 to 1, over the last 5 minutes: transport failures and errors of tools; 0 without calls'),
    uptime_seconds: z.number().nullable().describe('since the server began to serve; null while it does not'),
    memory: memoryFigures,
    cpu: cpuFigures,
  }),
});
export type ServerMetrics = z.infer<typeof serverMetrics>;

/** What is in use and what may be, in bytes; null where it is not known or not limited. */
export const memoryFiguresOf = (used: number | null, limit: number | null): MemoryFigures => ({
  used: used === null ? null : Math.round(used),
  limit,
  percentage: percentageOf(used, limit),
});

/** What is in use and what may be, in cores; null where it is not known or not limited. */
export const cpuFiguresOf = (usage: number | null, limit: number | null): CpuFigures => ({
  usage: usage === null ? null : rounded(usage, 3),
  limit,
  percentage: percentageOf(usage, limit),
});

/** MiB, written as the specification does: `256MB`. */
export const memoryText = (bytes: number): string => `${Math.round(bytes / (1024 * 1024))}MB`;

/** Percent of one core: `25%`. */
export const cpuText = (cores: number): string => `${Math.round(cores * 100)}%`;

const percentageOf = (used: number | null, limit: number | null): number | null =>
  used === null || limit === null || limit <= 0 ? null : rounded((used / limit) * 100, 2);

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
