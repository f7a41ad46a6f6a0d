// One request of a client, passed on to the shared channel; its answer as JSON, or as a stream when it takes its time.
import {
  isJsonObject,
  McpRequestError,
  serviceUnavailable,
  type JsonObject,
  type Logger,
  type McpChannel,
  type Progress,
} from '@insightloop/core';
import type { RequestId, RpcError } from '../message.ts';
import { Bell } from './bell.ts';
import type { Work } from './bridge-state.ts';
import {
  codes,
  eventResponse,
  failure,
  frame,
  jsonResponse,
  keepAliveFrame,
  keepAliveMs,
  leftResponse,
  success,
  type Accepted,
  type BridgeResponse,
  type RpcAnswer,
} from './exchange.ts';

/** What one request asks and one answer gives. Everything else lives in a connection, and the connection is shared. */
export const forwardable: ReadonlySet<string> = new Set([
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
]);

/** A client hears nothing before the answer for so long; then a stream begins, so that nobody takes it for dead. */
const patienceMs = 10_000;

/** Progress that a slow reader may be behind; older is dropped, for newer says it better. */
const maxProgressFrames = 64;

/** When a server that is behind may be tried again. */
const retryAfterSeconds = 1;

const reserved = 'io.modelcontextprotocol/';

export interface Call {
  id: RequestId;
  method: string;
  params: JsonObject;
}

/** What each door makes of an answer before its client sees it. */
export interface Reading {
  result(method: string, result: JsonObject): JsonObject;
  error(error: RpcError): RpcError;
  status(answer: RpcAnswer): number;
}

export interface Forwarding {
  channel: McpChannel;
  logger: Logger;
  timeoutMs: number;
  reading: Reading;
  work: Work;
}

/** @throws AppError SERVICE_UNAVAILABLE when too much waits for the server */
export async function forward(
  forwarding: Forwarding,
  call: Call,
  onProgress?: (progress: Progress) => void,
): Promise<RpcAnswer> {
  const { channel, work, timeoutMs, reading } = forwarding;
  try {
    const options = { signal: work.signal, timeoutMs, ...(onProgress === undefined ? {} : { onProgress }) };
    const result = await channel.request(call.method, ownParams(call.params), options);
    return success(call.id, reading.result(call.method, result));
  } catch (error) {
    if (error instanceof McpRequestError && error.failure === 'overloaded') {
      throw serviceUnavailable(error.message, retryAfterSeconds, error);
    }
    return failure(call.id, reading.error(rpcErrorOf(error, forwarding)));
  } finally {
    work.end();
  }
}

/** Answers with one JSON body, unless progress or patience comes first and the client takes a stream. */
export async function respond(
  forwarding: Forwarding,
  call: Call,
  accepted: Accepted,
): Promise<BridgeResponse> {
  const { work, reading } = forwarding;
  const token = progressToken(call.params);
  const progress: string[] = [];
  const bell = new Bell();
  const tell = (update: Progress): void => {
    const params = { progressToken: token, ...update };
    progress.push(frame({ jsonrpc: '2.0', method: 'notifications/progress', params }));
    if (progress.length > maxProgressFrames) progress.shift();
    bell.ring();
  };
  const listens = accepted.events && token !== undefined;
  const answer = forward(forwarding, call, listens ? tell : undefined);
  try {
    const begins = accepted.events ? [bell.wait(accepted.json ? patienceMs : 0)] : [];
    const first = await Promise.race([answer, ...begins]);
    if (typeof first === 'string') return eventResponse(streamed({ answer, progress, bell, call, work }));
    if (work.signal.aborted) return leftResponse;
    return jsonResponse(first, reading.status(first));
  } finally {
    bell.ring();
  }
}

interface Streaming {
  answer: Promise<RpcAnswer>;
  progress: string[];
  bell: Bell;
  call: Call;
  work: Work;
}

async function* streamed({ answer, progress, bell, call, work }: Streaming): AsyncGenerator<string> {
  const last: { answer: RpcAnswer | null } = { answer: null };
  void answer
    // A refusal that came too late for a status of its own.
    .catch((error: unknown) => failure(call.id, { code: codes.internal, message: messageOf(error) }))
    .then((found) => {
      last.answer = found;
      bell.ring();
    });
  try {
    while (!work.signal.aborted) {
      yield* progress.splice(0);
      if (last.answer !== null) {
        yield frame(last.answer);
        return;
      }
      if ((await bell.wait(keepAliveMs)) === 'quiet') yield keepAliveFrame;
    }
  } finally {
    // Whoever stops reading has cancelled; after the answer it means nothing.
    work.abort(new Error('The client no longer reads.'));
  }
}

function progressToken(params: JsonObject): RequestId | undefined {
  const token = isJsonObject(params['_meta']) ? params['_meta']['progressToken'] : undefined;
  return typeof token === 'string' || typeof token === 'number' ? token : undefined;
}

/**
 * What concerns the connection stays here: who the client is and what it can do, its progress token, and the wish
 * for a task, whose id would be known to every client of the server.
 */
function ownParams({ _meta, task, ...params }: JsonObject): JsonObject {
  if (!isJsonObject(_meta)) return params;
  const kept = Object.entries(_meta).filter(([key]) => key !== 'progressToken' && !key.startsWith(reserved));
  return kept.length === 0 ? params : { ...params, _meta: Object.fromEntries(kept) };
}

function rpcErrorOf(error: unknown, { logger, work }: Forwarding): RpcError {
  if (error instanceof McpRequestError) {
    return error.rpc ?? { code: codes.internal, message: error.message, data: { failure: error.failure } };
  }
  if (!work.signal.aborted) logger.error({ error }, 'a request to an MCP server failed in an unknown way');
  return { code: codes.internal, message: 'Internal error' };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'Internal error');
