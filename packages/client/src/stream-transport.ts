// How a stream comes to us: one connection at a time, whatever it is made of.

export type StreamMessage =
  { type: 'opened' } | { type: 'alive' } | { type: 'item'; id: string | null; value: unknown };

export interface StreamRequest {
  /** Of the tRPC door, without a slash at the end. */
  url: string;
  headers: Readonly<Record<string, string>>;
  fetch: typeof globalThis.fetch;
  /** The operation, such as `events.subscribe`. */
  path: string;
  input: unknown;
  signal: AbortSignal;
  failures: StreamFailures;
}

/**
 * The errors that a connection may end with. They are made where the client is: with `require` a transport from
 * another entry would have an error class of its own.
 */
export interface StreamFailures {
  /** The connection cannot be made or is gone. */
  lost(cause: unknown): Error;
  /** Whoever answers is not this API. */
  unexpected(what: string, options?: { status?: number; cause?: unknown }): Error;
  /** What the server says is wrong; null where it is no error of ours. */
  refused(body: unknown, answer: Response | null): Error | null;
}

/**
 * One connection. Ends when the server ends the stream.
 * @throws an error of `failures`, or whatever the signal was aborted with
 */
export type StreamTransport = (request: StreamRequest) => AsyncIterable<StreamMessage>;
