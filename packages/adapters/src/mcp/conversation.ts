// A JSON-RPC conversation with one server: whose answer is whose, how long it may take, what the server asks of us.
import {
  isJsonObject,
  McpRequestError,
  type JsonObject,
  type Logger,
  type McpNotification,
  type Progress,
  type RequestOptions,
} from '@insightloop/core';
import type { Message, Outgoing, RequestId } from './message.ts';
import { ServerRequests, type ServerRequestHandler } from './server-requests.ts';
import type { Wire } from './wire.ts';

/** Above it a request is refused at once: a server that is this far behind does not become faster by waiting. */
const maxPending = 1_000;

/** The longest that a timer of Node takes. */
const maxTimeoutMs = 2 ** 31 - 1;

export interface ConversationOptions {
  wire: Wire;
  logger: Logger;
  /** Begins every id, so that an answer to an earlier conversation over the same streams is nobody's. */
  epoch: string;
}

export interface ConversationRequestOptions extends RequestOptions {
  /** Not counted as pending: the standing request of a subscription. */
  background?: boolean;
}

interface Pending {
  method: string;
  background: boolean;
  resolve(result: JsonObject): void;
  reject(reason: unknown): void;
  onProgress: ((progress: Progress) => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
}

export class Conversation {
  readonly closed: Promise<string>;
  /** Added to `_meta` of every request: the modern era has no handshake that would say it once. */
  envelope: JsonObject = {};
  /** Looks at each result before its caller does; throws McpRequestError. */
  readResult: (result: JsonObject) => JsonObject = (result) => result;

  readonly #wire: Wire;
  readonly #logger: Logger;
  readonly #epoch: string;
  readonly #serverRequests: ServerRequests;
  readonly #waiting = new Map<string, Pending>();
  readonly #listeners = new Set<(notification: McpNotification) => void>();
  #count = 0;
  #background = 0;
  #closedReason: string | null = null;
  #resolveClosed: (reason: string) => void = () => {};

