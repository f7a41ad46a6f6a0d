// Port: answers that were given under a key of the caller's, so that the same request is carried out once.

export type Claim =
  /** Nobody has used the key within the last 24 hours: it is ours to carry out. */
  | { state: 'new' }
  /** The same request is under way. */
  | { state: 'pending' }
  /** It was carried out, and this was the answer. */
  | { state: 'answered'; answer: string }
  /** The key was used for another request. */
  | { state: 'different' };

/** @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached */
export interface AnswerStore {
  /**
   * Claims a key for a request, of which `fingerprint` tells it from others. One of several that come at once gets it.
   * A claim that is neither answered nor released, nor renewed for a minute, is free again: whoever made it has died.
   */
  claim(key: string, fingerprint: string): Promise<Claim>;
  /** As long as the request is under way, well within the minute. */
  renew(key: string): Promise<void>;
  answer(key: string, answer: string): Promise<void>;
  /** Gives a claim back: the request failed, and may be tried again. */
  release(key: string): Promise<void>;
}

export const answerLifeMs = 24 * 60 * 60 * 1000;
export const claimLifeMs = 60 * 1000;
