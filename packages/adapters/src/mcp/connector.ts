// From an endpoint to a channel: the wire, the handshake in the order that each transport wants, the conversation.
import { randomBytes } from 'node:crypto';
import type { FetchLike } from '@modelcontextprotocol/client';
import {
  McpConnectError,
  McpRequestError,
  type ChannelInfo,
  type ConnectOptions,
  type Logger,
  type McpChannel,
  type McpConnectFailure,
  type McpConnector,
  type McpEndpoint,
} from '@insightloop/core';
import { followChanges } from './change-subscription.ts';
import { ConversationChannel } from './channel.ts';
import { Conversation } from './conversation.ts';
import { discover, initialize, modernEnvelope, readModernResult, type ClientIdentity } from './era.ts';
import { isRefusedAccess } from './http-failure.ts';
import { listTools, ParameterHeaders } from './parameter-headers.ts';
import { SseWire } from './sse-wire.ts';
import { StdioWire } from './stdio-wire.ts';
import { StreamableWire } from './streamable-wire.ts';
import type { Wire } from './wire.ts';

export interface McpConnectorOptions {
  /** Who we say we are. */
  client: ClientIdentity;
  logger: Logger;
  /**
   * Reaches remote servers: here is the place for address rules. Its own limits of time should be off for headers and
   * bodies, or a tool that works longer than they allow is cut off.
   */
  fetch?: FetchLike;
  /** The same for servers that we run on our loopback, to which those rules do not apply. */
  loopbackFetch?: FetchLike;
  /** Begins the ids of one conversation; random unless a test says otherwise. */
  newEpoch?: () => string;
}

/** Of the time for a handshake over HTTP, the part that the question for the modern era may take. */
const probeShare = 1 / 3;

/** How long a server that forgot a session may take to give a new one. */
const renewalMs = 30_000;

export function createMcpConnector(options: McpConnectorOptions): McpConnector {
  return { connect: (endpoint, connectOptions) => connect(options, endpoint, connectOptions) };
}

async function connect(
  options: McpConnectorOptions,
  endpoint: McpEndpoint,
  { signal, timeoutMs, onStrayOutput = () => {} }: ConnectOptions,
): Promise<McpChannel> {
  const limit = new AbortController();
  const late = new McpConnectError(
    'timeout',
    `The server did not complete the handshake within ${timeoutMs} ms.`,
  );
  const timer = setTimeout(() => limit.abort(late), timeoutMs);
  const giveUp = (): void => limit.abort(signal.reason);
  const attempt = new Attempt(options, limit.signal, timeoutMs);
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', giveUp);
    return endpoint.transport === 'stdio'
      ? await attempt.overStdio(new StdioWire(endpoint, onStrayOutput))
      : await attempt.overHttp(endpoint);
  } catch (error) {
    const failure = signal.aborted
      ? new McpConnectError('aborted', 'The handshake was given up.', error)
      : connectFailure(error);
    await attempt.conversation?.close(failure.message);
    throw failure;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** One try to open a conversation. */
class Attempt {
  conversation: Conversation | null = null;
  readonly #options: McpConnectorOptions;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;

  constructor(options: McpConnectorOptions, signal: AbortSignal, timeoutMs: number) {
    this.#options = options;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** Legacy first: some servers exit on any request before `initialize`, and a process has one life. */
  async overStdio(wire: StdioWire): Promise<McpChannel> {
    const conversation = this.#converse(wire);
    try {
      const info = await initialize(conversation, this.#options.client, this.#signal);
      await conversation.notify('notifications/initialized');
      return new ConversationChannel(conversation, info);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      try {
        return await this.#modern(
          conversation,
          await discover(conversation, this.#options.client, { signal: this.#signal }),
        );
      } catch (second) {
        if (!isRefusal(second)) throw second;
        const message = `The server refused initialize ("${error.message}") and server/discover ("${second.message}").`;
        throw new McpConnectError('refused', message, second);
      }
    }
  }

  async overHttp(endpoint: Exclude<McpEndpoint, { transport: 'stdio' }>): Promise<McpChannel> {
    const { logger, fetch: remoteFetch = globalThis.fetch, loopbackFetch = remoteFetch } = this.#options;
    const { url, headers = {}, isOurs = false } = endpoint;
    const fetch = isOurs ? loopbackFetch : remoteFetch;
    if (endpoint.transport === 'sse') return this.#overSse(new SseWire({ url, headers, fetch, logger }));
    const parameterHeaders = new ParameterHeaders(logger);
    return this.#overStreamable(new StreamableWire({ url, headers, fetch, logger, parameterHeaders }));
  }

  /** Modern first, as the specification has it: a request costs a server of many clients nothing. */
  async #overStreamable(wire: StreamableWire): Promise<McpChannel> {
    const conversation = this.#converse(wire);
    await wire.start();
    try {
      const options = { signal: this.#signal, timeoutMs: this.#timeoutMs * probeShare };
      const info = await discover(conversation, this.#options.client, options);
      return await this.#modern(conversation, info, () => listTools(conversation));
    } catch (error) {
      if (this.#signal.aborted || isRefusedAccess(error) || isUnreachable(error)) throw error;
    }
    const handshake = async (signal: AbortSignal): Promise<ChannelInfo> => {
      const info = await initialize(conversation, this.#options.client, signal);
      wire.agree(info.era, info.protocolVersion);
      await conversation.notify('notifications/initialized');
      return info;
    };
    const info = await handshake(this.#signal);
    wire.onSessionLost = async () => void (await handshake(AbortSignal.timeout(renewalMs)));
    return new ConversationChannel(conversation, info);
  }

  async #overSse(wire: SseWire): Promise<McpChannel> {
    const conversation = this.#converse(wire);
    await orAborted(wire.start(), this.#signal);
    const info = await initialize(conversation, this.#options.client, this.#signal);
    wire.agree(info.protocolVersion);
    await conversation.notify('notifications/initialized');
    return new ConversationChannel(conversation, info);
  }

  async #modern(
    conversation: Conversation,
    info: ChannelInfo,
    relearnTools?: () => Promise<void>,
  ): Promise<McpChannel> {
    conversation.envelope = modernEnvelope(this.#options.client);
    conversation.readResult = readModernResult;
    await followChanges(conversation, info.capabilities);
    return new ConversationChannel(conversation, info, relearnTools);
  }

  #converse(wire: Wire): Conversation {
    const { logger, newEpoch = () => randomBytes(4).toString('hex') } = this.#options;
    this.conversation = new Conversation({ wire, logger, epoch: newEpoch() });
    return this.conversation;
  }
}

const isRefusal = (error: unknown): error is McpRequestError =>
  error instanceof McpRequestError && error.failure === 'rpc';

const isUnreachable = (error: unknown): boolean =>
  error instanceof McpRequestError && (error.failure === 'closed' || error.failure === 'unsent');

/** For a transport that takes no signal: what comes of the promise later is dropped with its transport. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

const failures: Record<McpRequestError['failure'], McpConnectFailure> = {
  rpc: 'refused',
  timeout: 'timeout',
  closed: 'closed',
  unsent: 'closed',
  overloaded: 'refused',
  'too-large': 'protocol',
  protocol: 'protocol',
};

function connectFailure(error: unknown): McpConnectError {
  if (error instanceof McpConnectError) return error;
  if (isRefusedAccess(error)) return new McpConnectError('refused', messageOf(error), error);
  if (error instanceof McpRequestError)
    return new McpConnectError(failures[error.failure], error.message, error);
  return new McpConnectError('protocol', `The handshake failed: ${messageOf(error)}`, error);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
