// Requests with an Idempotency-Key: carried out once, and answered again with the first answer for 24 hours.
import { claimLifeMs, conflict, serviceUnavailable } from '@insightloop/core';
import { createHash } from 'node:crypto';
import superjson from 'superjson';
import type { Context } from './context.ts';
import { wire } from './wire.ts';

interface OnceOptions {
  ctx: Pick<Context, 'idempotencyKey' | 'answers' | 'caller'>;
  /** The operation's name: the same key may be used for different ones. */
  operation: string;
  input: unknown;
}

/**
 * What fails is not kept: the same key may try again.
 * @throws AppError CONFLICT when the key was used with other input; SERVICE_UNAVAILABLE while the first request is
 *   under way; whatever `work` throws
 */
export async function once<T>({ ctx, operation, input }: OnceOptions, work: () => Promise<T>): Promise<T> {
  const { idempotencyKey, answers, caller } = ctx;
  if (idempotencyKey === null) return work();
  const key = `${operation} ${caller.limitKey} ${idempotencyKey}`;
  const claim = await answers.claim(key, fingerprintOf(input));
  switch (claim.state) {
    case 'answered':
      return superjson.parse<T>(claim.answer);
    case 'different':
      throw conflict('This Idempotency-Key was used with another request. Use a new key for a new request.');
    case 'pending':
      throw serviceUnavailable('The request with this Idempotency-Key is still under way.', 2);
    case 'new': {
      // One that fails is followed by others, and the claim outlives some of them.
      const renewing = setInterval(() => void answers.renew(key).catch(() => undefined), claimLifeMs / 6);
      const result = await work()
        .catch(async (error: unknown) => {
          await answers.release(key);
          throw error;
        })
        .finally(() => clearInterval(renewing));
      await answers.answer(key, JSON.stringify(wire.serialize(result)));
      return result;
    }
  }
}

/** A hash, because the input may hold secrets. */
const fingerprintOf = (input: unknown): string =>
  createHash('sha256').update(JSON.stringify(input)).digest('base64');
