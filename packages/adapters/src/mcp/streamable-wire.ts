// JSON-RPC over Streamable HTTP, both eras: a POST for each message, by the SDK's client transport.
import { AsyncLocalStorage } from 'node:async_hooks';
import { SdkHttpError, StreamableHTTPClientTransport, type FetchLike } from '@modelcontextprotocol/client';
import { McpRequestError, type Logger, type McpEra } from '@insightloop/core';
import { guardedFetch } from './guarded-fetch.ts';
import { requestFailure } from './http-failure.ts';
import { readMessage, type Outgoing } from './message.ts';
import type { ParameterHeaders } from './parameter-headers.ts';
import type { Wire, WireListener } from './wire.ts';

/** How long a server may keep an answer's stream open after the answer. */
const lingerMs = 1_000;

/** How long a server may take to forget a session before it is left with it. */
const farewellMs = 2_000;

/** The stream of notifications of the legacy era comes back for about four minutes, then only with a new session. */
const reconnectionOptions = {
  initialReconnectionDelay: 1_000,
  reconnectionDelayGrowFactor: 2,
  maxReconnectionDelay: 30_000,
  maxRetries: 12,
};

export interface StreamableOptions {
  url: string;
  headers: Record<string, string>;
  fetch: FetchLike;
  logger: Logger;
  parameterHeaders: ParameterHeaders;
}

interface Exchange {
  method: string;
  controller: AbortController;
  /** The answer comes, if at all, on a stream. */
  streaming: boolean;
  lingering: NodeJS.Timeout | undefined;
}

export class StreamableWire implements Wire {
  /** Makes a new session when the server has forgotten ours; set once there is one. */
  onSessionLost: (() => Promise<void>) | null = null;
  readonly #transport: StreamableHTTPClientTransport;
  readonly #logger: Logger;
  readonly #parameterHeaders: ParameterHeaders;
  readonly #exchanges = new Map<string, Exchange>();
  /**
   * The signal of the exchange that a fetch belongs to. The SDK hands fetch one that follows its own as well, and
   * Node keeps such a signal, once anything has listened to it, for as long as the transport lives.
   */
  readonly #fetching = new AsyncLocalStorage<AbortSignal | null>();
  #listener: WireListener | null = null;
  #era: McpEra = 'modern';
  #renewal: Promise<void> | null = null;
  #closed = false;

  constructor({ url, headers, fetch, logger, parameterHeaders }: StreamableOptions) {
    this.#logger = logger;
    this.#parameterHeaders = parameterHeaders;
    this.#transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers },
      fetch: guardedFetch(
        (address, init) => {
          const signal = this.#fetching.getStore() ?? init?.signal;
          return fetch(address, { ...init, ...(signal ? { signal } : {}) });
        },
        (id, error) => this.#lose(id, error),
      ),
      reconnectionOptions,
    });
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
    this.#transport.onmessage = (message) => this.#receive(message);
    this.#transport.onerror = (error) =>
      this.#logger.debug({ error }, 'an exchange with an MCP server failed');
  }

  async start(): Promise<void> {
    await this.#transport.start();
  }

  /** The legacy era sends its version with every request that follows the handshake. */
  agree(era: McpEra, protocolVersion: string): void {
    this.#era = era;
    if (era === 'legacy') this.#transport.setProtocolVersion(protocolVersion);
  }

  send(message: Outgoing): Promise<void> {
    return 'method' in message && 'id' in message ? this.#exchange(message) : this.#post(message, {});
  }

  cancel(id: string, reason: string): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    this.#exchanges.delete(id);
    clearTimeout(exchange.lingering);
    exchange.controller.abort();
    // In the modern era the closed stream says it.
    if (this.#era === 'modern') return;
    this.#post(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } },
      {},
    ).catch((error: unknown) =>
      this.#logger.debug({ error }, 'an MCP server could not be told of a cancelled request'),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { controller, lingering } of this.#exchanges.values()) {
      clearTimeout(lingering);
      controller.abort();
    }
    this.#exchanges.clear();
    const impatience = setTimeout(() => void this.#transport.close(), farewellMs);
    try {
      await this.#transport.terminateSession();
    } catch (error) {
      this.#logger.debug({ error }, 'an MCP server could not be told that its session is over');
    } finally {
      clearTimeout(impatience);
      await this.#transport.close();
    }
  }

  async #exchange(message: Outgoing & { id: string; method: string }): Promise<void> {
    const { id, method } = message;
    const exchange: Exchange = {
      method,
      controller: new AbortController(),
      streaming: false,
      lingering: undefined,
    };
    this.#exchanges.set(id, exchange);
    const options = {
      requestSignal: exchange.controller.signal,
      headers: this.#era === 'modern' ? this.#parameterHeaders.of(message) : {},
      onRequestStreamEnd: () => {
        clearTimeout(exchange.lingering);
        this.#lose(
          id,
          new McpRequestError('closed', `The server ended its answer to ${method} before it was whole.`),
        );
      },
    };
    try {
      await this.#post(message, options);
      exchange.streaming = true;
    } catch (error) {
      this.#exchanges.delete(id);
      throw error;
    }
  }

  async #post(
    message: Outgoing,
    options: Parameters<StreamableHTTPClientTransport['send']>[1],
    again = true,
  ): Promise<void> {
    try {
      await this.#fetching.run(options?.requestSignal ?? null, () => this.#transport.send(message, options));
    } catch (error) {
      const forgotten = error instanceof SdkHttpError && error.data.status === 404;
      const renewable = again && !('method' in message && message.method === 'initialize');
      if (forgotten && renewable && this.#transport.sessionId !== undefined && this.onSessionLost !== null) {
        await this.#renew(this.onSessionLost);
        // A server that does not know the session has not looked at the message: this repeats nothing.
        return this.#post(message, options, false);
      }
      throw requestFailure(error, 'id' in message ? message.id : null);
    }
  }

  /** One new session for all the requests that found the old one gone. */
  #renew(onSessionLost: () => Promise<void>): Promise<void> {
    this.#renewal ??= onSessionLost()
      .catch((cause: unknown) => {
        throw new McpRequestError('closed', 'The server has forgotten the session, and gave no new one.', {
          cause,
        });
      })
      .finally(() => {
        this.#renewal = null;
      });
    return this.#renewal;
  }

  #receive(value: unknown): void {
    const message = readMessage(value);
    if (message === null || this.#closed) return;
    if ((message.kind === 'result' || message.kind === 'error') && typeof message.id === 'string') {
      const exchange = this.#exchanges.get(message.id);
      this.#exchanges.delete(message.id);
      if (exchange !== undefined) this.#linger(exchange);
      if (message.kind === 'result' && this.#era === 'modern' && exchange?.method === 'tools/list') {
        return this.#listener?.onMessage({
          ...message,
          result: this.#parameterHeaders.learn(message.result),
        });
      }
    }
    this.#listener?.onMessage(message);
  }

  /** The stream of an answer ends with it, or is ended. */
  #linger(exchange: Exchange): void {
    if (exchange.streaming)
      exchange.lingering = setTimeout(() => exchange.controller.abort(), lingerMs).unref();
  }

  #lose(id: string, error: McpRequestError): void {
    this.#exchanges.delete(id);
    this.#listener?.onLost(id, error);
  }
}
