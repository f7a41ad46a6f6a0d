// Port: from the place where a server can be reached to a channel that speaks MCP with it.
import type { Readable, Writable } from 'node:stream';
import type { McpChannel } from './channel.ts';

/** Where a server can be reached. Over stdio the bytes are newline-delimited JSON-RPC. */
export type McpEndpoint =
  | { transport: 'stdio'; stdin: Writable; stdout: Readable }
  | {
      transport: 'streamable-http' | 'sse';
      url: string;
      headers?: Record<string, string>;
      /** On this machine's loopback, where we have just started it: it may take a while until it listens. */
      isOurs?: true;
    };

export interface ConnectOptions {
  signal: AbortSignal;
  /** How long the whole handshake may take. */
  timeoutMs: number;
  /** What a stdio server wrote to stdout that is not JSON-RPC: it belongs in the log. */
  onStrayOutput?: (line: string) => void;
}

export interface McpConnector {
  /**
   * Performs the handshake (over stdio the legacy one first, then the modern one).
   * @throws McpConnectError when the server closes, answers nothing in time, or refuses both eras
   */
  connect(endpoint: McpEndpoint, options: ConnectOptions): Promise<McpChannel>;
}

export type McpConnectFailure = 'closed' | 'timeout' | 'refused' | 'protocol' | 'aborted';

/** The handshake failed; `failure` says in which way, `message` is fit for the caller. */
export class McpConnectError extends Error {
  override readonly name = 'McpConnectError';
  readonly failure: McpConnectFailure;

  constructor(failure: McpConnectFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.failure = failure;
  }
}
