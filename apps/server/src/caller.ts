// Who calls, and under which key of their own.
import type { Caller } from '@insightloop/api';
import { invalidRequest } from '@insightloop/core';
import type { FastifyRequest } from 'fastify';

/** Without authentication a caller is an address; behind a trusted proxy the one that the proxy tells. */
export const callerOf = (request: FastifyRequest): Caller => ({ limitKey: request.ip });

/**
 * The key of the IETF draft on the Idempotency-Key header, taken as opaque text.
 * @throws AppError INVALID_REQUEST
 */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw invalidRequest('The Idempotency-Key must be 1 to 255 printable characters.');
}
