// From errors to answers: one table of statuses, one envelope for all doors.
import {
  AppError,
  internalError,
  invalidRequest,
  methodNotAllowed,
  payloadTooLarge,
  routeNotFound,
  unsupportedMediaType,
  type ErrorCode,
  type Issue,
} from '@insightloop/core';
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server';
import { z, ZodError } from 'zod';

interface StatusRow {
  status: number;
  trpc: TRPC_ERROR_CODE_KEY;
}

const badGateway: StatusRow = { status: 502, trpc: 'BAD_GATEWAY' };
const conflictRow: StatusRow = { status: 409, trpc: 'CONFLICT' };
const notFound: StatusRow = { status: 404, trpc: 'NOT_FOUND' };
const unavailable: StatusRow = { status: 503, trpc: 'SERVICE_UNAVAILABLE' };
const unprocessable: StatusRow = { status: 422, trpc: 'UNPROCESSABLE_CONTENT' };

/** Complete by its type. DEPLOYMENT_FAILED alone has a second status: 503 where our surroundings are at fault. */
export const statusTable: Readonly<Record<ErrorCode, StatusRow>> = {
  INVALID_REQUEST: { status: 400, trpc: 'BAD_REQUEST' },
  UNAUTHORIZED: { status: 401, trpc: 'UNAUTHORIZED' },
  FORBIDDEN: { status: 403, trpc: 'FORBIDDEN' },
  NOT_FOUND: notFound,
  SERVER_NOT_FOUND: notFound,
  TASK_NOT_FOUND: notFound,
  TOOL_NOT_FOUND: notFound,
  DEPLOYMENT_NOT_FOUND: notFound,
  SECRET_NOT_FOUND: notFound,
  METHOD_NOT_ALLOWED: { status: 405, trpc: 'METHOD_NOT_SUPPORTED' },
  SERVER_ALREADY_DEPLOYED: conflictRow,
  SERVER_NOT_RUNNING: conflictRow,
  CONFLICT: conflictRow,
  PAYLOAD_TOO_LARGE: { status: 413, trpc: 'PAYLOAD_TOO_LARGE' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE' },
  INVALID_CONFIGURATION: unprocessable,
  DEPLOYMENT_FAILED: unprocessable,
  SERVER_NOT_VERIFIED: unprocessable,
  RATE_LIMIT_EXCEEDED: { status: 429, trpc: 'TOO_MANY_REQUESTS' },
  INTERNAL_ERROR: { status: 500, trpc: 'INTERNAL_SERVER_ERROR' },
  ORCHESTRATION_FAILED: badGateway,
  TOOL_CALL_FAILED: badGateway,
  DISCOVERY_FAILED: unavailable,
  GEMINI_API_ERROR: unavailable,
  SERVICE_UNAVAILABLE: unavailable,
  TOOL_TIMEOUT: { status: 504, trpc: 'GATEWAY_TIMEOUT' },
};

export const statusOf = (error: AppError): StatusRow =>
  error.code === 'DEPLOYMENT_FAILED' && error.infrastructure ? unavailable : statusTable[error.code];

/** Written out, as the SDK's declarations hold it and must not name zod. */
export interface ErrorBody {
  code: string;
  message: string;
  details: Record<string, unknown> | null;
  timestamp: string;
  request_id: string;
}

const errorBody = z
  .object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).nullable(),
    timestamp: z.iso.datetime(),
    request_id: z.string(),
  })
  .meta({ id: 'Error' }) satisfies z.ZodType<ErrorBody>;

/** The body of every answer that is not a success, whatever door it leaves by. */
export const errorEnvelope = z.object({ error: errorBody }).meta({ id: 'ErrorEnvelope' });
export type ErrorEnvelope = z.infer<typeof errorEnvelope>;

export function toErrorBody(error: AppError, requestId: string): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    details: error.details,
    timestamp: new Date().toISOString(),
    request_id: requestId,
  };
}

/** A mapped error on its way through tRPC: keeps the request it belongs to. */
export class RequestError extends TRPCError {
  readonly appError: AppError;
  readonly requestId: string;

  constructor(appError: AppError, requestId: string) {
    super({ code: statusOf(appError).trpc, message: appError.message, cause: appError });
    this.appError = appError;
    this.requestId = requestId;
  }
}

/** Errors that tRPC threw before an operation of ours ran. */
const requestIds = new WeakMap<TRPCError, string>();

/** Says which request an error of tRPC's own belongs to: for its HTTP layer, where there is no context yet. */
export function nameRequest(error: TRPCError, requestId: string): void {
  requestIds.set(error, requestId);
}

export const requestIdOf = (error: TRPCError): string | null =>
  error instanceof RequestError ? error.requestId : (requestIds.get(error) ?? null);

/** What any thrown thing is to a caller. What is not ours says nothing but that it is internal. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof RequestError) return thrown.appError;
  if (!(thrown instanceof TRPCError)) return internalError(thrown);
  if (thrown.cause instanceof AppError) return thrown.cause;
  switch (thrown.code) {
    case 'BAD_REQUEST':
      return thrown.cause instanceof ZodError
        ? invalidRequest('The request is not valid; see details.issues.', issuesOf(thrown.cause))
        : invalidRequest('The request could not be read.');
    case 'PARSE_ERROR':
      return invalidRequest('The body is not valid JSON.');
    case 'NOT_FOUND':
      return routeNotFound('There is no such operation; GET /openapi.json lists them.');
    case 'METHOD_NOT_SUPPORTED':
      return methodNotAllowed('This method', ['GET for queries', 'POST for mutations']);
    case 'PAYLOAD_TOO_LARGE':
      return payloadTooLarge('The body is too large.');
    case 'UNSUPPORTED_MEDIA_TYPE':
      return unsupportedMediaType('Send the body as application/json.');
    default:
      return internalError(thrown);
  }
}

function issuesOf(error: ZodError): Issue[] {
  return error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
    code: issue.code,
    message: issue.message,
  }));
}