  constructor(options: ConversationOptions) {
    this.#wire = options.wire;
    this.#logger = options.logger;
    this.#epoch = options.epoch;
    this.#serverRequests = new ServerRequests((answer) => this.#send(answer), options.logger);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#wire.listen({
      onMessage: (message) => this.#receive(message),
      onLost: (id, error) => this.#settle(id)?.reject(error),
      onUnidentified: (error) => this.#loseTheOnlyOne(error),
      onClosed: (reason) => void this.close(reason),
    });
  }

  get pending(): number {
    return this.#waiting.size - this.#background;
  }

  request(
    method: string,
    params: JsonObject = {},
    options: ConversationRequestOptions = {},
  ): Promise<JsonObject> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as unknown);
    const id = `${this.#epoch}.${++this.#count}`;
    return new Promise((resolve, reject) => {
      this.#wait(id, { method, resolve, reject }, options);
      try {
        this.#wire
          .send({ jsonrpc: '2.0', id, method, params: this.#withMeta(params, id, options) })
          ?.catch((error: unknown) => this.#settle(id)?.reject(error));
      } catch (error) {
        this.#settle(id)?.reject(error);
      }
    });
  }

  async notify(method: string, params?: JsonObject): Promise<void> {
    if (this.#closedReason !== null) throw new McpRequestError('closed', this.#closedReason);
    await this.#wire.send({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
  }

  onNotification(listener: (notification: McpNotification) => void): () => void {
    // A wrapper, so that the same function listening twice is two listeners.
    const own = (notification: McpNotification): void => listener(notification);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Tells the listeners what the server did, or would have told. */
  announce(notification: McpNotification): void {
    for (const listener of this.#listeners) this.#call(() => listener(notification));
  }

  onRequest(handler: ServerRequestHandler): void {
    this.#serverRequests.handler = handler;
  }

  async close(reason: string): Promise<void> {
    if (this.#closedReason !== null) return;
    this.#closedReason = reason;
    const error = new McpRequestError('closed', reason);
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
    this.#listeners.clear();
    this.#resolveClosed(reason);
    try {
      await this.#wire.close();
    } catch (error) {
      this.#logger.warn({ error }, 'the connection to an MCP server could not be closed in order');
    }
  }

  #refusal(): McpRequestError | null {
    if (this.#closedReason !== null) return new McpRequestError('unsent', this.#closedReason);
    if (this.#waiting.size < maxPending) return null;
    return new McpRequestError(
      'overloaded',
      `${maxPending} requests wait for this server already; try again later.`,
    );
  }

  #wait(
    id: string,
    { method, resolve, reject }: Pick<Pending, 'method' | 'resolve' | 'reject'>,
    options: ConversationRequestOptions,
  ): void {
    const { signal, timeoutMs, onProgress, background = false } = options;
    const abandon = (reason: unknown, words: string): void => {
      const entry = this.#settle(id);
      if (entry === null) return;
      entry.reject(reason);
      // The specification forbids to cancel this one.
      if (method !== 'initialize') this.#wire.cancel(id, words);
    };
    const late = `No answer to ${method} within ${timeoutMs} ms.`;
    const onAbort = signal === undefined ? undefined : () => abandon(signal.reason, 'The caller has left.');
    if (onAbort !== undefined) signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => abandon(new McpRequestError('timeout', late), late),
            Math.min(timeoutMs, maxTimeoutMs),
          );
    this.#waiting.set(id, { method, resolve, reject, background, onProgress, timer, signal, onAbort });
    if (background) this.#background++;
  }

  /** Takes a request off the list; null when its answer has come, or nobody waits for it any more. */
  #settle(id: RequestId): Pending | null {
    // Our ids are strings: a number is nobody's.
    const entry = typeof id === 'string' ? this.#waiting.get(id) : undefined;
    if (entry === undefined || typeof id !== 'string') return null;
    this.#waiting.delete(id);
    if (entry.background) this.#background--;
    clearTimeout(entry.timer);
    if (entry.onAbort !== undefined) entry.signal?.removeEventListener('abort', entry.onAbort);
    return entry;
  }

  /** The token is the id, and only a request that listens to progress, or is to be kept alive by it, has one. */
  #withMeta(params: JsonObject, id: string, options: ConversationRequestOptions): JsonObject {
    const own = params['_meta'];
    const wantsProgress = options.onProgress !== undefined || options.timeoutMs !== undefined;
    const meta: JsonObject = { ...(isJsonObject(own) ? own : {}), ...this.envelope };
    // A token of the caller's own could be that of another caller.
    delete meta['progressToken'];
    if (wantsProgress) meta['progressToken'] = id;
    if (Object.keys(meta).length > 0) return { ...params, _meta: meta };
    if (own === undefined) return params;
    const { _meta, ...rest } = params;
    return rest;
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'result':
        return this.#succeed(message.id, message.result);
      case 'error':
        this.#settle(message.id)?.reject(
          new McpRequestError('rpc', message.error.message, { rpc: message.error }),
        );
        return;
      case 'malformed':
        this.#settle(message.id)?.reject(
          new McpRequestError('protocol', `The answer of the server is no answer: ${message.reason}.`),
        );
        return;
      case 'request':
        return this.#serverRequests.answer(message.id, { method: message.method, params: message.params });
      case 'notification':
        return this.#hear(message);
    }
  }

  #succeed(id: RequestId, result: JsonObject): void {
    const entry = this.#settle(id);
    if (entry === null) return;
    try {
      entry.resolve(this.readResult(result));
    } catch (error) {
      entry.reject(error);
    }
  }

  #hear({ method, params }: McpNotification): void {
    if (method === 'notifications/progress') return this.#progress(params);
    if (method === 'notifications/cancelled') {
      const id = params['requestId'];
      const entry = typeof id === 'string' ? this.#settle(id) : null;
      entry?.reject(new McpRequestError('protocol', 'The server gave the request up.'));
      return;
    }
    this.announce({ method, params });
  }

  #progress(params: JsonObject): void {
    const { progressToken, progress, total, message } = params;
    const entry = typeof progressToken === 'string' ? this.#waiting.get(progressToken) : undefined;
    if (entry === undefined) return;
    entry.timer?.refresh();
    const { onProgress } = entry;
    if (onProgress === undefined || typeof progress !== 'number') return;
    this.#call(() =>
      onProgress({
        progress,
        ...(typeof total === 'number' ? { total } : {}),
        ...(typeof message === 'string' ? { message } : {}),
      }),
    );
  }

  /** For what nobody waits for: an answer to a server that does not read is lost, and the log says so. */
  #send(message: Outgoing): void {
    if (this.#closedReason !== null) return;
    const failed = (error: unknown): void =>
      this.#logger.warn({ error }, 'an answer to the MCP server could not be sent');
    try {
      this.#wire.send(message)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** A listener that throws must not stop the reading of everybody's answers. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#logger.error({ error }, 'a listener of an MCP channel failed');
    }
  }

  #loseTheOnlyOne(error: McpRequestError): void {
    const asked = [...this.#waiting].filter(([, { background }]) => !background);
    const [id] = asked[0] ?? [];
    if (id !== undefined && asked.length === 1) this.#settle(id)?.reject(error);
  }
}
