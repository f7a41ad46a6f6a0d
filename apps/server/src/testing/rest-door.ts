// The REST door alone, in front of operations that a test makes up.
import type { Context, RestRoute } from '@insightloop/api';
import { initTRPC, type AnyTRPCRouter } from '@trpc/server';
import Fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { createIds, systemClock } from '../machine.ts';
import { addAnswers, requestIdOf } from '../plugins/answers.ts';
import { addRest } from '../plugins/rest.ts';

/** A root of their own for made-up operations: what they throw, the door has to map. */
export const t = initTRPC.context<Context>().meta<RestRoute['meta']>().create();

export const routed = (
  method: RestRoute['method'],
  path: `/${string}`,
  more: Partial<RestRoute['meta']> = {},
): RestRoute['meta'] => ({
  openapi: { method, path, tags: ['System'], summary: path },
  limit: 'unlimited',
  ...more,
});

export interface RestDoor extends AsyncDisposable {
  app: FastifyInstance;
  url: string;
  port: number;
}

export async function openRestDoor(router: AnyTRPCRouter): Promise<RestDoor> {
  const ids = createIds(systemClock);
  const app = Fastify({
    forceCloseConnections: true,
    genReqId: (request) => requestIdOf(request.headers['x-request-id'], ids),
  });
  addAnswers(app);
  addRest(app, {
    router,
    createContext: (request) => ({
      services: nothing(),
      rateLimiter: nothing(),
      answers: nothing(),
      idempotencyKey: null,
      caller: { limitKey: request.ip },
      ids,
      log: request.log,
      closing: new AbortController().signal,
      requestId: request.id,
      setHeader: () => undefined,
    }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { app, port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

const nothing = <Part extends object>(): Part =>
  new Proxy({} as Part, {
    get: (_target, name) => {
      throw new Error(`nothing here has ${String(name)}`);
    },
  });
