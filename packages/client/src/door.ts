// The way to the server: every request goes through here, and every failure comes back as an InsightLoopError.
import type { ErrorBody } from '@insightloop/api';
import superjson from 'superjson';
import { InsightLoopError } from './insightloop-error.ts';

export interface Door {
  /** Of the tRPC door, without a slash at the end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;
}

/**
 * @throws InsightLoopError when there is no answer, or one that is not a success
 * @throws whatever `init.signal` was aborted with
 */
export async function reach(door: Door, url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await door.fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted) throw init.signal.reason;
    throw connectionFailed(door, cause);
  }
  if (!response.ok) throw await refusal(door, response);
  return response;
}

/** @throws InsightLoopError when the body breaks off or is not JSON */
export async function readJson(door: Door, response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw connectionFailed(door, cause);
  }
  return parseJson(door, text);
}

/** @throws InsightLoopError */
export function parseJson(door: Door, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unexpectedAnswer(door, 'it is not JSON', { cause });
  }
}

export const connectionFailed = (door: Door, cause: unknown): InsightLoopError =>
  new InsightLoopError(
    'CONNECTION_FAILED',
    `Cannot reach ${door.url}: ${reasonOf(cause)}. Is the server running there, and is baseUrl right?`,
    { cause },
  );

export const unexpectedAnswer = (
  door: Door,
  what: string,
  options: { status?: number; cause?: unknown } = {},
): InsightLoopError =>
  new InsightLoopError(
    'UNEXPECTED_ANSWER',
    `${door.url} gave an answer that is none of this API's: ${what}. Does baseUrl point at InsightLoop?`,
    options,
  );

/** The error of an answer, from its parsed body; null when there is none of ours in it. */
export function errorFrom(body: unknown, answer: Response | null): InsightLoopError | null {
  const found = errorBodyOf(body);
  if (!found) return null;
  return new InsightLoopError(found.error.code, found.error.message, {
    status: found.status ?? answer?.status ?? null,
    requestId: found.error.request_id,
    details: found.error.details,
    retryAfterSeconds: retryAfterOf(answer, found.error.details),
  });
}

async function refusal(door: Door, response: Response): Promise<InsightLoopError> {
  const { status } = response;
  try {
    const body: unknown = JSON.parse(await response.text());
    const error = errorFrom(isObject(body) ? body['error'] : null, response);
    if (error) return error;
  } catch (cause) {
    return unexpectedAnswer(door, `status ${status} without an error of ours`, { status, cause });
  }
  return unexpectedAnswer(door, `status ${status} without an error of ours`, { status });
}

/** The gate and other routes answer with the error as it is, the tRPC door with it inside of a shape, in superjson. */
function errorBodyOf(error: unknown): { error: ErrorBody; status: number | null } | null {
  if (isErrorBody(error)) return { error, status: null };
  if (!isObject(error) || !isObject(error['json'])) return null;
  const shape: unknown = superjson.deserialize({ json: null, ...error });
  const data = isObject(shape) ? shape['data'] : null;
  if (!isObject(data) || !isErrorBody(data['error'])) return null;
  return { error: data['error'], status: typeof data['httpStatus'] === 'number' ? data['httpStatus'] : null };
}

const isErrorBody = (value: unknown): value is ErrorBody =>
  isObject(value) &&
  typeof value['code'] === 'string' &&
  typeof value['message'] === 'string' &&
  typeof value['request_id'] === 'string' &&
  (value['details'] === null || isObject(value['details']));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** A stream's headers are gone before it fails; some errors say it in their details too. */
function retryAfterOf(answer: Response | null, details: ErrorBody['details']): number | null {
  const header = answer?.headers.get('retry-after') ?? null;
  if (header !== null && /^\d{1,9}$/.test(header)) return Number(header);
  const detail = details?.['retry_after'];
  return typeof detail === 'number' ? detail : null;
}

/** fetch hides the reason in causes, and in lists of them where a name has several addresses. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (!(cause instanceof Error)) return String(cause);
  if (cause.cause !== undefined) return reasonOf(cause.cause);
  return cause.message;
}
