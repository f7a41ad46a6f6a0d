// All that the bridge remembers: requests under way, and how many streams are open. Both end with their connection.
import { serviceUnavailable, type Logger, type McpChannel } from '@insightloop/core';

/** Event streams of all clients together; each holds a connection open for as long as its client likes. */
const maxStreams = 1_000;

const retryAfterSeconds = 5;

const defaultTimeoutMs = 10 * 60_000;

export interface McpBridgeOptions {
  /**
   * The channel of a deployed server; may wait for one that is being restarted, until the client leaves.
   * @throws AppError, which the bridge passes on to whoever mounts it
   */
  open(serverId: string, signal: AbortSignal): Promise<McpChannel>;
  logger: Logger;
  /** How long a request may go without an answer and without progress; 10 minutes by default. */
  requestTimeoutMs?: number;
  newSessionId(): string;
}

/** One request that a client waits for. */
export interface Work {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  /** To be called once the answer is there. */
  end(): void;
}

export class BridgeState {
  readonly open: McpBridgeOptions['open'];
  readonly newSessionId: () => string;
  readonly logger: Logger;
  readonly timeoutMs: number;
  readonly #working = new Map<string, AbortController>();
  readonly #over = new AbortController();
  #streams = 0;

  constructor({ open, newSessionId, logger, requestTimeoutMs = defaultTimeoutMs }: McpBridgeOptions) {
    this.open = open;
    this.newSessionId = newSessionId;
    this.logger = logger;
    this.timeoutMs = requestTimeoutMs;
  }

  /** Ends with its client, or when it is cancelled under its key. */
  begin(client: AbortSignal, key: string | null): Work {
    const controller = new AbortController();
    const onGone = (): void => controller.abort(new Error('The client has left.'));
    if (client.aborted) onGone();
    else client.addEventListener('abort', onGone, { once: true });
    if (key !== null) this.#working.set(key, controller);
    return {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason),
      end: () => {
        client.removeEventListener('abort', onGone);
        if (key !== null && this.#working.get(key) === controller) this.#working.delete(key);
      },
    };
  }

  cancel(key: string): void {
    this.#working.get(key)?.abort(new Error('The client has cancelled the request.'));
  }

  /**
   * The frames end with their client, or with the bridge.
   * @throws AppError SERVICE_UNAVAILABLE when too many are open
   */
  stream(client: AbortSignal, frames: (signal: AbortSignal) => AsyncIterable<string>): AsyncIterable<string> {
    if (this.#streams >= maxStreams) {
      throw serviceUnavailable(`${maxStreams} event streams are open already.`, retryAfterSeconds);
    }
    return this.#counted(client, frames);
  }

  /** Ends the streams; requests under way end by themselves. */
  close(): void {
    this.#over.abort();
  }

  async *#counted(
    client: AbortSignal,
    frames: (signal: AbortSignal) => AsyncIterable<string>,
  ): AsyncGenerator<string> {
    const controller = new AbortController();
    const end = (): void => controller.abort();
    const sources = [client, this.#over.signal];
    for (const source of sources) source.addEventListener('abort', end);
    if (sources.some(({ aborted }) => aborted)) end();
    this.#streams++;
    try {
      yield* frames(controller.signal);
    } finally {
      this.#streams--;
      for (const source of sources) source.removeEventListener('abort', end);
    }
  }
}
