// Port: how many requests a caller may still make.

export interface RateLimitState {
  /** Requests per window. */
  limit: number;
  remaining: number;
  /** Unix seconds at which the window ends. */
  resetSeconds: number;
  allowed: boolean;
}

export interface RateLimiter {
  /** Counts one request of `caller` in `group`. A refused request does not count. */
  take(group: string, caller: string): Promise<RateLimitState> | RateLimitState;
}
