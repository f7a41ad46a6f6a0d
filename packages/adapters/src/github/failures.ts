// GitHub's refusals in our words, and the limits that they told of.
import { CodeHostError } from '@insightloop/core';

/** What is left of an answer, whichever way it came. */
export interface Refusal {
  status: number;
  header(name: string): string | null;
  /** The message of the body. */
  message: string;
}

/** What GitHub asks to wait after a secondary limit that comes without a time. */
const secondaryWaitSeconds = 60;

/** Null where the refusal is not about limits. */
export function limitOf(refusal: Refusal, nowMs: number): { retryAfterSeconds: number } | null {
  if (refusal.status !== 403 && refusal.status !== 429) return null;
  const retryAfter = Number(refusal.header('retry-after') ?? Number.NaN);
  if (Number.isFinite(retryAfter)) return { retryAfterSeconds: Math.max(1, Math.ceil(retryAfter)) };
  const reset = resetOf(refusal, nowMs);
  if (reset !== null) return { retryAfterSeconds: reset };
  return refusal.status === 429 || /\bsecondary rate\b|\babuse\b/i.test(refusal.message)
    ? { retryAfterSeconds: secondaryWaitSeconds }
    : null;
}

/** Seconds until there are requests again; null while there are some left. */
export function resetOf({ header }: Pick<Refusal, 'header'>, nowMs: number): number | null {
  if (header('x-ratelimit-remaining') !== '0') return null;
  const resetSeconds = Number(header('x-ratelimit-reset') ?? Number.NaN);
  if (!Number.isFinite(resetSeconds)) return secondaryWaitSeconds;
  // An hour is the longest window there is; a clock that is wrong shall not lock us out for longer.
  return Math.min(3600, Math.max(1, Math.ceil(resetSeconds - nowMs / 1000)));
}

export const limited = (retryAfterSeconds: number, authenticated: boolean, cause?: unknown): CodeHostError =>
  new CodeHostError(
    'limited',
    `GitHub's rate limit is used up; try again in ${retryAfterSeconds} s` +
      (authenticated ? '.' : ', or set GITHUB_TOKEN for a higher limit.'),
    { retryAfterSeconds, cause },
  );

export const unreachable = (detail: string, cause: unknown): CodeHostError =>
  new CodeHostError('unreachable', `GitHub cannot be asked right now: ${detail}.`, { cause });

export function refused(refusal: Refusal, authenticated: boolean): CodeHostError {
  const { status } = refusal;
  const cause = new Error(`GitHub answered ${status}: ${refusal.message.slice(0, 500)}`);
  if (status === 401 || status === 403) {
    const what = authenticated ? 'the token in GITHUB_TOKEN' : 'a request without a token';
    return new CodeHostError('refused', `GitHub refuses ${what} (${status}).`, { cause });
  }
  if (status === 422 || status === 400)
    return new CodeHostError('invalid', `GitHub does not take this query: ${refusal.message}.`, { cause });
  return unreachable(`it answered ${status}`, cause);
}
