// A channel without a server: answers come from functions, and a test says what the server does unasked.
import {
  McpRequestError,
  type ChannelInfo,
  type JsonObject,
  type McpChannel,
  type McpNotification,
  type McpServerRequest,
  type RequestOptions,
} from '../mcp/channel.ts';
import { everydayAnswers, ScriptedError, type ScriptedAnswer } from './scripted-mcp-server.ts';

export interface FakeChannelOptions {
  info?: Partial<ChannelInfo>;
  answers?: Record<string, ScriptedAnswer>;
}

const maxPending = 1_000;

export class FakeChannel implements McpChannel {
  readonly info: ChannelInfo;
  readonly closed: Promise<string>;
  /** Every request, in order. */
  readonly requests: { method: string; params: JsonObject }[] = [];
  readonly answers: Map<string, ScriptedAnswer>;
  readonly #listeners = new Set<(notification: McpNotification) => void>();
  readonly #over = new AbortController();
  #handler: ((request: McpServerRequest) => Promise<JsonObject>) | null = null;
  #pending = 0;
  #resolveClosed: (reason: string) => void = () => {};

  constructor({ info = {}, answers = everydayAnswers }: FakeChannelOptions = {}) {
    this.info = {
      era: 'legacy',
      protocolVersion: '2025-11-25',
      server: { name: 'fake', version: '1.0.0' },
      capabilities: { tools: { listChanged: true } },
      instructions: null,
      ...info,
    };
    this.answers = new Map(Object.entries(answers));
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get pending(): number {
    return this.#pending;
  }

  async request(method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<JsonObject> {
    if (this.#over.signal.aborted) throw new McpRequestError('unsent', await this.closed);
    options.signal?.throwIfAborted();
    if (this.#pending >= maxPending) throw new McpRequestError('overloaded', 'Too many requests wait.');
    this.#pending++;
    try {
      return await this.#answer({ method, params }, options);
    } finally {
      this.#pending--;
    }
  }

  notify(): Promise<void> {
    return this.#over.signal.aborted ? Promise.reject(this.#over.signal.reason as Error) : Promise.resolve();
  }

  async ping(): Promise<void> {
    if (this.#over.signal.aborted) throw new McpRequestError('unsent', await this.closed);
    return Promise.resolve();
  }

  onNotification(listener: (notification: McpNotification) => void): () => void {
    const own = (notification: McpNotification): void => listener(notification);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  onRequest(handler: (request: McpServerRequest) => Promise<JsonObject>): void {
    this.#handler = handler;
  }

  close(reason = 'The channel was closed.'): Promise<void> {
    if (this.#over.signal.aborted) return Promise.resolve();
    this.#over.abort(new McpRequestError('closed', reason));
    this.#listeners.clear();
    this.#resolveClosed(reason);
    return Promise.resolve();
  }

  /** The server notifies. */
  announce(method: string, params: JsonObject = {}): void {
    for (const listener of this.#listeners) listener({ method, params });
  }

  /** The server asks its client. */
  ask(request: McpServerRequest): Promise<JsonObject> {
    if (this.#handler === null) return Promise.reject(new ScriptedError(-32601, 'Method not found'));
    return this.#handler(request);
  }

  #answer(request: { method: string; params: JsonObject }, options: RequestOptions): Promise<JsonObject> {
    const { signal, timeoutMs, onProgress } = options;
    this.requests.push(request);
    const given = new AbortController();
    return new Promise<JsonObject>((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        given.abort();
        reject(reason);
      };
      const late = (): void => giveUp(new McpRequestError('timeout', `No answer within ${timeoutMs} ms.`));
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      const ends = { signal: given.signal };
      given.signal.addEventListener('abort', () => clearTimeout(timer));
      signal?.addEventListener('abort', () => giveUp(signal.reason), ends);
      this.#over.signal.addEventListener('abort', () => giveUp(this.#over.signal.reason), ends);
      this.#work(
        request,
        (progress) => {
          timer?.refresh();
          if (!given.signal.aborted) onProgress?.(progress);
        },
        given.signal,
      )
        .then(resolve, (error: unknown) => reject(asRequestError(error)))
        .finally(() => given.abort());
    });
  }

  async #work(
    { method, params }: { method: string; params: JsonObject },
    progress: Parameters<ScriptedAnswer>[1]['progress'],
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const answer = this.answers.get(method);
    if (answer === undefined) throw new ScriptedError(-32601, 'Method not found');
    return answer(params, { progress, signal });
  }
}

function asRequestError(error: unknown): McpRequestError {
  if (error instanceof McpRequestError) return error;
  const rpc = error instanceof ScriptedError ? error.rpc : { code: -32603, message: String(error) };
  return new McpRequestError('rpc', rpc.message, { rpc });
}
