// What a door gives to each operation. Small interfaces of our own: the SDK's declarations must not drag in a server.
import type { AnswerStore, Ids, Logger, RateLimiter, Services } from '@insightloop/core';

export interface Caller {
  /** What rate limits count by: the key or subject, else the address. */
  limitKey: string;
}

export interface Context {
  services: Services;
  caller: Caller;
  rateLimiter: RateLimiter;
  answers: AnswerStore;
  /** What the caller sent as Idempotency-Key; null without one. */
  idempotencyKey: string | null;
  ids: Ids;
  /** Aborts when the process begins to end: streams say so while they still can. */
  closing: AbortSignal;
  log: Logger;
  /** Null on a WebSocket, where one connection carries many requests: each then gets its own. */
  requestId: string | null;
  /** Sets a header of the answer; does nothing where there is none to set, as on a WebSocket. */
  setHeader(name: string, value: string): void;
}
