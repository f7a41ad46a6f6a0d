// Calls an operation as tRPC does, through the same middlewares, for the REST door. tRPC's own caller copies everything
// descriptor by descriptor at each of them, which is five sixths of a trivial call (25 µs against 4 µs).
import { getTRPCErrorFromUnknown, type TRPCError, type TRPCProcedureType } from '@trpc/server';
import type { Context } from './context.ts';
import type { ApiMeta } from './meta.ts';

export interface OperationCall {
  ctx: Context;
  /** Not validated yet. */
  input: unknown;
  /** Aborts when the caller leaves. */
  signal: AbortSignal;
}

/** What tRPC's middlewares hand each other. */
interface Step {
  ctx: Context;
  type: TRPCProcedureType;
  path: string;
  input: unknown;
  getRawInput: () => Promise<unknown>;
  meta: ApiMeta;
  signal: AbortSignal;
  batchIndex: number;
}

type Outcome = { ok: true; data: unknown } | { ok: false; error: TRPCError };

export type Middleware = (
  step: Step & { next: (changes?: Partial<Step>) => Promise<Outcome> },
) => Promise<Outcome>;

export interface OperationParts {
  operation: string;
  type: TRPCProcedureType;
  meta: ApiMeta;
  /** In tRPC's order: ours, input, output, resolver. */
  middlewares: readonly Middleware[];
}

/** @throws TRPCError, of which `toAppError` makes the error to answer with */
export async function callOperation(
  { operation, type, meta, middlewares }: OperationParts,
  { ctx, input, signal }: OperationCall,
): Promise<unknown> {
  const first: Step = {
    ctx,
    type,
    path: operation,
    input: undefined,
    getRawInput: () => Promise.resolve(input),
    meta,
    signal,
    batchIndex: 0,
  };
  const outcome = await run(middlewares, 0, first);
  if (!outcome.ok) throw outcome.error;
  return outcome.data;
}

async function run(middlewares: readonly Middleware[], index: number, step: Step): Promise<Outcome> {
  const middleware = middlewares[index];
  if (!middleware) throw new Error(`${step.path} has nothing that answers`);
  const next = (changes: Partial<Step> = {}): Promise<Outcome> =>
    run(middlewares, index + 1, {
      ...step,
      ...changes,
      ctx: changes.ctx ? { ...step.ctx, ...changes.ctx } : step.ctx,
    });
  try {
    return await middleware({ ...step, next });
  } catch (cause) {
    return { ok: false, error: getTRPCErrorFromUnknown(cause) };
  }
}
