// The endpoint `/servers/{server_id}/mcp`: one shared channel, offered to standard clients of both eras.
import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { isJsonContentType } from '@modelcontextprotocol/client';
import { isJsonObject } from '@insightloop/core';
import type { RequestId } from '../message.ts';
import { BridgeState, type McpBridgeOptions } from './bridge-state.ts';
import {
  accepted,
  codes,
  emptyResponse,
  failure,
  header,
  jsonResponse,
  leftResponse,
  type BridgeRequest,
  type BridgeResponse,
} from './exchange.ts';
import { LegacyDoor } from './legacy-door.ts';
import { ModernDoor } from './modern-door.ts';

export interface McpBridge {
  /**
   * Answers one HTTP request. Nothing is remembered between two of them, so any replica can answer the next one.
   * @throws AppError where `open` throws it, and SERVICE_UNAVAILABLE when too much waits
   */
  handle(serverId: string, request: BridgeRequest): Promise<BridgeResponse>;
  /** Ends the event streams that are open. */
  close(): void;
}

/**
 * Requests go straight to the channel, without a Server object of the SDK for each: that made the way five times as
 * slow. Whose answer is whose is the channel's business, so clients cannot see each other's.
 */
export function createMcpBridge(options: McpBridgeOptions): McpBridge {
  const state = new BridgeState(options);
  const legacy = new LegacyDoor(state);
  const modern = new ModernDoor(state);

  const post = (serverId: string, request: BridgeRequest): Promise<BridgeResponse> | BridgeResponse => {
    const unfit = unfitPost(request);
    if (unfit !== null) return unfit;
    const outcome = classifyInboundRequest(classifiable(request));
    if (outcome.kind === 'reject') {
      const { code, message, httpStatus } = outcome;
      return jsonResponse(failure(idOf(request.body), { code, message }), httpStatus);
    }
    return outcome.kind === 'modern' ? modern.post(serverId, request) : legacy.post(serverId, request);
  };

  const answer = async (serverId: string, request: BridgeRequest): Promise<BridgeResponse> => {
    switch (request.method) {
      case 'POST':
        return post(serverId, request);
      case 'GET':
        return accepted(request).events
          ? legacy.get(serverId, request)
          : refused(406, 'Not Acceptable: the answer is text/event-stream.');
      case 'DELETE':
        // The session whose end a client announces was never kept.
        return emptyResponse(200);
      default:
        return emptyResponse(405, { allow: 'GET, POST, DELETE' });
    }
  };

  return {
    async handle(serverId, request) {
      try {
        return await answer(serverId, request);
      } catch (error) {
        if (request.signal.aborted) return leftResponse;
        throw error;
      }
    },
    close: () => state.close(),
  };
}

function unfitPost(request: BridgeRequest): BridgeResponse | null {
  if (!isJsonContentType(header(request, 'content-type') ?? null)) {
    return refused(415, 'Unsupported Media Type: send application/json.');
  }
  const { json, events } = accepted(request);
  if (!json && !events) return refused(406, 'Not Acceptable: accept application/json and text/event-stream.');
  if (request.body !== undefined) return null;
  return jsonResponse(
    failure(null, { code: codes.parseError, message: 'Parse error: the body is no JSON.' }),
    400,
  );
}

const refused = (status: number, message: string): BridgeResponse =>
  jsonResponse(failure(null, { code: codes.badRequest, message }), status);

function idOf(body: unknown): RequestId | null {
  const id = isJsonObject(body) ? body['id'] : null;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

/** What the SDK's classifier looks at: the body first, and the headers for what they say of it. */
function classifiable(request: BridgeRequest): Parameters<typeof classifyInboundRequest>[0] {
  const version = header(request, 'mcp-protocol-version');
  const method = header(request, 'mcp-method');
  return {
    httpMethod: 'POST',
    body: request.body,
    ...(version === undefined ? {} : { protocolVersionHeader: version }),
    ...(method === undefined ? {} : { mcpMethodHeader: method }),
  };
}
