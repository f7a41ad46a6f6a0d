// Port: answers of other people's services with what is needed to ask whether they have changed.

export interface CachedAnswer {
  /** As sent, with its quotes; null where the service sent none. */
  etag: string | null;
  body: string;
  /** When we last heard from the service that this is the answer. */
  checked_at: Date;
}

/**
 * Keys are URLs, or begin with one; a caller with a token puts something of it (never itself) into the key, because
 * its answers may not be for everybody.
 * @throws AppError SERVICE_UNAVAILABLE from each method when the store cannot be reached
 */
export interface HttpCache {
  find(key: string): Promise<CachedAnswer | null>;
  put(key: string, answer: CachedAnswer): Promise<void>;
  /** The service said that the answer is still the same. */
  touch(key: string, checkedAt: Date): Promise<void>;
  /** Removes what was not checked since; answers how many there were. */
  prune(before: Date): Promise<number>;
}
