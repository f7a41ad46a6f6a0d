// What happens around every operation: its request id, its limit, its errors.
import {
  AppError,
  createFixedWindowLimiter,
  serverNotFound,
  serviceUnavailable,
  type Logger,
} from '@insightloop/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Context } from './context.ts';
import { RequestError, toAppError } from './errors.ts';
import { operation } from './middleware.ts';
import type { RateLimitGroup } from './meta.ts';
import { t } from './trpc.ts';

const meta = (limit: RateLimitGroup, path: `/${string}` = '/x') => ({
  openapi: { method: 'GET' as const, path, tags: ['System'] as [string], summary: 'x' },
  limit,
});

const secret = 'password=hunter2';

const router = t.router({
  free: operation.meta(meta('unlimited')).query(({ ctx }) => ctx.requestId),
  limited: operation
    .meta(meta('logs'))
    .input(z.strictObject({ n: z.int() }))
    .query(({ input }) => input.n),
  missing: operation.meta(meta('unlimited')).query(() => {
    throw serverNotFound('x');
  }),
  broken: operation.meta(meta('unlimited')).query(() => {
    throw new Error(secret);
  }),
  busy: operation.meta(meta('unlimited')).query(() => {
    throw serviceUnavailable('busy', 7, new Error(secret));
  }),
  lying: operation
    .meta(meta('unlimited'))
    .output(z.object({ n: z.int() }))
    .query(() => ({ n: 'x' }) as unknown as { n: number }),
  stream: operation.meta(meta('logs')).subscription(async function* () {
    yield 1;
    yield 2;
  }),
  brokenStream: operation.meta(meta('unlimited')).subscription(async function* () {
    yield 1;
    throw new Error(secret);
  }),
  missingStream: operation.meta(meta('unlimited')).subscription(async function* () {
    yield 1;
    throw serverNotFound('x');
  }),
});

interface LogLine {
  level: string;
  fields: Record<string, unknown>;
}

function setUp(overrides: Partial<Context> = {}) {
  const headers: Record<string, string> = {};
  const lines: LogLine[] = [];
  const write =
    (level: string): Logger['info'] =>
    (fields) =>
      void lines.push({ level, fields: { ...fields } });
  const clock = {
    now: () => 1_800_000_000_000,
    sleep: () => Promise.reject(new Error('nothing sleeps here')),
  };
  let made = 0;
  const ctx: Context = {
    services: unused(),
    caller: { limitKey: '192.0.2.1' },
    rateLimiter: createFixedWindowLimiter({ logs: 2 }, clock),
    answers: unused(),
    idempotencyKey: null,
    closing: new AbortController().signal,
    ids: { next: (prefix) => `${prefix}-${(made += 1)}` },
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    requestId: 'req-given',
    setHeader: (name, value) => {
      headers[name] = value;
    },
    ...overrides,
  };
  return { call: t.createCallerFactory(router)(ctx), headers, lines };
}

/** A port that these operations never touch. */
const unused = <T extends object>(): T =>
  new Proxy({} as T, {
    get: () => {
      throw new Error('touched');
    },
  });

const failure = async (promise: Promise<unknown>): Promise<RequestError> => {
  const thrown = await promise.then(
    () => new Error('did not fail'),
    (error: unknown) => error,
  );
  if (thrown instanceof RequestError) return thrown;
  throw new Error('not a RequestError', { cause: thrown });
};

describe('the request id', () => {
  it('is the one of the answer', async () => {
    expect(await setUp().call.free()).toBe('req-given');
    expect((await failure(setUp().call.missing())).requestId).toBe('req-given');
  });

  it('is a new one for each request where a connection carries many', async () => {
    const { call } = setUp({ requestId: null });
    expect([await call.free(), await call.free()]).toEqual(['req-1', 'req-2']);
    expect((await failure(call.missing())).requestId).toBe('req-3');
  });
});

