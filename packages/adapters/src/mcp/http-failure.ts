// What a failed HTTP exchange means for the request that was sent with it.
import {
  InsufficientScopeError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { McpRequestError } from '@insightloop/core';
import { readMessage, type RequestId } from './message.ts';

const tooManyRequests = 429;
const unavailable = 503;

/** How much of an error page is shown. */
const maxShown = 300;

export function requestFailure(error: unknown, id: RequestId | null): McpRequestError {
  if (error instanceof McpRequestError) return error;
  if (error instanceof SdkHttpError) return httpFailure(error, id);
  if (error instanceof UnauthorizedError || error instanceof InsufficientScopeError) {
    return new McpRequestError('protocol', 'The server wants an authorization that it was not given.', {
      cause: error,
    });
  }
  if (error instanceof SdkError && error.code === SdkErrorCode.ClientHttpUnexpectedContent) {
    return new McpRequestError(
      'protocol',
      `The server answered with something else than MCP: ${error.message}`,
    );
  }
  if (error instanceof Error && error.name === 'ZodError') {
    return new McpRequestError('protocol', 'The server answered something that is no JSON-RPC message.', {
      cause: error,
    });
  }
  if (error instanceof SyntaxError) {
    return new McpRequestError('protocol', 'The server answered something that is no JSON.', {
      cause: error,
    });
  }
  return new McpRequestError('closed', `The server cannot be reached: ${reasonOf(error)}`, { cause: error });
}

function httpFailure(error: SdkHttpError, id: RequestId | null): McpRequestError {
  const { status, text } = httpAnswer(error);
  const rpc = rpcErrorIn(text);
  if (rpc !== null && (rpc.id === id || rpc.id === null)) {
    return new McpRequestError('rpc', rpc.error.message, { rpc: rpc.error, cause: error });
  }
  const shown = text.trim().slice(0, maxShown);
  const message = `The server answered HTTP ${status}${shown === '' ? '' : `: ${shown}`}`;
  const overloaded = status === tooManyRequests || status === unavailable;
  return new McpRequestError(overloaded ? 'overloaded' : 'protocol', message, { cause: error });
}

/** Neither is about the era of the server: it answers so to whoever comes without the right header. */
export function isRefusedAccess(error: unknown): boolean {
  const cause = error instanceof McpRequestError ? error.cause : error;
  if (cause instanceof UnauthorizedError || cause instanceof InsufficientScopeError) return true;
  return cause instanceof SdkHttpError && [401, 403].includes(cause.data.status);
}

function httpAnswer(error: SdkHttpError): { status: number; text: string } {
  const { status, text } = error.data;
  return { status, text: typeof text === 'string' ? text : '' };
}

function rpcErrorIn(text: string): { id: RequestId | null; error: { code: number; message: string } } | null {
  try {
    const value: unknown = JSON.parse(text);
    // Servers answer with a null id what they refused before reading the request.
    const message = readMessage(value) ?? readMessage({ ...Object(value), id: '' });
    if (message?.kind !== 'error') return null;
    return { id: message.id === '' ? null : message.id, error: message.error };
  } catch {
    return null;
  }
}

/** fetch says only "fetch failed"; what failed is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
