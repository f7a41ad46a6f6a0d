// The two ways of speaking MCP: what a handshake brings, and what the modern era wants on every request.
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LATEST_PROTOCOL_VERSION,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/client';
import {
  DiscoverResultSchema,
  ImplementationSchema,
  InitializeResultSchema,
} from '@modelcontextprotocol/core';
import { isJsonObject, McpRequestError, type ChannelInfo, type JsonObject } from '@insightloop/core';
import type { z } from 'zod';
import type { Conversation } from './conversation.ts';
import { shown } from './message.ts';

/** The one modern version that we speak. The SDK has its list, and does not export it. */
export const modernVersion = '2026-07-28';

export interface ClientIdentity {
  name: string;
  version: string;
}

/**
 * The handshake is ours, on the SDK's schemas and version lists. Its Client would fit over a transport of ours, but
 * it closes the transport when `initialize` is refused (over stdio that is the server's one life), it can only
 * probe for the modern era first (which some legacy servers do not survive), and it keeps what it negotiated to itself.
 */
export async function initialize(
  conversation: Conversation,
  client: ClientIdentity,
  signal: AbortSignal,
): Promise<ChannelInfo> {
  const answer = await conversation.request(
    'initialize',
    { protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: {}, clientInfo: { ...client } },
    { signal },
  );
  const result = parsed(InitializeResultSchema, answer, 'initialize');
  if (!SUPPORTED_PROTOCOL_VERSIONS.includes(result.protocolVersion)) {
    throw new McpRequestError(
      'protocol',
      `The server speaks protocol version ${result.protocolVersion}; known are ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
    );
  }
  return {
    era: 'legacy',
    protocolVersion: result.protocolVersion,
    server: serverName(answer['serverInfo']),
    capabilities: capabilitiesOf(answer),
    instructions: result.instructions ?? null,
  };
}

export async function discover(
  conversation: Conversation,
  client: ClientIdentity,
  options: { signal: AbortSignal; timeoutMs?: number },
): Promise<ChannelInfo> {
  const answer = await conversation.request('server/discover', { _meta: modernEnvelope(client) }, options);
  const result = parsed(DiscoverResultSchema, answer, 'server/discover');
  if (!result.supportedVersions.includes(modernVersion)) {
    throw new McpRequestError(
      'protocol',
      `The server speaks protocol versions ${result.supportedVersions.join(', ')}; known is ${modernVersion}.`,
    );
  }
  return {
    era: 'modern',
    protocolVersion: modernVersion,
    server: serverName(isJsonObject(answer['_meta']) ? answer['_meta'][SERVER_INFO_META_KEY] : undefined),
    capabilities: capabilitiesOf(answer),
    instructions: result.instructions ?? null,
  };
}

/** No capability of a client is declared: a shared channel has no client to ask. */
export function modernEnvelope(client: ClientIdentity): JsonObject {
  return {
    [PROTOCOL_VERSION_META_KEY]: modernVersion,
    [CLIENT_INFO_META_KEY]: { ...client },
    [CLIENT_CAPABILITIES_META_KEY]: {},
  };
}

/**
 * What a modern result says about itself is read here, so that callers see results of one shape.
 * @throws McpRequestError for a result that asks the client for something, or is of an unknown kind
 */
export function readModernResult(result: JsonObject): JsonObject {
  const { resultType = 'complete', ...rest } = result;
  if (resultType === 'complete') return rest;
  if (resultType === 'input_required') {
    throw new McpRequestError(
      'protocol',
      `The server wants ${wanted(result)} of its client, which a shared connection cannot give.`,
    );
  }
  throw new McpRequestError(
    'protocol',
    `The server answered a result of an unknown kind: ${shown(resultType)}.`,
  );
}

function wanted(result: JsonObject): string {
  const requests = isJsonObject(result['inputRequests']) ? Object.values(result['inputRequests']) : [];
  const methods = requests.flatMap((request) =>
    isJsonObject(request) && typeof request['method'] === 'string' ? [request['method']] : [],
  );
  return methods.length === 0 ? 'another round' : [...new Set(methods)].join(', ');
}

/** Self-reported and optional in the modern era: a server without a name is none the worse. */
function serverName(info: unknown): ChannelInfo['server'] {
  const { data } = ImplementationSchema.safeParse(info);
  if (data === undefined) return { name: 'unknown', version: 'unknown' };
  const { name, version, title } = data;
  return { name, version, ...(title === undefined ? {} : { title }) };
}

function capabilitiesOf(answer: JsonObject): JsonObject {
  return isJsonObject(answer['capabilities']) ? answer['capabilities'] : {};
}

function parsed<T>(schema: z.ZodType<T>, answer: JsonObject, method: string): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new McpRequestError(
    'protocol',
    `The server's answer to ${method} is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    { cause: result.error },
  );
}
