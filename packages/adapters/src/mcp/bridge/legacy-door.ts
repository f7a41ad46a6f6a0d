// Clients of the legacy era: initialize is answered here, without a session that anybody would have to remember.
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject, type McpChannel } from '@insightloop/core';
import { readMessage, type Message, type RequestId } from '../message.ts';
import type { BridgeState } from './bridge-state.ts';
import { announcedChanges, changeStream } from './change-stream.ts';
import {
  accepted,
  codes,
  emptyResponse,
  eventResponse,
  failure,
  frame,
  header,
  jsonResponse,
  success,
  type BridgeRequest,
  type BridgeResponse,
  type RpcAnswer,
} from './exchange.ts';
import { forward, forwardable, respond, type Call, type Forwarding, type Reading } from './forwarding.ts';
import { selfDescription } from './shared-server.ts';

/** The only version that has batches; also the one of a client that names none. */
const batchVersion = '2025-03-26';

const maxBatch = 50;

const sessionHeader = 'mcp-session-id';

/** Results and errors pass as they are. */
const reading: Reading = { result: (_method, result) => result, error: (error) => error, status: () => 200 };

export class LegacyDoor {
  readonly #state: BridgeState;

  constructor(state: BridgeState) {
    this.#state = state;
  }

  /** `body` is known to be a message, or a batch of messages. */
  async post(serverId: string, request: BridgeRequest): Promise<BridgeResponse> {
    const { body } = request;
    const wrong = wrongVersion(request, isJsonObject(body) && body['method'] === 'initialize');
    if (wrong !== null) return wrong;
    if (Array.isArray(body)) return this.#batch(serverId, request, body);
    const message = readMessage(body);
    if (message?.kind !== 'request') {
      if (message?.kind === 'notification') this.#hear(serverId, request, message.params, message.method);
      return emptyResponse(202);
    }
    if (message.method === 'initialize') return this.#initialize(serverId, request, message);
    const local = answerHere(message);
    if (local !== null) return jsonResponse(local);
    const channel = await this.#state.open(serverId, request.signal);
    return respond(
      this.#forwarding(channel, serverId, { request, id: message.id }),
      message,
      accepted(request),
    );
  }

  /** The stream of what a server says unasked, which here is: that a list has changed. */
  async get(serverId: string, request: BridgeRequest): Promise<BridgeResponse> {
    const wrong = wrongVersion(request, false);
    if (wrong !== null) return wrong;
    const channel = await this.#state.open(serverId, request.signal);
    const frames = this.#state.stream(request.signal, (signal) =>
      changeStream({
        channel,
        reopen: () => this.#state.open(serverId, signal),
        signal,
        wanted: new Set(announcedChanges(channel.info)),
        frameOf: (method) => frame({ jsonrpc: '2.0', method }),
      }),
    );
    return eventResponse(frames);
  }

  async #initialize(serverId: string, request: BridgeRequest, { id, params }: Call): Promise<BridgeResponse> {
    const { protocolVersion } = params;
    if (typeof protocolVersion !== 'string') {
      const error = { code: codes.invalidParams, message: 'initialize needs a protocolVersion.' };
      return jsonResponse(failure(id, error));
    }
    const channel = await this.#state.open(serverId, request.signal);
    const known = SUPPORTED_PROTOCOL_VERSIONS.includes(protocolVersion);
    const response = jsonResponse(
      success(id, {
        protocolVersion: known ? protocolVersion : LATEST_PROTOCOL_VERSION,
        ...selfDescription(channel.info),
      }),
    );
    // It stands for nothing that is kept: it only tells this client's request 1 from another's when it cancels.
    response.headers[sessionHeader] = this.#state.newSessionId();
    return response;
  }

  async #batch(serverId: string, request: BridgeRequest, body: unknown[]): Promise<BridgeResponse> {
    const version = header(request, 'mcp-protocol-version') ?? batchVersion;
    const messages = body.map(readMessage);
    const tooMany = body.length === 0 || body.length > maxBatch;
    const initializes = messages.some(
      (message) => message?.kind === 'request' && message.method === 'initialize',
    );
    if (version !== batchVersion || tooMany || initializes) {
      const message = `A batch is for protocol version ${batchVersion}, has 1 to ${maxBatch} messages, and does not initialize.`;
      return jsonResponse(failure(null, { code: codes.invalidRequest, message }), 400);
    }
    const requests = messages.flatMap((message) => (message?.kind === 'request' ? [message] : []));
    for (const message of messages) {
      if (message?.kind === 'notification') this.#hear(serverId, request, message.params, message.method);
    }
    if (requests.length === 0) return emptyResponse(202);
    const channel = await this.#state.open(serverId, request.signal);
    return jsonResponse(
      await Promise.all(
        requests.map(async (message) => {
          const local = answerHere(message);
          if (local !== null) return local;
          return forward(this.#forwarding(channel, serverId, { request, id: message.id }), message);
        }),
      ),
    );
  }

  #forwarding(
    channel: McpChannel,
    serverId: string,
    { request, id }: { request: BridgeRequest; id: RequestId },
  ): Forwarding {
    const { logger, timeoutMs } = this.#state;
    const work = this.#state.begin(request.signal, workKey(serverId, request, id));
    return { channel, logger, timeoutMs, reading, work };
  }

  #hear(serverId: string, request: BridgeRequest, params: JsonObject, method: string): void {
    const { requestId } = params;
    if (method !== 'notifications/cancelled') return;
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return;
    const key = workKey(serverId, request, requestId);
    if (key !== null) this.#state.cancel(key);
  }
}

/** Null for what the server has to answer. */
function answerHere({ id, method }: Extract<Message, { kind: 'request' }>): RpcAnswer | null {
  if (method === 'ping') return success(id, {});
  if (forwardable.has(method)) return null;
  return failure(id, { code: codes.methodNotFound, message: `Method not found: ${method}` });
}

/** Without a session nobody could say whose request is meant, and so none can be cancelled but by hanging up. */
function workKey(serverId: string, request: BridgeRequest, id: RequestId): string | null {
  const session = header(request, sessionHeader);
  return session === undefined ? null : JSON.stringify([serverId, session, id]);
}

function wrongVersion(request: BridgeRequest, initializes: boolean): BridgeResponse | null {
  const version = header(request, 'mcp-protocol-version');
  if (version === undefined || initializes || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return null;
  const message = `Unsupported protocol version ${version}; supported are ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`;
  return jsonResponse(failure(null, { code: codes.badRequest, message }), 400);
}
