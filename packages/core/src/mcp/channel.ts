// Port: one open conversation with one MCP server, shared by all who talk to it.

export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** Sound only for what came out of a JSON parser: it looks at the outermost value. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `legacy`: the initialize handshake (up to 2025-11-25). `modern`: stateless, `server/discover` (from 2026-07-28). */
export type McpEra = 'legacy' | 'modern';

export interface ChannelInfo {
  era: McpEra;
  protocolVersion: string;
  server: { name: string; version: string; title?: string };
  capabilities: JsonObject;
  instructions: string | null;
}

export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

export interface RequestOptions {
  /** Aborting sends `notifications/cancelled` and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Time without an answer *and* without progress after which the request is cancelled. */
  timeoutMs?: number;
  onProgress?: (progress: Progress) => void;
}

export interface McpNotification {
  method: string;
  params: JsonObject;
}

/** A request of the server to us, such as `ping` or `roots/list`. */
export interface McpServerRequest {
  method: string;
  params: JsonObject;
}

/**
 * Ids on the wire are the channel's own, so callers never see each other's answers. A shared channel declares
 * no client capability: over stdio, sampling, elicitation and roots carry no address of the client they concern.
 */
export interface McpChannel {
  readonly info: ChannelInfo;
  /** Requests that wait for an answer now. */
  readonly pending: number;
  /**
   * Sends one request and resolves with its `result`.
   * @throws McpRequestError when the server answers an error, the time is up, the channel closes, or too much is pending
   */
  request(method: string, params?: JsonObject, options?: RequestOptions): Promise<JsonObject>;
  notify(method: string, params?: JsonObject): Promise<void>;
  /**
   * Resolves when the server answers at all, an error included: that it lives is all this asks. (`ping` in the
   * legacy era, `server/discover` in the modern one, which has no ping.)
   * @throws McpRequestError when no answer comes
   */
  ping(options?: Pick<RequestOptions, 'signal' | 'timeoutMs'>): Promise<void>;
  /** Returns the function that ends the listening. */
  onNotification(listener: (notification: McpNotification) => void): () => void;
  /** Answers requests of the server; one handler, `ping` is answered by the channel itself. Without it: method not found. */
  onRequest(handler: (request: McpServerRequest) => Promise<JsonObject>): void;
  /** Resolves, never rejects, when the conversation is over, with the reason in words. */
  readonly closed: Promise<string>;
  /** Ends the conversation: all pending requests fail at once. Does not stop the server. */
  close(reason?: string): Promise<void>;
}

export type McpRequestFailure =
  /** The server answered a JSON-RPC error; `rpc` has it. */
  | 'rpc'
  | 'timeout'
  | 'closed'
  /** The conversation is over, or about to be, and nothing of the request was sent: another channel may carry it. */
  | 'unsent'
  /** More requests are pending than the channel holds: try again later. */
  | 'overloaded'
  /** The request or its answer is larger than a frame may be. */
  | 'too-large'
  /** What came back is no answer. */
  | 'protocol';

/** A request that brought no result; `failure` says in which way, `message` is fit for the caller. */
export class McpRequestError extends Error {
  override readonly name = 'McpRequestError';
  readonly failure: McpRequestFailure;
  readonly rpc: { code: number; message: string; data?: JsonValue } | null;

  constructor(
    failure: McpRequestFailure,
    message: string,
    options: { rpc?: { code: number; message: string; data?: JsonValue }; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.failure = failure;
    this.rpc = options.rpc ?? null;
  }
}
