// The tRPC door: batches over HTTP, subscriptions over SSE and WebSocket.
import { appRouter, nameRequest, RequestError, statusOf, toAppError, type Context } from '@insightloop/api';
import { routeNotFound } from '@insightloop/core';
import type { TRPCError } from '@trpc/server';
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';

export interface TrpcOptions {
  /** `reply` is null on a WebSocket: there are no headers to set. */
  createContext: (request: FastifyRequest, reply: FastifyReply | null) => Context;
}

const path = '/trpc';

export async function addTrpc(app: FastifyInstance, { createContext }: TrpcOptions): Promise<void> {
  /** tRPC hands on no more of an upgrade than Node's own message, in which there is neither caller nor log. */
  const upgrades = new WeakMap<IncomingMessage, FastifyRequest>();
  const requestOf = (given: FastifyRequest | IncomingMessage): FastifyRequest => {
    const request = 'raw' in given ? given : upgrades.get(given);
    if (!request) throw new Error('a WebSocket that no request opened');
    return request;
  };

  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      if (request.ws) upgrades.set(request.raw, request);
      else if (request.routeOptions.url === path)
        throw routeNotFound(
          'Name an operation behind /trpc/, or open a WebSocket; GET /openapi.json lists them.',
        );
    });
    await scope.register(fastifyTRPCPlugin, {
      prefix: path,
      useWSS: true,
      trpcOptions: {
        router: appRouter,
        createContext: ({ req, res }: { req: FastifyRequest | IncomingMessage; res: object }) =>
          createContext(requestOf(req), isReply(res) ? res : null),
        onError: ({ error, req }: { error: TRPCError; req: FastifyRequest | IncomingMessage }) => {
          reportOwn(error, requestOf(req));
        },
        maxBatchSize: 50,
        keepAlive: { enabled: true, pingMs: 15_000, pongWaitMs: 10_000 },
      },
    } satisfies FastifyTRPCPluginOptions<typeof appRouter>);
  });
}

const isReply = (response: object): response is FastifyReply => 'header' in response;

/** Errors of operations were reported where they were mapped; these are of the layer around them. */
function reportOwn(error: TRPCError, request: FastifyRequest): void {
  if (error instanceof RequestError) return;
  nameRequest(error, request.id);
  const appError = toAppError(error);
  if (statusOf(appError).status >= 500)
    request.log.error({ request_id: request.id, err: error.cause ?? error }, appError.message);
}
