// The REST door: each operation becomes a native Fastify route. The packaged REST plugins of tRPC coerce in the
// shared schemas, know no abort signal and no error body of ours, and are less than half as fast.
import {
  coerceBoolean,
  coerceFields,
  restRoutes,
  takesBody,
  type Context,
  type RestRoute,
} from '@insightloop/api';
import { invalidRequest } from '@insightloop/core';
import type { AnyTRPCRouter } from '@trpc/server';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { sendError } from './answers.ts';
import { refuseOtherMethods } from './other-methods.ts';
import { sendStream } from './sse.ts';

export interface RestOptions {
  router: AnyTRPCRouter;
  createContext: (request: FastifyRequest, reply: FastifyReply) => Context;
}

export function addRest(app: FastifyInstance, { router, createContext }: RestOptions): void {
  const routes = restRoutes(router);
  for (const named of routes)
    app.route({
      method: named.method,
      url: fastifyPath(named.path),
      handler: async (request, reply) => {
        const route = asksForStream(named, request) ?? named;
        const aborter = new AbortController();
        const abort = () => {
          aborter.abort();
        };
        reply.raw.once('close', abort);
        try {
          const input = rawInput(route, request);
          const ctx = createContext(request, reply);
          const data = await route.call({ ctx, input, signal: aborter.signal });
          if (route.type === 'subscription') return await sendStream(data, { request, reply, aborter });
          return await reply.code(statusOfSuccess(route, input)).send(data);
        } catch (thrown) {
          return await sendError(thrown, request, reply);
        } finally {
          if (route.type !== 'subscription') reply.raw.off('close', abort);
        }
      },
    });
  refuseMethodsBeside(app, routes);
}

const fastifyPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** The stream that shares the path, where the caller asks for it; what is neither true nor false is left to the schema. */
function asksForStream({ stream }: RestRoute, request: FastifyRequest): RestRoute | null {
  if (!stream) return null;
  const { parameter, route } = stream;
  const inBody = takesBody(route) ? asRecord(request.body)[parameter] : undefined;
  return inBody === true || coerceBoolean(asRecord(request.query)[parameter]) === true ? route : null;
}

/** 202 where the caller asked not to wait. */
function statusOfSuccess({ meta }: RestRoute, input: unknown): number {
  const isAccepted = meta.acceptedWith !== undefined && asRecord(input)[meta.acceptedWith] === true;
  return isAccepted ? 202 : (meta.successStatus ?? 200);
}

/** The path counts most, then the body, then the query; strings of path and query become what the schema asks for. */
function rawInput(route: RestRoute, request: FastifyRequest): unknown {
  if (!route.input) return undefined;
  const query = route.type === 'subscription' ? streamQuery(request) : asRecord(request.query);
  const fromQuery = coerceFields(route.input, query);
  const fromPath = coerceFields(route.input, asRecord(request.params));
  if (!takesBody(route)) return { ...fromQuery, ...fromPath };
  const body = request.body === undefined ? {} : request.body;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidRequest('The body must be a JSON object.');
  return { ...fromQuery, ...body, ...fromPath };
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Where a stream goes on: the standard header, or the query for readers that cannot set one. */
function streamQuery(request: FastifyRequest): Record<string, unknown> {
  const { unnamed: _, ...query } = asRecord(request.query);
  const lastEventId = request.headers['last-event-id'] ?? query['lastEventId'];
  return lastEventId === undefined ? query : { ...query, lastEventId };
}

function refuseMethodsBeside(app: FastifyInstance, routes: readonly RestRoute[]): void {
  const methodsByPath = new Map<string, HTTPMethods[]>();
  for (const { path, method } of routes) {
    const url = fastifyPath(path);
    methodsByPath.set(url, [...(methodsByPath.get(url) ?? []), method]);
  }
  for (const [url, methods] of methodsByPath) refuseOtherMethods(app, url, methods);
}
