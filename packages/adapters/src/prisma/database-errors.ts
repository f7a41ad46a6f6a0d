// What goes wrong between us and the database, in the words of core.
import { AppError, serviceUnavailable } from '@insightloop/core';
import { z } from 'zod';

/** Awaits a query; where the database could not answer it, says so, and lets every other error pass as it is. */
export async function answered<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    if (!isOutage(error)) throw error;
    throw serviceUnavailable(
      'The database does not answer at the moment. Try again in a few seconds.',
      5,
      error,
    );
  }
}

/** Why a database cannot be opened, for the operator. */
export function cannotOpen(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError(
    'SERVICE_UNAVAILABLE',
    `The database cannot be opened: ${reason}. Check DATABASE_URL.`,
    {
      cause: error,
      infrastructure: true,
    },
  );
}

const fault = z.object({
  /** Prisma's own (P1001), Node's (ECONNREFUSED) or PostgreSQL's (57P01). */
  code: z.string().optional().catch(undefined),
  message: z.string().catch(''),
  meta: z
    .object({ driverAdapterError: z.object({ cause: z.object({ originalCode: z.string() }) }) })
    .optional()
    .catch(undefined),
});

/**
 * SQLSTATE classes (PostgreSQL's documentation, appendix A) that mean "not now": 08 connection exceptions, 53 out of
 * resources, 57 operator intervention, statement timeouts and shutdowns among them, 25006 a standby that takes no
 * writes.
 */
const outageState = /^(08|53|57)...$|^25006$/;

/** P1xxx: not reachable, closed, timed out; P2024 and P2037: no connection to be had. */
const outageOfPrisma = /^P1\d{3}$|^P2024$|^P2037$/;

/** Of Node: ECONNREFUSED, ENOENT for a socket that is gone, EPIPE, … */
const systemError = /^E[A-Z]{3,}$/;

/** pg's own errors have no code. */
const outageMessage =
  /^(timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client has)/;

function isOutage(error: unknown): boolean {
  const { data } = fault.safeParse(error);
  if (!data) return false;
  const state = data.meta?.driverAdapterError.cause.originalCode;
  if (state) return outageState.test(state);
  if (data.code)
    return [outageOfPrisma, systemError, outageState].some((pattern) => pattern.test(data.code ?? ''));
  return outageMessage.test(data.message);
}
