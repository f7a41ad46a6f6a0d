// Rate limits in memory: a fixed window of an hour per caller and group.
import type { Clock } from './clock.ts';
import type { RateLimiter, RateLimitState } from './rate-limiter.ts';

export const windowMs = 3_600_000;

/** Enough for every caller of one process; beyond it the oldest windows are forgotten, so memory stays bounded. */
const maxWindows = 100_000;

interface Window {
  endsAtMs: number;
  used: number;
}

/** @param limits requests per hour of each group; a group that is not named is not limited */
export function createFixedWindowLimiter(
  limits: Readonly<Record<string, number>>,
  clock: Clock,
): RateLimiter {
  const windows = new Map<string, Window>();

  const windowOf = (key: string): Window => {
    const now = clock.now();
    const known = windows.get(key);
    if (known && now < known.endsAtMs) return known;
    // Deleting first moves the key to the end: the map's order is then the order in which windows end.
    windows.delete(key);
    const fresh = { endsAtMs: now + windowMs, used: 0 };
    windows.set(key, fresh);
    for (const [oldest, window] of windows) {
      if (window.endsAtMs > now && windows.size <= maxWindows) break;
      windows.delete(oldest);
    }
    return fresh;
  };

  return {
    take(group, caller): RateLimitState {
      const limit = limits[group];
      if (limit === undefined)
        return { limit: Infinity, remaining: Infinity, resetSeconds: 0, allowed: true };
      const window = windowOf(`${group} ${caller}`);
      const allowed = window.used < limit;
      if (allowed) window.used += 1;
      return {
        limit,
        remaining: limit - window.used,
        resetSeconds: Math.ceil(window.endsAtMs / 1000),
        allowed,
      };
    },
  };
}
