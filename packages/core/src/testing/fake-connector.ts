// Connects to programs of the fake runtime: as much of MCP over stdio as the life of a deployment needs, on a fake clock.
import type { Readable, Writable } from 'node:stream';
import {
  isJsonObject,
  McpRequestError,
  type ChannelInfo,
  type JsonObject,
  type JsonValue,
  type McpChannel,
  type McpNotification,
  type RequestOptions,
} from '../mcp/channel.ts';
import {
  McpConnectError,
  type ConnectOptions,
  type McpConnector,
  type McpEndpoint,
} from '../mcp/connector.ts';
import type { Clock } from '../platform/clock.ts';

export class FakeConnector implements McpConnector {
  /** Channels that were ever opened. */
  readonly channels: McpChannel[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async connect(endpoint: McpEndpoint, options: ConnectOptions): Promise<McpChannel> {
    if (endpoint.transport !== 'stdio') throw new McpConnectError('refused', 'The fake speaks stdio only.');
    const channel = new StreamChannel(endpoint, { clock: this.#clock, onStray: options.onStrayOutput });
    try {
      await channel.shakeHands(options);
    } catch (error) {
      await channel.close();
      throw connectError(error, options.signal);
    }
    this.channels.push(channel);
    return channel;
  }
}

function connectError(error: unknown, signal: AbortSignal): McpConnectError {
  if (signal.aborted) return new McpConnectError('aborted', 'It was broken off.');
  if (!(error instanceof McpRequestError)) return new McpConnectError('protocol', String(error));
  const { failure } = error;
  return new McpConnectError(
    failure === 'closed' || failure === 'timeout' ? failure : 'refused',
    error.message,
  );
}

interface Pending {
  resolve: (result: JsonObject) => void;
  reject: (error: Error) => void;
}

interface StreamChannelOptions {
  clock: Clock;
  onStray: ConnectOptions['onStrayOutput'];
}

class StreamChannel implements McpChannel {
  info: ChannelInfo = {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    server: { name: 'unknown', version: '0' },
    capabilities: {},
    instructions: null,
  };
  readonly closed: Promise<string>;
  readonly #streams: { stdin: Writable; stdout: Readable };
  readonly #options: StreamChannelOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<(notification: McpNotification) => void>();
  readonly #over = new AbortController();
  readonly #resolveClosed: (reason: string) => void;
  #rest = '';
  #nextId = 0;

  constructor(streams: { stdin: Writable; stdout: Readable }, options: StreamChannelOptions) {
    this.#streams = streams;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    streams.stdout
      .setEncoding('utf8')
      .on('data', this.#onData)
      .on('close', this.#onEnd)
      .on('end', this.#onEnd);
    streams.stdin.on('close', this.#onEnd);
  }

  get pending(): number {
    return this.#pending.size;
  }

  async shakeHands({ signal, timeoutMs }: ConnectOptions): Promise<void> {
    const { capabilities } = await this.request('initialize', {}, { signal, timeoutMs });
    this.info = { ...this.info, capabilities: isObject(capabilities) ? capabilities : {} };
    await this.notify('notifications/initialized');
  }

  request(method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<JsonObject> {
    const { signal, timeoutMs } = options;
    if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason as Error);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    this.#nextId += 1;
    const id = String(this.#nextId);
    const scope = new AbortController();
    const answer = new Promise<JsonObject>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: scope.signal });
      if (timeoutMs !== undefined)
        this.#options.clock.sleep(timeoutMs, scope.signal).then(
          () => reject(new McpRequestError('timeout', `No answer within ${timeoutMs} ms.`)),
          () => undefined,
        );
      this.#send({ jsonrpc: '2.0', id, method, params });
    });
    return answer.finally(() => {
      this.#pending.delete(id);
      scope.abort();
    });
  }

  notify(method: string, params: JsonObject = {}): Promise<void> {
    this.#send({ jsonrpc: '2.0', method, params });
    return Promise.resolve();
  }

  async ping(options: Pick<RequestOptions, 'signal' | 'timeoutMs'> = {}): Promise<void> {
    await this.request('ping', {}, options);
  }

  onNotification(listener: (notification: McpNotification) => void): () => void {
    const own = (notification: McpNotification): void => listener(notification);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  onRequest(): void {}

  close(reason = 'The channel was closed.'): Promise<void> {
    if (this.#over.signal.aborted) return Promise.resolve();
    const error = new McpRequestError('closed', reason);
    this.#over.abort(error);
    this.#streams.stdout.off('data', this.#onData).resume();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#resolveClosed(reason);
    return Promise.resolve();
  }

  readonly #onEnd = (): void => void this.close('The server closed its output.');

  readonly #onData = (chunk: string): void => {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#read(line);
  };

  #send(message: JsonObject): void {
    if (this.#streams.stdin.writable) this.#streams.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #read(line: string): void {
    const message = parsed(line);
    if (message?.['jsonrpc'] !== '2.0') {
      this.#options.onStray?.(line);
      return;
    }
    const { id, method, params, result, error } = message;
    if (typeof method === 'string' && id === undefined)
      for (const listener of this.#listeners) listener({ method, params: isObject(params) ? params : {} });
    const waiting = typeof id === 'string' ? this.#pending.get(id) : undefined;
    if (isObject(result)) waiting?.resolve(result);
    else if (isObject(error)) waiting?.reject(requestError(error));
  }
}

function requestError({ code, message }: JsonObject): McpRequestError {
  const text = typeof message === 'string' ? message : '';
  return new McpRequestError('rpc', text, {
    rpc: { code: typeof code === 'number' ? code : 0, message: text },
  });
}

const isObject = (value: JsonValue | undefined): value is JsonObject => isJsonObject(value);

function parsed(line: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
