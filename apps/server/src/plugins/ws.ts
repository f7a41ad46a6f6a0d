// The WebSocket of channels, `/ws`: subscribe, unsubscribe, ping; events as they happen.
import type { WebSocket } from '@fastify/websocket';
import { restRoutes, type Context } from '@insightloop/api';
import { invalidRequest } from '@insightloop/core';
import type { AnyTRPCRouter } from '@trpc/server';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serveChannels } from './ws-connection.ts';

export interface WsOptions {
  router: AnyTRPCRouter;
  createContext: (request: FastifyRequest, reply: null) => Context;
}

/** A connection that has not answered one ping when the next is due is dead. */
const pingMs = 20_000;

export function addWs(app: FastifyInstance, { router, createContext }: WsOptions): void {
  const operation = restRoutes(router).find((route) => route.operation === 'events.subscribe');
  if (!operation) throw new Error('there is no events.subscribe to serve');
  const sockets = new Map<WebSocket, { isAlive: boolean }>();

  const pinging = setInterval(() => {
    for (const [socket, state] of sockets) {
      if (!state.isAlive) socket.terminate();
      else {
        state.isAlive = false;
        socket.ping();
      }
    }
  }, pingMs).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(pinging);
    done();
  });

  app.route({
    method: 'GET',
    url: '/ws',
    handler: () => {
      throw invalidRequest(
        'Open a WebSocket here and send {"type": "subscribe", "channels": ["deployments"]}; GET /api/events/{channels} streams without one.',
      );
    },
    wsHandler: (socket, request) => {
      const state = { isAlive: true };
      sockets.set(socket, state);
      socket.on('pong', () => {
        state.isAlive = true;
      });
      socket.on('close', () => {
        sockets.delete(socket);
      });
      const ctx = createContext(request, null);
      serveChannels({
        socket,
        log: request.log,
        newRequestId: () => ctx.ids.next('req'),
        open: (input, signal, requestId) => operation.call({ ctx: { ...ctx, requestId }, input, signal }),
      });
    },
  });
}
