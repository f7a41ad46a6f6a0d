// Clients of the modern era: every request stands alone, and says in its headers again what its body says.
import {
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUBSCRIPTION_ID_META_KEY,
} from '@modelcontextprotocol/client';
import { isJsonObject, type ChannelInfo, type JsonObject, type JsonValue } from '@insightloop/core';
import { acknowledged, changingLists } from '../change-subscription.ts';
import { modernVersion } from '../era.ts';
import { readMessage, shown, type RequestId, type RpcError } from '../message.ts';
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
} from './exchange.ts';
import { forwardable, respond, type Call, type Reading } from './forwarding.ts';
import { selfDescription } from './shared-server.ts';

/** Results of these say how long they may be kept; a server of the legacy era does not know for how long. */
const cacheable = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

const uncached = { ttlMs: 0, cacheScope: 'private' };

/** Of the legacy era, and not to be heard in the modern one. */
const resourceNotFound = -32002;

export class ModernDoor {
  readonly #state: BridgeState;

  constructor(state: BridgeState) {
    this.#state = state;
  }

  /** `body` is known to be a request or a notification with a valid envelope, or a header in its place. */
  async post(serverId: string, request: BridgeRequest): Promise<BridgeResponse> {
    const message = readMessage(request.body);
    // Core knows no notification of a client over HTTP: a cancelled request is a closed connection.
    if (message?.kind !== 'request') return emptyResponse(202);
    const wrong = wrongVersion(message) ?? wrongHeaders(request, message);
    if (wrong !== null) return jsonResponse(failure(message.id, wrong), 400);
    if (message.method === 'server/discover') return this.#discover(serverId, request, message.id);
    if (message.method === 'subscriptions/listen') return this.#listen(serverId, request, message);
    if (!forwardable.has(message.method)) {
      const error = { code: codes.methodNotFound, message: `Method not found: ${message.method}` };
      return jsonResponse(failure(message.id, error), 404);
    }
    const channel = await this.#state.open(serverId, request.signal);
    const { logger, timeoutMs } = this.#state;
    const work = this.#state.begin(request.signal, null);
    const forwarding = { channel, logger, timeoutMs, work, reading: readingOf(channel.info) };
    return respond(forwarding, message, accepted(request));
  }

  async #discover(serverId: string, request: BridgeRequest, id: RequestId): Promise<BridgeResponse> {
    const { info } = await this.#state.open(serverId, request.signal);
    const { capabilities, instructions } = selfDescription(info);
    const result = {
      supportedVersions: [modernVersion],
      capabilities,
      ...(instructions === undefined ? {} : { instructions }),
    };
    return jsonResponse(success(id, modernResult(info, 'server/discover', result)));
  }

  async #listen(serverId: string, request: BridgeRequest, { id, params }: Call): Promise<BridgeResponse> {
    if (!accepted(request).events) {
      const message =
        'subscriptions/listen answers with text/event-stream, which the client does not accept.';
      return jsonResponse(failure(id, { code: codes.badRequest, message }), 406);
    }
    const channel = await this.#state.open(serverId, request.signal);
    const asked = isJsonObject(params['notifications']) ? params['notifications'] : {};
    const announced = announcedChanges(channel.info);
    const honored = changingLists.filter(
      ({ filter, changed }) => asked[filter] === true && announced.includes(changed),
    );
    const _meta = { [SUBSCRIPTION_ID_META_KEY]: id };
    const notifications = Object.fromEntries(honored.map(({ filter }) => [filter, true]));
    const acknowledgement = frame({ jsonrpc: '2.0', method: acknowledged, params: { notifications, _meta } });
    const frames = this.#state.stream(request.signal, (signal) =>
      changeStream({
        channel,
        reopen: () => this.#state.open(serverId, signal),
        signal,
        wanted: new Set(honored.map(({ changed }) => changed)),
        greeting: acknowledgement,
        frameOf: (method) => frame({ jsonrpc: '2.0', method, params: { _meta } }),
        farewell: frame(success(id, { resultType: 'complete', _meta })),
      }),
    );
    return eventResponse(frames);
  }
}

function readingOf(info: ChannelInfo): Reading {
  return {
    result: (method, result) => modernResult(info, method, result),
    error: ({ code, message, data }) => ({
      code: modernCode(code),
      message,
      ...(data === undefined ? {} : { data }),
    }),
    status: (answer) => ('error' in answer && answer.error.code === codes.methodNotFound ? 404 : 200),
  };
}

function modernResult(info: ChannelInfo, method: string, result: JsonObject): JsonObject {
  const meta = isJsonObject(result['_meta']) ? result['_meta'] : {};
  return {
    ...(cacheable.has(method) ? uncached : {}),
    ...(method === 'tools/call' ? { content: [] } : {}),
    ...(method === 'tools/list' ? withoutMirrors(result) : result),
    resultType: 'complete',
    _meta: { [SERVER_INFO_META_KEY]: { ...info.server }, ...meta },
  };
}

/**
 * Codes of the protocol speak of the hop they were made on. What the server said to us of headers, versions and
 * capabilities is no news for a client that has given its own.
 */
function modernCode(code: number): number {
  if (code === resourceNotFound) return codes.invalidParams;
  return code <= -32020 && code >= -32099 ? codes.internal : code;
}

/** Which arguments a server wants as headers is between it and the channel; our clients need not repeat them. */
function withoutMirrors(result: JsonObject): JsonObject {
  const { tools } = result;
  if (!Array.isArray(tools) || !JSON.stringify(tools).includes(`"${mirror}"`)) return result;
  return {
    ...result,
    tools: tools.map((tool) =>
      isJsonObject(tool) ? { ...tool, inputSchema: unmirrored(tool['inputSchema'] ?? {}) } : tool,
    ),
  };
}

const mirror = 'x-mcp-header';

function unmirrored(schema: JsonValue): JsonValue {
  if (!isJsonObject(schema)) return schema;
  const { [mirror]: _, properties, ...rest } = schema;
  if (!isJsonObject(properties)) return properties === undefined ? rest : { ...rest, properties };
  const bare = Object.entries(properties).map(([name, property]) => [name, unmirrored(property)] as const);
  return { ...rest, properties: Object.fromEntries(bare) };
}

function wrongVersion({ params }: Call): RpcError | null {
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : {};
  const requested = meta[PROTOCOL_VERSION_META_KEY] ?? null;
  if (requested === modernVersion) return null;
  return {
    code: codes.unsupportedVersion,
    message: `Unsupported protocol version: ${shown(requested)}`,
    data: { supported: [modernVersion], requested },
  };
}

/** That the version and the method agree with the body, where they are given, is known already. */
function wrongHeaders(request: BridgeRequest, { method, params }: Call): RpcError | null {
  for (const name of ['mcp-protocol-version', 'mcp-method']) {
    if (header(request, name) === undefined) return mismatch(`the ${name} header is missing`);
  }
  const key = nameKeys[method];
  if (key === undefined) return null;
  const name = params[key];
  const given = header(request, 'mcp-name');
  if (given === undefined) return mismatch('the mcp-name header is missing');
  if (decoded(given) === name) return null;
  return mismatch(`the mcp-name header does not match params.${key}`);
}

const nameKeys: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

const mismatch = (what: string): RpcError => ({
  code: codes.headerMismatch,
  message: `Header mismatch: ${what}.`,
});

/** Null for what claims to be Base64 and is none. */
function decoded(value: string): string | null {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded ? bytes.toString('utf8') : null;
}
