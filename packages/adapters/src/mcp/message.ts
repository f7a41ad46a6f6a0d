// A JSON-RPC message, taken apart by hand: this runs for every frame, and only what the channel needs is looked at.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';

export type RequestId = string | number;

export interface RpcError {
  code: number;
  message: string;
  data?: JsonValue;
}

/** What comes in. `malformed` names a request of ours whose answer is none. */
export type Message =
  | { kind: 'result'; id: RequestId; result: JsonObject }
  | { kind: 'error'; id: RequestId; error: RpcError }
  | { kind: 'malformed'; id: RequestId; reason: string }
  | { kind: 'request'; id: RequestId; method: string; params: JsonObject }
  | { kind: 'notification'; method: string; params: JsonObject };

/** What goes out. */
export type Outgoing =
  | { jsonrpc: '2.0'; id: string; method: string; params: JsonObject }
  | { jsonrpc: '2.0'; method: string; params?: JsonObject }
  | { jsonrpc: '2.0'; id: RequestId; result: JsonObject }
  | { jsonrpc: '2.0'; id: RequestId; error: RpcError };

const internalError = -32603;

/** Null for a value that is no JSON-RPC message at all, or one that concerns no request that we could name. */
export function readMessage(value: unknown): Message | null {
  if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return null;
  const id = requestId(value['id']);
  const method = value['method'];
  if (typeof method === 'string') {
    const params = isJsonObject(value['params']) ? value['params'] : {};
    if (id !== null) return { kind: 'request', id, method, params };
    return value['id'] === undefined ? { kind: 'notification', method, params } : null;
  }
  if (id === null) return null;
  const { result, error } = value;
  if (result !== undefined && error !== undefined) {
    return { kind: 'malformed', id, reason: 'it has both a result and an error' };
  }
  if (isJsonObject(result)) return { kind: 'result', id, result };
  if (isJsonObject(error)) return { kind: 'error', id, error: rpcError(error) };
  return { kind: 'malformed', id, reason: 'it has neither a result object nor an error object' };
}

function requestId(value: JsonValue | undefined): RequestId | null {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

/** Servers are sloppy with their errors, and an error without a proper code is still an error. */
function rpcError(error: JsonObject): RpcError {
  const { code, message, data } = error;
  return {
    code: typeof code === 'number' && Number.isInteger(code) ? code : internalError,
    message: typeof message === 'string' ? message : 'The server answered an error without a message.',
    ...(data === undefined ? {} : { data }),
  };
}

/** For a message to a person: whatever came where a text should be. */
export const shown = (value: JsonValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/**
 * Nested deeper than this, a value makes everything that walks it recursively (JSON.stringify, a schema) overflow
 * the stack, so such a frame is refused here once instead of there everywhere.
 */
const maxDepth = 1_000;

/** A frame shorter than this cannot be nested deeply enough to hurt. */
const harmlessLength = 2 * maxDepth;

export function isTooDeep(json: string): boolean {
  if (json.length <= harmlessLength) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (inString) {
      if (code === backslash) at++;
      else if (code === quote) inString = false;
    } else if (code === quote) {
      inString = true;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) return true;
    } else if (code === closeBrace || code === closeBracket) {
      depth--;
    }
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
