// What a server asks of its client: answered here, by a handler, or refused; never by a client behind the channel.
import type { JsonObject, Logger, McpServerRequest } from '@insightloop/core';
import type { Outgoing, RequestId } from './message.ts';

/** Requests of the server that the handler works on at the same time. */
const maxHandling = 100;

const methodNotFound = -32601;
const internalError = -32603;
const busy = -32000;

export type ServerRequestHandler = (request: McpServerRequest) => Promise<JsonObject>;

export class ServerRequests {
  handler: ServerRequestHandler | null = null;
  readonly #send: (answer: Outgoing) => void;
  readonly #logger: Logger;
  #handling = 0;

  constructor(send: (answer: Outgoing) => void, logger: Logger) {
    this.#send = send;
    this.#logger = logger;
  }

  answer(id: RequestId, request: McpServerRequest): void {
    if (request.method === 'ping') return this.#send({ jsonrpc: '2.0', id, result: {} });
    if (this.handler === null) {
      return this.#refuse(id, methodNotFound, `This client does not answer ${request.method}.`);
    }
    if (this.#handling >= maxHandling) {
      return this.#refuse(id, busy, `${maxHandling} requests are being answered already.`);
    }
    this.#handling++;
    void this.#handle(this.handler, id, request);
  }

  async #handle(handler: ServerRequestHandler, id: RequestId, request: McpServerRequest): Promise<void> {
    try {
      this.#send({ jsonrpc: '2.0', id, result: await handler(request) });
    } catch (error) {
      this.#logger.warn(
        { error, method: request.method },
        'a request of the MCP server could not be answered',
      );
      this.#refuse(id, internalError, 'The client failed to answer.');
    } finally {
      this.#handling--;
    }
  }

  #refuse(id: RequestId, code: number, message: string): void {
    this.#send({ jsonrpc: '2.0', id, error: { code, message } });
  }
}
