// What can be done with the tools of a running server: list them, and call one.
import { z } from 'zod';
import { invalidRequest, serviceUnavailable, toolCallFailed, toolNotFound, toolTimeout } from '../errors.ts';
import type { Channels } from '../mcp/channels.ts';
import {
  McpRequestError,
  type JsonObject,
  type JsonValue,
  type McpChannel,
  type Progress,
} from '../mcp/channel.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { ArgumentValidator } from './argument-validator.ts';
import { jsonObject, readTool, type Tool, type ToolCallResult } from './tool.ts';

export interface ToolsPorts {
  channels: Channels;
  argumentValidator: ArgumentValidator;
  clock: Clock;
  logger: Logger;
}

export interface ToolCall {
  serverId: string;
  tool: string;
  arguments: JsonObject;
  /** Time without an answer and without progress; 60 s where it is null. */
  timeoutMs: number | null;
  /** Aborts when the caller leaves: the tool is told to stop. */
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Tools {
  /** @throws AppError SERVER_NOT_FOUND, SERVER_NOT_RUNNING, SERVICE_UNAVAILABLE */
  list(serverId: string, signal: AbortSignal): Promise<Tool[]>;
  /**
   * A tool's own error is a result with `success: false`.
   * @throws AppError TOOL_NOT_FOUND; INVALID_REQUEST with paths when the arguments break the tool's schema; TOOL_TIMEOUT;
   *   TOOL_CALL_FAILED when the connection is lost or the answer is none; and those of `list`
   */
  call(call: ToolCall): Promise<ToolCallResult>;
}

const defaultTimeoutMs = 60_000;
/** A dead server's output closes a moment after its input. */
const noticeMs = 1_000;

/** Read leniently: what a server says beside this is for clients that speak MCP themselves. */
const callResult = z.object({
  content: z.array(jsonObject).catch([]),
  structuredContent: jsonObject.nullish().catch(null),
  isError: z.boolean().catch(false),
});

export function createTools({ channels, argumentValidator, clock, logger }: ToolsPorts): Tools {
  /** What a channel lists are the same objects until the server changes them, so each is read once. */
  const known = new WeakMap<JsonObject, Tool | null>();
  const read = (wire: JsonObject): Tool | null => {
    const before = known.get(wire);
    if (before !== undefined) return before;
    const tool = readTool(wire);
    known.set(wire, tool);
    return tool;
  };

  const list = async (channel: McpChannel, signal: AbortSignal): Promise<Tool[]> => {
    const { tools } = await channel.request('tools/list', {}, { signal });
    return Array.isArray(tools)
      ? tools.flatMap((item) => (isJsonObject(item) ? (read(item) ?? []) : []))
      : [];
  };

  const callOn = async (channel: McpChannel, call: ToolCall): Promise<ToolCallResult> => {
    const { serverId, signal } = call;
    const tool = (await list(channel, signal)).find(({ name }) => name === call.tool);
    if (!tool) throw toolNotFound(serverId, call.tool);
    const { issues, unchecked } = argumentValidator.validate(tool.input_schema, call.arguments);
    if (unchecked !== null)
      logger.debug({ server_id: serverId, tool: tool.name, unchecked }, 'a schema was not checked whole');
    if (issues.length > 0)
      throw invalidRequest(
        `The arguments do not fit the schema of tool "${tool.name}"; see details.issues.`,
        issues.map((issue) => ({ ...issue, path: ['arguments', ...issue.path] })),
      );
    const startedAt = clock.now();
    const answer = await request(channel, call);
    const { content, structuredContent, isError } = callResult.parse(answer);
    return {
      server_id: serverId,
      tool: tool.name,
      success: !isError,
      result: { content, structured_content: structuredContent ?? null, is_error: isError },
      execution_time: (clock.now() - startedAt) / 1000,
    };
  };

  /** Resolves when it is known that a server is gone: from then on who opens a channel waits for its next run. */
  const noticed = async (channel: McpChannel, signal: AbortSignal): Promise<void> => {
    const scope = new AbortController();
    const patience = clock.sleep(noticeMs, AbortSignal.any([signal, scope.signal]));
    patience.catch(() => undefined);
    await Promise.race([channel.closed, patience]).finally(() => scope.abort());
  };

  return {
    list: async (serverId, signal) => list(await channels.open(serverId, signal), signal),

    async call(call) {
      const channel = await channels.open(call.serverId, call.signal);
      try {
        return await callOn(channel, call);
      } catch (error) {
        if (!isUnsent(error)) throw failureOf(error, call);
      }
      await noticed(channel, call.signal);
      const next = await channels.open(call.serverId, call.signal);
      return callOn(next, call).catch((error: unknown) => {
        throw isUnsent(error)
          ? serviceUnavailable(`"${call.serverId}" is restarting.`, 1, error)
          : failureOf(error, call);
      });
    },
  };
}

const isJsonObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const request = (channel: McpChannel, call: ToolCall): Promise<JsonObject> =>
  channel.request(
    'tools/call',
    { name: call.tool, arguments: call.arguments },
    // Progress is always asked for, because it is what keeps a long tool from being cut.
    {
      signal: call.signal,
      timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
      onProgress: call.onProgress ?? (() => undefined),
    },
  );

const isUnsent = (error: unknown): boolean => error instanceof McpRequestError && error.failure === 'unsent';

function failureOf(error: unknown, { serverId, tool, timeoutMs }: ToolCall): unknown {
  if (!(error instanceof McpRequestError)) return error;
  const details = { server_id: serverId, tool, ...(error.rpc && { rpc_error: error.rpc }) };
  switch (error.failure) {
    case 'timeout':
      return toolTimeout(serverId, tool, timeoutMs ?? defaultTimeoutMs);
    case 'overloaded':
      return serviceUnavailable(`"${serverId}" has too many calls under way.`, 1, error);
    default:
      return toolCallFailed(`The call of "${tool}" brought no result: ${error.message}`, details, error);
  }
}
