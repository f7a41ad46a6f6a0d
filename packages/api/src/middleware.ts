// What happens around every operation: request id, rate limit, errors mapped once and their causes logged.
import { rateLimitExceeded, type AppError } from '@insightloop/core';
import type { Context } from './context.ts';
import { RequestError, statusOf, toAppError } from './errors.ts';
import type { RateLimitGroup } from './meta.ts';
import { nothingLeft } from './nothing-left.ts';
import { t } from './trpc.ts';

/**
 * What every operation is built on: counts the request, maps what is thrown, also inside a stream, and says when trying
 * again makes sense. One middleware, and no new context where the door has named the request: in tRPC each copies
 * everything by its descriptors, which cost a third of a trivial call.
 */
export const operation = t.procedure.use(async ({ ctx, path, meta, next }) => {
  const requestId = ctx.requestId ?? ctx.ids.next('req');
  const refuse = (thrown: unknown): RequestError => {
    const error = toAppError(thrown);
    logFailure(ctx, error, { request_id: requestId, operation: path });
    if (error.retryAfterSeconds !== null) ctx.setHeader('Retry-After', String(error.retryAfterSeconds));
    return new RequestError(error, requestId);
  };
  try {
    await countRequest(ctx, meta?.limit ?? 'unlimited');
  } catch (thrown) {
    throw refuse(thrown);
  }
  const result = ctx.requestId === null ? await next({ ctx: { requestId } }) : await next();
  if (!result.ok) throw refuse(result.error);
  return isStream(result.data) && result.data !== nothingLeft
    ? { ...result, data: mapErrors(result.data, refuse) }
    : result;
});

function logFailure(ctx: Context, error: AppError, fields: { request_id: string; operation: string }): void {
  const { status } = statusOf(error);
  if (status >= 500) ctx.log.error({ ...fields, code: error.code, err: error.cause ?? error }, error.message);
  else ctx.log.debug({ ...fields, code: error.code, err: error.cause }, error.message);
}

const isStream = (data: unknown): data is AsyncIterable<unknown> =>
  typeof data === 'object' && data !== null && Symbol.asyncIterator in data;

/** By hand, as a generator around a generator costs several turns for each of many thousand items. */
function mapErrors(
  stream: AsyncIterable<unknown>,
  map: (thrown: unknown) => RequestError,
): AsyncIterableIterator<unknown> {
  const iterator = stream[Symbol.asyncIterator]();
  const fail = (thrown: unknown): never => {
    throw map(thrown);
  };
  return {
    next: () => iterator.next().catch(fail),
    return: (value) =>
      iterator.return?.(value).catch(fail) ?? Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Before the input is even looked at; a stream counts once.
 * @throws AppError RATE_LIMIT_EXCEEDED
 */
async function countRequest(ctx: Context, group: RateLimitGroup): Promise<void> {
  if (group === 'unlimited') return;
  const state = await ctx.rateLimiter.take(group, ctx.caller.limitKey);
  if (Number.isFinite(state.limit)) {
    ctx.setHeader('X-RateLimit-Limit', String(state.limit));
    ctx.setHeader('X-RateLimit-Remaining', String(state.remaining));
    ctx.setHeader('X-RateLimit-Reset', String(state.resetSeconds));
  }
  if (!state.allowed) {
    const seconds = Math.max(1, state.resetSeconds - Math.floor(Date.now() / 1000));
    throw rateLimitExceeded(group, seconds);
  }
}
