// JSON-RPC over the old HTTP+SSE transport (2024-11-05): one stream of answers, a POST for each message.
// Deprecated with the transport itself, which servers still speak.
/* eslint-disable @typescript-eslint/no-deprecated */
import { SSEClientTransport, SseError, type FetchLike } from '@modelcontextprotocol/client';
import type { Logger } from '@insightloop/core';
import { guardedFetch } from './guarded-fetch.ts';
import { requestFailure } from './http-failure.ts';
import { readMessage, type Outgoing } from './message.ts';
import type { Wire, WireListener } from './wire.ts';

export interface SseOptions {
  url: string;
  headers: Record<string, string>;
  fetch: FetchLike;
  logger: Logger;
}

export class SseWire implements Wire {
  readonly #transport: SSEClientTransport;
  readonly #logger: Logger;
  #listener: WireListener | null = null;

  constructor({ url, headers, fetch, logger }: SseOptions) {
    this.#logger = logger;
    this.#transport = new SSEClientTransport(new URL(url), {
      requestInit: { headers },
      fetch: guardedFetch(fetch, (id, error) => this.#listener?.onLost(id, error)),
    });
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
    this.#transport.onmessage = (value) => {
      const message = readMessage(value);
      if (message !== null) listener.onMessage(message);
    };
    this.#transport.onerror = (error) => {
      this.#logger.debug({ error }, 'an exchange with an MCP server failed');
      // The transport would connect anew, to a session that knows nothing of ours.
      if (error instanceof SseError)
        listener.onClosed(`The event stream of the server broke: ${error.message}`);
    };
  }

  /** Resolves when the server has said where to POST. */
  async start(): Promise<void> {
    try {
      await this.#transport.start();
    } catch (error) {
      throw requestFailure(error, null);
    }
  }

  agree(protocolVersion: string): void {
    this.#transport.setProtocolVersion(protocolVersion);
  }

  async send(message: Outgoing): Promise<void> {
    try {
      await this.#transport.send(message);
    } catch (error) {
      throw requestFailure(error, 'id' in message ? message.id : null);
    }
  }

  cancel(id: string, reason: string): void {
    this.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } }).catch(
      (error: unknown) =>
        this.#logger.debug({ error }, 'an MCP server could not be told of a cancelled request'),
    );
  }

  async close(): Promise<void> {
    this.#listener = null;
    await this.#transport.close();
  }
}
