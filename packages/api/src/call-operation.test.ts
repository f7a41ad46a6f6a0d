// The REST door's caller against tRPC's own: the same operations, the same results, the same errors.
import { conflict } from '@insightloop/core';
import { callTRPCProcedure, initTRPC, TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z, ZodError } from 'zod';
import type { Context } from './context.ts';
import type { ApiMeta } from './meta.ts';
import { restRoutes } from './rest-routes.ts';

const t = initTRPC.context<Context>().meta<ApiMeta>().create();
const meta = (path: string): ApiMeta => ({
  openapi: { method: 'GET', path: `/${path}`, tags: ['System'], summary: path },
  limit: 'unlimited',
});

const steps: string[] = [];
const noting = (name: string) =>
  t.middleware(async ({ next, input, path, type }) => {
    steps.push(`${name} before ${path} (${type}) ${JSON.stringify(input)}`);
    const result = await next();
    steps.push(`${name} after ${result.ok ? 'success' : result.error.code}`);
    return result;
  });

const router = t.router({
  plain: t.procedure.meta(meta('plain')).query(() => 'plain'),
  things: {
    nested: t.procedure.meta(meta('nested')).query(({ path }) => path),
  },
  noted: t.procedure
    .meta(meta('noted'))
    .use(noting('outer'))
    .input(z.object({ n: z.int() }))
    .use(noting('inner'))
    .output(z.object({ n: z.int() }))
    .query(({ input }) => ({ ...input, more: 1 })),
  context: t.procedure
    .meta(meta('context'))
    .use(({ next }) => next({ ctx: { requestId: 'changed', added: true } }))
    .query(({ ctx }) => [ctx.requestId, ctx.added, ctx.caller.limitKey]),
  twice: t.procedure
    .meta(meta('twice'))
    .input(z.object({ a: z.string().transform((text) => text.length) }))
    .input(z.object({ b: z.boolean().default(true) }))
    .query(({ input }) => input),
  raw: t.procedure
    .meta(meta('raw'))
    .use(({ next }) => next({ getRawInput: () => Promise.resolve({ n: 7 }) }))
    .input(z.object({ n: z.int() }))
    .query(({ input }) => input.n),
  metaOf: t.procedure
    .meta(meta('metaOf'))
    .use(async ({ next, meta: given }) => {
      steps.push(given?.openapi.path ?? 'none');
      return next();
    })
    .query(() => null),
  signal: t.procedure.meta(meta('signal')).query(({ signal }) => signal?.aborted),
  nothing: t.procedure.meta(meta('nothing')).query(() => undefined),
  stream: t.procedure.meta(meta('stream')).subscription(async function* () {
    yield 1;
    yield 2;
  }),
  replaced: t.procedure
    .meta(meta('replaced'))
    .use(async ({ next }) => {
      const result = await next();
      return result.ok ? { ...result, data: 'replaced' } : result;
    })
    .query(() => 'first'),
  throwsOurs: t.procedure.meta(meta('throwsOurs')).query(() => {
    throw conflict('ours');
  }),
  throwsText: t.procedure.meta(meta('throwsText')).query(() => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a library might do
    throw 'text';
  }),
  throwsIts: t.procedure.meta(meta('throwsIts')).query(() => {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'its own' });
  }),
  throwsBefore: t.procedure
    .meta(meta('throwsBefore'))
    .use(() => {
      throw new Error('before');
    })
    .query(() => 'never'),
  throwsAfter: t.procedure
    .meta(meta('throwsAfter'))
    .use(async ({ next }) => {
      const result = await next();
      if (!result.ok) throw new Error('seen', { cause: result.error });
      return result;
    })
    .query(() => {
      throw new Error('first');
    }),
  badOutput: t.procedure
    .meta(meta('badOutput'))
    .output(z.string())
    .query(() => 5 as unknown as string),
});

const routes = restRoutes(router);
const routeOf = (operation: string) => {
  const route = routes.find((one) => one.operation === operation);
  if (!route) throw new Error(`no route of ${operation}`);
  return route;
};
const ctx = { caller: { limitKey: 'someone' }, requestId: 'given' } as unknown as Context;

interface Told {
  value?: unknown;
  error?: { code: string; message: string; cause: unknown };
  steps: string[];
}

async function told(call: () => Promise<unknown>): Promise<Told> {
  steps.length = 0;
  try {
    const value = await call();
    return { value: isStream(value) ? await allOf(value) : value, steps: [...steps] };
  } catch (thrown) {
    if (!(thrown instanceof TRPCError)) throw new Error('no TRPCError', { cause: thrown });
    const { code, message, cause } = thrown;
    return {
      error: { code, message, cause: cause instanceof ZodError ? cause.issues : cause?.message },
      steps: [...steps],
    };
  }
}

async function allOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

describe('an operation', () => {
  it.each([
    ['plain', undefined],
    ['plain', { ignored: true }],
    ['things.nested', undefined],
    ['noted', { n: 5 }],
    ['noted', { n: 'five' }],
    ['noted', undefined],
    ['context', undefined],
    ['twice', { a: 'abc' }],
    ['twice', { a: 5 }],
    ['raw', { n: 'ignored' }],
    ['metaOf', undefined],
    ['signal', undefined],
    ['nothing', undefined],
    ['stream', undefined],
    ['replaced', undefined],
    ['throwsOurs', undefined],
    ['throwsText', undefined],
    ['throwsIts', undefined],
    ['throwsBefore', undefined],
    ['throwsAfter', undefined],
    ['badOutput', undefined],
  ])('%s with %j does what it does for tRPC', async (operation, input) => {
    const route = routeOf(operation);
    const { signal } = new AbortController();
    const ours = await told(() => route.call({ ctx, input, signal }));
    const its = await told(() =>
      callTRPCProcedure({
        router,
        path: operation,
        type: route.type,
        ctx,
        signal,
        getRawInput: () => Promise.resolve(input),
        batchIndex: 0,
      }),
    );
    expect(ours).toEqual(its);
  });

  it('hears when the caller leaves', async () => {
    const route = routeOf('signal');
    expect(await route.call({ ctx, input: undefined, signal: AbortSignal.abort() })).toBe(true);
  });

  it('does not see what another call was given', async () => {
    const route = routeOf('noted');
    const { signal } = new AbortController();
    const answers = await Promise.all([1, 2, 3].map((n) => route.call({ ctx, input: { n }, signal })));
    expect(answers).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });
});
