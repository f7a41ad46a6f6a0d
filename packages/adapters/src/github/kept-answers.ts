// Answers that were kept: good for a while without asking, and after that for as long as the host says so.
import type { Clock, HttpCache } from '@insightloop/core';
import { z } from 'zod';
import { unreachable } from './failures.ts';

/** `unchanged` is what the host says to the etag that it was asked with. */
export type Asked<T> = 'unchanged' | { answer: T | null; etag: string | null };

export interface KeptAnswers {
  /**
   * @param schema must also read what it has written: what is kept is its output as JSON
   * @param ask with the etag of what is kept, if there is anything; null as an answer is kept too
   * @throws AppError SERVICE_UNAVAILABLE when the cache cannot be reached; whatever `ask` throws
   */
  get<T>(
    key: string,
    schema: z.ZodType<T>,
    ask: (etag: string | null) => Promise<Asked<T>>,
  ): Promise<T | null>;
}

export interface KeptAnswersOptions {
  cache: HttpCache;
  clock: Pick<Clock, 'now'>;
  /** For so long an answer is good without asking. */
  freshMs: number;
}

/** Larger ones are asked for again rather than kept. */
const maxKeptLength = 1024 ** 2;

export function createKeptAnswers({ cache, clock, freshMs }: KeptAnswersOptions): KeptAnswers {
  return {
    async get(key, schema, ask) {
      const cached = await cache.find(key);
      // What an older version of us has kept may not be readable any more; then nothing was kept.
      const known = cached === null ? null : readKept(cached.body, schema);
      const isFresh = cached !== null && clock.now() - cached.checked_at.getTime() < freshMs;
      if (known !== null && isFresh) return known.answer;
      const asked = await ask(known === null ? null : (cached?.etag ?? null));
      if (asked === 'unchanged') {
        if (known === null) throw unreachable('it answered 304 although nothing was kept', undefined);
        await cache.touch(key, new Date(clock.now()));
        return known.answer;
      }
      const body = JSON.stringify({ answer: asked.answer });
      if (body.length <= maxKeptLength)
        await cache.put(key, { etag: asked.etag, body, checked_at: new Date(clock.now()) });
      return asked.answer;
    },
  };
}

function readKept<T>(body: string, schema: z.ZodType<T>): { answer: T | null } | null {
  try {
    return z.object({ answer: schema.nullable() }).parse(JSON.parse(body));
  } catch {
    return null;
  }
}