describe('errors', () => {
  it('of ours reach the caller as they are, and the log only for whoever looks closely', async () => {
    const { call, lines } = setUp();
    const { appError } = await failure(call.missing());
    expect(appError).toMatchObject({ code: 'SERVER_NOT_FOUND', details: { server_id: 'x' } });
    expect(lines).toEqual([
      {
        level: 'debug',
        fields: expect.objectContaining({
          request_id: 'req-given',
          operation: 'missing',
          code: 'SERVER_NOT_FOUND',
        }),
      },
    ]);
  });

  it('of nobody are logged with their cause, of which the caller hears nothing', async () => {
    const { call, lines } = setUp();
    const error = await failure(call.broken());
    expect(error.appError.code).toBe('INTERNAL_ERROR');
    expect(error.message).not.toContain(secret);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'error',
      fields: { request_id: 'req-given', operation: 'broken' },
    });
    expect(causes(lines[0]?.fields['err'])).toContain(secret);
  });

  it('that are worth trying again say when', async () => {
    const { call, headers, lines } = setUp();
    expect((await failure(call.busy())).appError.code).toBe('SERVICE_UNAVAILABLE');
    expect(headers['Retry-After']).toBe('7');
    expect(causes(lines[0]?.fields['err'])).toContain(secret);
  });

  it('of an output that breaks its own promise are internal', async () => {
    const { call, lines } = setUp();
    expect((await failure(call.lying())).appError.code).toBe('INTERNAL_ERROR');
    expect(lines[0]?.level).toBe('error');
  });

  it('inside a stream are mapped and logged too, behind what came before', async () => {
    const { call, lines } = setUp();
    const seen: unknown[] = [];
    const read = async () => {
      for await (const item of await call.brokenStream()) seen.push(item);
    };
    const error = await failure(read());
    expect(seen).toEqual([1]);
    expect(error.appError.code).toBe('INTERNAL_ERROR');
    expect(error.message).not.toContain(secret);
    expect(causes(lines[0]?.fields['err'])).toContain(secret);
  });

  it('of ours inside a stream keep their code, so that a client knows that it is final', async () => {
    const read = async () => {
      for await (const item of await setUp().call.missingStream()) expect(item).toBe(1);
    };
    const error = await failure(read());
    expect(error.code).toBe('NOT_FOUND');
    expect(error.appError.code).toBe('SERVER_NOT_FOUND');
  });
});

describe('limits', () => {
  it('count down in the headers and end in 429 with the time to wait', async () => {
    const { call, headers } = setUp({
      rateLimiter: createFixedWindowLimiter({ logs: 2 }, { now: Date.now, sleep: () => Promise.resolve() }),
    });
    await call.limited({ n: 1 });
    expect(headers).toMatchObject({ 'X-RateLimit-Limit': '2', 'X-RateLimit-Remaining': '1' });
    const reset = Number(headers['X-RateLimit-Reset']);
    expect(reset).toBeGreaterThan(Date.now() / 1000 + 3500);
    expect(reset).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 3600);
    await call.limited({ n: 1 });
    expect(headers['Retry-After']).toBeUndefined();

    const { appError } = await failure(call.limited({ n: 1 }));
    expect(appError.code).toBe('RATE_LIMIT_EXCEEDED');
    expect(headers['X-RateLimit-Remaining']).toBe('0');
    const retryAfter = Number(headers['Retry-After']);
    expect(retryAfter).toBeGreaterThan(3500);
    expect(retryAfter).toBeLessThanOrEqual(3601);
    expect(appError.details).toEqual({ group: 'logs', retry_after: retryAfter });
  });

  it('count a request before its input is looked at', async () => {
    const { call, headers } = setUp();
    // @ts-expect-error: what a caller without types may send
    expect((await failure(call.limited({ n: 'x' }))).appError.code).toBe('INVALID_REQUEST');
    expect(headers['X-RateLimit-Remaining']).toBe('1');
  });

  it('count a stream once, however much it tells', async () => {
    const { call, headers } = setUp();
    for await (const item of await call.stream()) expect(item).toBeGreaterThan(0);
    expect(headers['X-RateLimit-Remaining']).toBe('1');
  });

  it('are each caller’s own', async () => {
    const clock = { now: Date.now, sleep: () => Promise.resolve() };
    const rateLimiter = createFixedWindowLimiter({ logs: 1 }, clock);
    const one = setUp({ rateLimiter, caller: { limitKey: 'one' } });
    const two = setUp({ rateLimiter, caller: { limitKey: 'two' } });
    await one.call.limited({ n: 1 });
    expect(await two.call.limited({ n: 2 })).toBe(2);
    expect((await failure(one.call.limited({ n: 1 }))).appError.code).toBe('RATE_LIMIT_EXCEEDED');
  });

  it('leave free operations uncounted and without headers', async () => {
    const { call, headers } = setUp({ rateLimiter: unused() });
    await call.free();
    expect(headers).toEqual({});
  });

  it('say nothing of a group that has none', async () => {
    const { call, headers } = setUp({
      rateLimiter: createFixedWindowLimiter({}, { now: Date.now, sleep: () => Promise.resolve() }),
    });
    await call.limited({ n: 1 });
    expect(headers).toEqual({});
  });
});

/** All messages down the chain of causes. */
function causes(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.message} < ${causes(thrown.cause)}` : String(thrown);
}

it('maps what it threw itself to the same error once more', async () => {
  const error = await failure(setUp().call.missing());
  expect(toAppError(error)).toBe(error.appError);
  expect(error.appError).toBeInstanceOf(AppError);
});
