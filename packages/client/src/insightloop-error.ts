// The error of every call and stream that fails.
import type { ErrorCode } from '@insightloop/api';

/** Codes of the API, and two of the client's own: no answer at all, and one that is not from this API. */
export type InsightLoopErrorCode = ErrorCode | 'CONNECTION_FAILED' | 'UNEXPECTED_ANSWER';

export interface InsightLoopErrorOptions {
  status?: number | null;
  requestId?: string | null;
  details?: Record<string, unknown> | null;
  retryAfterSeconds?: number | null;
  cause?: unknown;
}

export class InsightLoopError extends Error {
  override readonly name = 'InsightLoopError';
  /** What went wrong, for programs. A newer server may send codes that this version does not know. */
  readonly code: InsightLoopErrorCode | (string & Record<never, never>);
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** Finds the request in the server's log. */
  readonly requestId: string | null;
  /** More about the error, by its code; `issues` with their paths for INVALID_REQUEST. */
  readonly details: Record<string, unknown> | null;
  /** Seconds after which trying again makes sense, where the server said so. */
  readonly retryAfterSeconds: number | null;

  constructor(code: InsightLoopError['code'], message: string, options: InsightLoopErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? null;
    this.requestId = options.requestId ?? null;
    this.details = options.details ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
