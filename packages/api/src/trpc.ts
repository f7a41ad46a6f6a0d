// The tRPC root: its context, its meta, how errors look on its wire.
import type { AppError } from '@insightloop/core';
import { initTRPC, type TRPC_ERROR_CODE_NUMBER } from '@trpc/server';
import type { Context } from './context.ts';
import { requestIdOf, statusOf, toAppError, toErrorBody, type ErrorBody } from './errors.ts';
import type { ApiMeta } from './meta.ts';
import { wire } from './wire.ts';

/** An error on the tRPC wire. `data.error` is the same body as in the REST envelope. */
export interface ApiErrorShape {
  message: string;
  code: TRPC_ERROR_CODE_NUMBER;
  data: { code: string; httpStatus: number; error: ErrorBody };
}

/**
 * tRPC's own client opens a subscription again for every error with the number of a server's fault. Only what may be
 * well in a moment keeps it.
 */
const numberOf = (error: AppError, number: TRPC_ERROR_CODE_NUMBER): TRPC_ERROR_CODE_NUMBER =>
  number === serverFault && error.code !== 'SERVICE_UNAVAILABLE' ? badRequest : number;
const serverFault = -32_603;
const badRequest = -32_600;

export const t = initTRPC
  .context<Context>()
  .meta<ApiMeta>()
  .create({
    transformer: wire,
    isDev: false,
    sse: {
      ping: { enabled: true, intervalMs: 5_000 },
      // Well away from the 3 s after which an EventSource tries again by itself.
      client: { reconnectAfterInactivityMs: 15_000 },
    },
    errorFormatter({ shape, error, ctx }): ApiErrorShape {
      const appError = toAppError(error);
      const { status, trpc } = statusOf(appError);
      const requestId = requestIdOf(error) ?? ctx?.requestId ?? ctx?.ids.next('req') ?? '';
      return {
        message: appError.message,
        code: numberOf(appError, shape.code),
        data: { code: trpc, httpStatus: status, error: toErrorBody(appError, requestId) },
      };
    },
  });
