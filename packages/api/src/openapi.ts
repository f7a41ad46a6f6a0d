// The OpenAPI 3.1 document, written from the same operations that the doors serve.
import { apiVersion, logEvent, streamEvent, taskEvent, type ErrorCode } from '@insightloop/core';
import type { AnyTRPCRouter } from '@trpc/server';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { fieldsOf } from './coerce.ts';
import { errorEnvelope, statusTable } from './errors.ts';
import { restRoutes, takesBody, type RestRoute } from './rest-routes.ts';

/** What `meta.stream` may name. */
const streamSchemas = {
  StreamEvent: streamEvent.meta({ id: 'StreamEvent' }),
  LogEvent: logEvent.meta({ id: 'LogEvent' }),
  TaskEvent: taskEvent.meta({ id: 'TaskEvent' }),
};

const requestId = {
  'X-Request-Id': { description: 'Names this request in our log', schema: { type: 'string' } },
} as const;

const rateLimitHeaders = {
  'X-RateLimit-Limit': { description: 'Requests per hour', schema: { type: 'integer' } },
  'X-RateLimit-Remaining': { description: 'Requests left in this hour', schema: { type: 'integer' } },
  'X-RateLimit-Reset': { description: 'Unix seconds at which the hour ends', schema: { type: 'integer' } },
} as const;

const retryAfter = {
  'Retry-After': { description: 'Seconds after which to try again', schema: { type: 'integer' } },
} as const;

/** DEPLOYMENT_FAILED has a second status where our surroundings are at fault. */
const statusesOf = (code: ErrorCode): number[] =>
  code === 'DEPLOYMENT_FAILED' ? [422, 503] : [statusTable[code].status];

function errorResponses(route: RestRoute): ZodOpenApiResponsesObject {
  const general: ErrorCode[] = ['FORBIDDEN', 'INTERNAL_ERROR'];
  if (route.input) general.push('INVALID_REQUEST');
  if (takesBody(route)) general.push('PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  if (route.meta.limit !== 'unlimited') general.push('RATE_LIMIT_EXCEEDED');
  const codesByStatus = new Map<number, ErrorCode[]>();
  for (const code of [...general, ...(route.meta.errors ?? [])])
    for (const status of statusesOf(code))
      codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  return Object.fromEntries(
    [...codesByStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.join(', '),
          headers: {
            ...requestId,
            ...(status === 429 && rateLimitHeaders),
            ...((status === 429 || status === 503) && retryAfter),
          },
          content: { 'application/json': { schema: errorEnvelope } },
        },
      ]),
  );
}

function successContent({ meta, output, stream }: RestRoute) {
  const events = meta.stream ?? stream?.route.meta.stream;
  if (!events && !output) return undefined;
  return {
    ...(output && { 'application/json': { schema: output } }),
    ...(events && { 'text/event-stream': { schema: streamSchemas[events] } }),
  };
}

function operationObject(route: RestRoute): ZodOpenApiOperationObject {
  const { openapi, limit, successStatus } = route.meta;
  const fields = Object.entries(route.input ? fieldsOf(route.input) : {});
  const pick = (keep: (name: string) => boolean) =>
    z.object(Object.fromEntries(fields.filter(([name]) => keep(name))));
  const inPath = pick((name) => route.pathParameters.includes(name));
  const beside = pick((name) => !route.pathParameters.includes(name));
  const content = successContent(route);
  return {
    operationId: route.operation.replace('.', '_'),
    summary: openapi.summary,
    ...(openapi.description && { description: openapi.description }),
    tags: openapi.tags,
    requestParams: {
      path: inPath,
      ...(!takesBody(route) && { query: route.type === 'subscription' ? streamQuery(beside) : beside }),
    },
    ...(takesBody(route) &&
      Object.keys(beside.shape).length > 0 && {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: z.strictObject(beside.shape) } },
        },
      }),
    responses: {
      [String(successStatus ?? 200)]: {
        description: openapi.summary,
        headers: { ...requestId, ...(limit !== 'unlimited' && rateLimitHeaders) },
        ...(content && { content }),
      },
      ...errorResponses(route),
    },
  };
}

/** The SSE door itself takes one more parameter, for readers that know no event names. */
const streamQuery = (beside: z.ZodObject): z.ZodObject =>
  beside.extend({ unnamed: z.boolean().optional().describe('send every event as "message"') });

export function openApiDocument(router: AnyTRPCRouter, publicUrl: string): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of restRoutes(router))
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationObject(route);
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'InsightLoop MCP Orchestrator',
        version: apiVersion,
        description:
          'From a GitHub search result to a finished task: discover, deploy and orchestrate MCP servers.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl }],
      // Anonymous on loopback; without this line linters ask for a scheme on each operation.
      security: [],
      tags: [
        { name: 'System', description: 'The service itself' },
        { name: 'Discovery', description: 'MCP servers to be found, what is known of them, and proofs' },
        { name: 'Servers', description: 'Known MCP servers and how they are launched' },
        { name: 'Deployments', description: 'Servers that run, or should, or did' },
        { name: 'Tools', description: 'What running servers can do' },
        { name: 'Tasks', description: 'What was asked for in words, planned, carried out and answered' },
        { name: 'Logs', description: 'What servers write' },
        { name: 'Metrics', description: 'What servers use and how they answer' },
        { name: 'Events', description: 'What happens, as it happens' },
      ],
      paths,
    },
    {
      override: ({ jsonSchema, zodSchema }) => {
        if (zodSchema._zod.def.type === 'date') {
          jsonSchema.type = 'string';
          jsonSchema.format = 'date-time';
        }
        // An answer may grow fields; only strict objects, which we receive, refuse what they do not know.
        if (zodSchema._zod.def.type === 'object' && !zodSchema._zod.def.catchall)
          delete jsonSchema.additionalProperties;
      },
    },
  );
}
