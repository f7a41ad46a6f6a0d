// One HTTP exchange with an MCP client, free of any web framework.
import type { JsonObject } from '@insightloop/core';
import type { RequestId, RpcError } from '../message.ts';

export interface BridgeRequest {
  method: string;
  /** Names in lower case, as Node gives them. */
  headers: Record<string, string | string[] | undefined>;
  /** What the body's JSON says; undefined without one. */
  body: unknown;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

export interface BridgeResponse {
  status: number;
  headers: Record<string, string>;
  /** Text as a whole, or the frames of an event stream; whoever stops reading them must call `return`. */
  body: string | AsyncIterable<string> | null;
}

export function header(request: BridgeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

export interface Accepted {
  json: boolean;
  events: boolean;
}

/** Of a client that names nothing, or everything, both are expected to be understood. */
export function accepted(request: BridgeRequest): Accepted {
  const accept = header(request, 'accept') ?? '*/*';
  const types = accept.split(',').map((type) => type.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  const takes = (type: string): boolean =>
    types.includes(type) || types.includes('*/*') || types.includes(type.replace(/\/.*/, '/*'));
  return { json: takes('application/json'), events: takes('text/event-stream') };
}

export type RpcAnswer =
  | { jsonrpc: '2.0'; id: RequestId; result: JsonObject }
  | { jsonrpc: '2.0'; id: RequestId | null; error: RpcError };

export const success = (id: RequestId, result: JsonObject): RpcAnswer => ({ jsonrpc: '2.0', id, result });

export const failure = (id: RequestId | null, error: RpcError): RpcAnswer => ({ jsonrpc: '2.0', id, error });

export function jsonResponse(body: RpcAnswer | RpcAnswer[], status = 200): BridgeResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

export const emptyResponse = (status: number, headers: Record<string, string> = {}): BridgeResponse => ({
  status,
  headers,
  body: null,
});

/** For nobody to see: the client is gone. */
export const leftResponse = emptyResponse(499);

/** Proxies that collect an answer before they pass it on would keep a stream to themselves. */
export function eventResponse(body: AsyncIterable<string>): BridgeResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
    body,
  };
}

export const frame = (message: object): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

/** A comment: it keeps the connection from looking dead, and clients skip it. */
export const keepAliveFrame = ': keep-alive\n\n';

export const keepAliveMs = 15_000;

export const codes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  badRequest: -32000,
  headerMismatch: -32020,
  unsupportedVersion: -32022,
} as const;
