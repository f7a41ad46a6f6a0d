// The routes that the operations amount to.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldsOf } from './coerce.ts';
import { operation } from './middleware.ts';
import { restRoutes, takesBody } from './rest-routes.ts';
import { appRouter } from './router.ts';
import { t } from './trpc.ts';

describe('the routes of a router', () => {
  const input = z.strictObject({ thing_id: z.string(), part: z.string(), size: z.int() });
  const output = z.object({ ok: z.boolean() });
  const router = t.router({
    things: {
      change: operation
        .meta({
          openapi: {
            method: 'PUT',
            path: '/api/things/{thing_id}/parts/{part}',
            tags: ['System'],
            summary: 'Change',
          },
          successStatus: 202,
          limit: 'unlimited',
        })
        .input(input)
        .output(output)
        .mutation(() => ({ ok: true })),
    },
    ping: operation
      .meta({
        openapi: { method: 'GET', path: '/ping', tags: ['System'], summary: 'Ping' },
        limit: 'unlimited',
      })
      .query(() => 'pong'),
  });

  it('say what the meta says, by the name of the operation', () => {
    const [change, ping] = restRoutes(router).toSorted((a, b) => b.operation.localeCompare(a.operation));
    expect(change).toMatchObject({
      operation: 'things.change',
      type: 'mutation',
      method: 'PUT',
      path: '/api/things/{thing_id}/parts/{part}',
      pathParameters: ['thing_id', 'part'],
      meta: { successStatus: 202 },
    });
    expect(change?.input).toBe(input);
    expect(change?.output).toBe(output);
    expect(ping).toMatchObject({
      operation: 'ping',
      type: 'query',
      pathParameters: [],
      input: null,
      output: null,
    });
  });

  it('take a body where the method has one', () => {
    expect(restRoutes(router).map((route) => [route.method, takesBody(route)])).toEqual(
      expect.arrayContaining([
        ['PUT', true],
        ['GET', false],
      ]),
    );
  });

  it('cannot be made of an operation without meta', () => {
    const bare = t.router({ bare: t.procedure.query(() => 1) });
    expect(() => restRoutes(bare)).toThrow();
  });
});

describe('the routes of the API', () => {
  const routes = restRoutes(appRouter);

  it('are each served once', () => {
    const names = routes.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(routes.map((route) => [route.operation, route] as const))(
    '%s: the path’s parameters are fields of its input, and unknown fields are refused',
    (_name, { input, pathParameters, type, output, meta }) => {
      expect(Object.keys(input ? fieldsOf(input) : {})).toEqual(expect.arrayContaining(pathParameters));
      if (input)
        expect(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }).additionalProperties).toBe(
          false,
        );
      if (type === 'subscription') expect(meta.stream).toBeDefined();
      else expect(output).not.toBeNull();
    },
  );
});
