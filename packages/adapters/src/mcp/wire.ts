// What a conversation needs from a transport: messages out, messages in, and word of what will never come.
import type { McpRequestError } from '@insightloop/core';
import type { Message, Outgoing } from './message.ts';

/** A frame larger than this is not sent, and not held when it comes in: 16 MiB, as for a request body of ours. */
export const maxFrameBytes = 16 * 1024 * 1024;

export interface Wire {
  /** Called once, before anything is sent. */
  listen(listener: WireListener): void;
  /**
   * Nothing to wait for where the message was handed on at once (the fast path of stdio).
   * @throws McpRequestError, or rejects with one, when the message cannot be delivered
   */
  send(message: Outgoing): Promise<void> | undefined;
  /** Tells the other side that nobody waits for this answer any more. */
  cancel(id: string, reason: string): void;
  /** Detaches from the transport; nothing is delivered to the listener afterwards. */
  close(): Promise<void>;
}

export interface WireListener {
  onMessage(message: Message): void;
  /** This request of ours will get no answer. */
  onLost(id: string, error: McpRequestError): void;
  /** Something too large came that is no answer that could be recognised. */
  onUnidentified(error: McpRequestError): void;
  onClosed(reason: string): void;
}
