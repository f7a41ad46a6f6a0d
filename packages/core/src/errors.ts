// The errors of the product: a closed union of codes, one class, one maker per code.

/**
 * Every code that a caller can receive. The HTTP status and the tRPC code of each stand in one table,
 * `packages/api/src/errors.ts`.
 */
export type ErrorCode =
  | 'INVALID_REQUEST'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'SERVER_NOT_FOUND'
  | 'TASK_NOT_FOUND'
  | 'TOOL_NOT_FOUND'
  | 'DEPLOYMENT_NOT_FOUND'
  | 'SECRET_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'SERVER_ALREADY_DEPLOYED'
  | 'SERVER_NOT_RUNNING'
  | 'CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'INVALID_CONFIGURATION'
  | 'DEPLOYMENT_FAILED'
  | 'SERVER_NOT_VERIFIED'
  | 'RATE_LIMIT_EXCEEDED'
  | 'INTERNAL_ERROR'
  | 'ORCHESTRATION_FAILED'
  | 'TOOL_CALL_FAILED'
  | 'DISCOVERY_FAILED'
  | 'GEMINI_API_ERROR'
  | 'SERVICE_UNAVAILABLE'
  | 'TOOL_TIMEOUT';

export type ErrorDetails = Record<string, unknown>;

/** One thing that is wrong with a request: where (a path into the input) and what. */
export interface Issue {
  path: (string | number)[];
  code: string;
  message: string;
}

interface AppErrorOptions {
  details?: ErrorDetails | undefined;
  /** For the log only; never reaches a caller. */
  cause?: unknown;
  /** Seconds after which trying again makes sense: becomes the Retry-After header. */
  retryAfterSeconds?: number | undefined;
  /** The fault lies with our surroundings (a daemon, a missing key), not with what was asked for. */
  infrastructure?: boolean | undefined;
}

/** The one error class above the adapters: `message` and `details` are for the caller, `cause` is for the log. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | null;
  readonly retryAfterSeconds: number | null;
  readonly infrastructure: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.infrastructure = options.infrastructure ?? false;
  }
}

export const invalidRequest = (message: string, issues: Issue[] = []): AppError =>
  new AppError('INVALID_REQUEST', message, { details: { issues } });

export const unauthorized = (message: string): AppError => new AppError('UNAUTHORIZED', message);

export const forbidden = (message: string): AppError => new AppError('FORBIDDEN', message);

export const routeNotFound = (message: string): AppError => new AppError('NOT_FOUND', message);

export const serverNotFound = (serverId: string): AppError =>
  new AppError(
    'SERVER_NOT_FOUND',
    `No server has the id "${serverId}". List them with GET /api/servers, or register one with POST /api/servers.`,
    { details: { server_id: serverId } },
  );

export const taskNotFound = (taskId: string): AppError =>
  new AppError('TASK_NOT_FOUND', `No task has the id "${taskId}".`, { details: { task_id: taskId } });

export const toolNotFound = (serverId: string, tool: string): AppError =>
  new AppError(
    'TOOL_NOT_FOUND',
    `Server "${serverId}" has no tool "${tool}". List its tools with GET /api/servers/${serverId}/tools.`,
    { details: { server_id: serverId, tool } },
  );

export const deploymentNotFound = (details: ErrorDetails): AppError =>
  new AppError('DEPLOYMENT_NOT_FOUND', 'There is no such deployment.', { details });

export const secretNotFound = (name: string): AppError =>
  new AppError('SECRET_NOT_FOUND', `No secret is named "${name}".`, { details: { name } });

export const methodNotAllowed = (method: string, allowed: string[]): AppError =>
  new AppError('METHOD_NOT_ALLOWED', `${method} is not allowed here; use ${allowed.join(' or ')}.`, {
    details: { allowed },
  });

export const serverAlreadyDeployed = (serverId: string, deploymentId: string | null): AppError =>
  new AppError(
    'SERVER_ALREADY_DEPLOYED',
    `Server "${serverId}" is already deployed. Stop it first with POST /api/servers/${serverId}/stop.`,
    { details: { server_id: serverId, deployment_id: deploymentId } },
  );

export const serverNotRunning = (serverId: string, details: ErrorDetails = {}): AppError =>
  new AppError(
    'SERVER_NOT_RUNNING',
    `Server "${serverId}" is not running. Deploy it with POST /api/deploy/${serverId}.`,
    { details: { server_id: serverId, ...details } },
  );

export const conflict = (message: string, details?: ErrorDetails): AppError =>
  new AppError('CONFLICT', message, { details });

export const payloadTooLarge = (message: string): AppError => new AppError('PAYLOAD_TOO_LARGE', message);

export const unsupportedMediaType = (message: string): AppError =>
  new AppError('UNSUPPORTED_MEDIA_TYPE', message);

export const invalidConfiguration = (message: string, details?: ErrorDetails): AppError =>
  new AppError('INVALID_CONFIGURATION', message, { details });

/** The image, the package or the command failed: nothing of ours can mend it. */
export const deploymentFailed = (message: string, details?: ErrorDetails, cause?: unknown): AppError =>
  new AppError('DEPLOYMENT_FAILED', message, { details, cause });

/** What the deployment needs of this machine is missing: a daemon, a key, an isolation level. */
export const deploymentUnavailable = (message: string, details?: ErrorDetails, cause?: unknown): AppError =>
  new AppError('DEPLOYMENT_FAILED', message, { details, cause, infrastructure: true });

export const serverNotVerified = (message: string, details?: ErrorDetails): AppError =>
  new AppError('SERVER_NOT_VERIFIED', message, { details });

export const rateLimitExceeded = (group: string, retryAfterSeconds: number): AppError =>
  new AppError(
    'RATE_LIMIT_EXCEEDED',
    `The hourly limit of "${group}" requests is used up. Try again in ${retryAfterSeconds} s.`,
    { details: { group, retry_after: retryAfterSeconds }, retryAfterSeconds },
  );

/** What is unknown says nothing to the caller; the cause goes to the log beside the request id. */
export const internalError = (cause: unknown): AppError =>
  new AppError('INTERNAL_ERROR', 'Something went wrong on our side; the request id finds it in our log.', {
    cause,
  });

export const orchestrationFailed = (message: string, details?: ErrorDetails, cause?: unknown): AppError =>
  new AppError('ORCHESTRATION_FAILED', message, { details, cause });

export const toolCallFailed = (message: string, details?: ErrorDetails, cause?: unknown): AppError =>
  new AppError('TOOL_CALL_FAILED', message, { details, cause });

export const discoveryFailed = (message: string, retryAfterSeconds: number, cause?: unknown): AppError =>
  new AppError('DISCOVERY_FAILED', message, {
    details: { retry_after: retryAfterSeconds },
    retryAfterSeconds,
    cause,
  });

export const geminiApiError = (message: string, details: ErrorDetails = {}, cause?: unknown): AppError => {
  const { retry_after: seconds } = details;
  const retryAfterSeconds = typeof seconds === 'number' ? seconds : undefined;
  return new AppError('GEMINI_API_ERROR', message, { details, cause, retryAfterSeconds });
};

export const serviceUnavailable = (message: string, retryAfterSeconds: number, cause?: unknown): AppError =>
  new AppError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds, cause });

export const toolTimeout = (serverId: string, tool: string, timeoutMs: number): AppError =>
  new AppError(
    'TOOL_TIMEOUT',
    `Tool "${tool}" did not answer within ${timeoutMs} ms. Give more time with timeout_ms.`,
    { details: { server_id: serverId, tool, timeout_ms: timeoutMs } },
  );
