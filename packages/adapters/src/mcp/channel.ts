// An open conversation as the rest of the product sees it.
import {
  McpRequestError,
  type ChannelInfo,
  type JsonObject,
  type McpChannel,
  type McpNotification,
  type McpRequestFailure,
  type McpServerRequest,
  type RequestOptions,
} from '@insightloop/core';
import { isAcknowledgement } from './change-subscription.ts';
import type { Conversation } from './conversation.ts';
import { isHeaderMismatch } from './parameter-headers.ts';

/** The failures that only a living server can cause. */
const signsOfLife: readonly McpRequestFailure[] = ['rpc', 'protocol', 'too-large'];

export class ConversationChannel implements McpChannel {
  readonly info: ChannelInfo;
  readonly closed: Promise<string>;
  readonly #conversation: Conversation;
  readonly #relearnTools: (() => Promise<void>) | null;

  /** `relearnTools`, where calls carry headers that come from the list of tools: looks at the list again. */
  constructor(
    conversation: Conversation,
    info: ChannelInfo,
    relearnTools: (() => Promise<void>) | null = null,
  ) {
    this.info = info;
    this.#conversation = conversation;
    this.#relearnTools = relearnTools;
    this.closed = conversation.closed;
  }

  get pending(): number {
    return this.#conversation.pending;
  }

  request(method: string, params?: JsonObject, options?: RequestOptions): Promise<JsonObject> {
    const answer = this.#conversation.request(method, params, options);
    const relearnTools = this.#relearnTools;
    if (relearnTools === null || method !== 'tools/call') return answer;
    return answer.catch(async (error: unknown) => {
      if (!isHeaderMismatch(error)) throw error;
      // The server looked at the headers and refused: the tool has not run.
      await relearnTools();
      return this.#conversation.request(method, params, options);
    });
  }

  notify(method: string, params?: JsonObject): Promise<void> {
    return this.#conversation.notify(method, params);
  }

  async ping(options?: Pick<RequestOptions, 'signal' | 'timeoutMs'>): Promise<void> {
    try {
      await this.request(this.info.era === 'modern' ? 'server/discover' : 'ping', undefined, options);
    } catch (error) {
      if (!(error instanceof McpRequestError && signsOfLife.includes(error.failure))) throw error;
    }
  }

  onNotification(listener: (notification: McpNotification) => void): () => void {
    return this.#conversation.onNotification((notification) => {
      if (!isAcknowledgement(notification)) listener(notification);
    });
  }

  onRequest(handler: (request: McpServerRequest) => Promise<JsonObject>): void {
    this.#conversation.onRequest(handler);
  }

  close(reason = 'The channel was closed.'): Promise<void> {
    return this.#conversation.close(reason);
  }
}
