// The contract: what the server mounts and what the SDK takes its types from.
export type { Caller, Context } from './context.ts';
export { coerceBoolean, coerceFields } from './coerce.ts';
export {
  nameRequest,
  RequestError,
  statusOf,
  toAppError,
  toErrorBody,
  type ErrorBody,
  type ErrorEnvelope,
} from './errors.ts';
export { nothingLeft } from './nothing-left.ts';
export { openApiDocument } from './openapi.ts';
export { restRoutes, takesBody, type RestRoute } from './rest-routes.ts';
export { appRouter, type AppRouter } from './router.ts';
export type { ApiErrorShape } from './trpc.ts';
export type { ErrorCode } from '@insightloop/core';
