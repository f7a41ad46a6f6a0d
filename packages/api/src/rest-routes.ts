// The REST routes that the operations amount to, read from their meta: the doors and the OpenAPI document share it.
import type { AnyTRPCRouter, TRPCProcedureType } from '@trpc/server';
import { z } from 'zod';
import { callOperation, type Middleware, type OperationCall } from './call-operation.ts';
import type { ApiMeta } from './meta.ts';

export interface RestRoute {
  /** The operation's name, such as `servers.get`. */
  operation: string;
  type: TRPCProcedureType;
  method: ApiMeta['openapi']['method'];
  /** With `{name}` for parameters. */
  path: string;
  /** Names of the parameters in the path. */
  pathParameters: string[];
  /** Null where the operation takes nothing. */
  input: z.ZodType | null;
  output: z.ZodType | null;
  meta: ApiMeta;
  /** @throws TRPCError, of which `toAppError` makes the error to answer with */
  call(call: OperationCall): Promise<unknown>;
  /** The stream that answers instead when its boolean parameter is true. */
  stream: { parameter: string; route: RestRoute } | null;
}

/** tRPC types a procedure's definition as unknown to the outside; these are the parts that we gave it. */
const definition = z.object({
  type: z.enum(['query', 'mutation', 'subscription']),
  inputs: z.array(z.custom<z.ZodType>((value) => value instanceof z.ZodType)),
  output: z.custom<z.ZodType>((value) => value instanceof z.ZodType).optional(),
  meta: z.custom<ApiMeta>((value) => typeof value === 'object' && value !== null && 'openapi' in value),
  middlewares: z.array(z.custom<Middleware>((value) => typeof value === 'function')).min(1),
});

const procedureMap = z.record(
  z.string(),
  z.custom<{ _def: unknown }>((value) => typeof value === 'function'),
);

export function restRoutes(router: AnyTRPCRouter): RestRoute[] {
  const procedures = procedureMap.parse(router._def.procedures);
  const routes = Object.entries(procedures).map(([operation, procedure]) =>
    readRoute(operation, procedure._def),
  );
  const streams = routes.flatMap(streamsOf);
  return routes
    .filter(({ meta }) => meta.chosenBy === undefined)
    .map((route) => ({
      ...route,
      stream:
        streams.find(({ route: { path, method } }) => path === route.path && method === route.method) ?? null,
    }));
}

/** Where a subscription answers in the place of another operation. */
function streamsOf(route: RestRoute): NonNullable<RestRoute['stream']>[] {
  const { chosenBy, insteadOf } = route.meta;
  if (chosenBy !== undefined) return [{ parameter: chosenBy, route }];
  if (!insteadOf) return [];
  const { method, path, parameter } = insteadOf;
  return [{ parameter, route: { ...route, method, path, pathParameters: [] } }];
}

function readRoute(operation: string, unread: unknown): RestRoute {
  const { type, inputs, output, meta, middlewares } = definition.parse(unread);
  const { method, path } = meta.openapi;
  return {
    operation,
    type,
    method,
    path,
    pathParameters: [...path.matchAll(/\{(\w+)\}/g)].flatMap((match) => match[1] ?? []),
    input: inputs[0] ?? null,
    output: output ?? null,
    meta,
    call: (call) => callOperation({ operation, type, meta, middlewares }, call),
    stream: null,
  };
}

/** Where arguments beside the path's come from. */
export const takesBody = (route: RestRoute): boolean => route.method === 'POST' || route.method === 'PUT';
