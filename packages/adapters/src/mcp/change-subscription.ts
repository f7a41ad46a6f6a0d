// The standing request that the modern era needs to hear of changed lists; the legacy era tells of them unasked.
import { isJsonObject, McpRequestError, type JsonObject, type McpNotification } from '@insightloop/core';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conversation } from './conversation.ts';

/** Between two attempts, doubled up to the limit while the server does not acknowledge. */
const firstRetryMs = 1_000;
const lastRetryMs = 30_000;

/** How long a handshake waits for a server to begin to tell. */
const patienceMs = 2_000;

/** The lists that can change: their capability, their place in the filter, their notification. */
export const changingLists = [
  { capability: 'tools', filter: 'toolsListChanged', changed: 'notifications/tools/list_changed' },
  { capability: 'prompts', filter: 'promptsListChanged', changed: 'notifications/prompts/list_changed' },
  {
    capability: 'resources',
    filter: 'resourcesListChanged',
    changed: 'notifications/resources/list_changed',
  },
] as const;

export const acknowledged = 'notifications/subscriptions/acknowledged';

/** An answer to the channel itself, in the shape of a notification. */
export const isAcknowledgement = ({ method }: McpNotification): boolean => method === acknowledged;

export function announcesChanges(capabilities: JsonObject, capability: string): boolean {
  const declared = capabilities[capability];
  return isJsonObject(declared) && declared['listChanged'] === true;
}

/**
 * Listens until the conversation is over; resolves when the server has begun to tell, will not, or lets us wait.
 * What changed in a time of silence was told to nobody, so after it every list counts as changed.
 */
export async function followChanges(conversation: Conversation, capabilities: JsonObject): Promise<void> {
  const wanted = changingLists.filter(({ capability }) => announcesChanges(capabilities, capability));
  if (wanted.length === 0) return;
  const following = new Following(conversation, wanted);
  const patience = new AbortController();
  const impatient = sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => {});
  await Promise.race([following.begun, following.follow(), impatient]);
  patience.abort();
  following.silence();
}

class Following {
  /** Resolves when the server has acknowledged the first time. */
  readonly begun: Promise<void>;
  readonly #conversation: Conversation;
  readonly #wanted: readonly (typeof changingLists)[number][];
  #retryMs = firstRetryMs;
  #listening = false;
  #gap = false;

  constructor(conversation: Conversation, wanted: readonly (typeof changingLists)[number][]) {
    this.#conversation = conversation;
    this.#wanted = wanted;
    this.begun = new Promise((resolve) => {
      conversation.onNotification((notification) => {
        if (!isAcknowledgement(notification)) return;
        this.#acknowledged();
        resolve();
      });
    });
  }

  async follow(): Promise<void> {
    const over = new AbortController();
    void this.#conversation.closed.then(() => over.abort());
    const notifications = Object.fromEntries(this.#wanted.map(({ filter }) => [filter, true]));
    while (!over.signal.aborted) {
      try {
        await this.#conversation.request('subscriptions/listen', { notifications }, { background: true });
      } catch (error) {
        // A server that declares changes and then refuses to tell of them is taken at its last word.
        if (error instanceof McpRequestError && error.failure === 'rpc') return;
      }
      this.#listening = false;
      this.silence();
      await sleep(this.#retryMs, undefined, { signal: over.signal, ref: false }).catch(() => {});
      this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs);
    }
  }

  /** From here on, somebody might miss a change. */
  silence(): void {
    if (!this.#listening) this.#gap = true;
  }

  #acknowledged(): void {
    this.#listening = true;
    this.#retryMs = firstRetryMs;
    if (this.#gap)
      for (const { changed } of this.#wanted) this.#conversation.announce({ method: changed, params: {} });
    this.#gap = false;
  }
}
