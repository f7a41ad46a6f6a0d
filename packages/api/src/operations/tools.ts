// Operations on the tools of a running server: list them, call one.
import { tool, toolCallResult, type JsonObject } from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Tools'];

/** For callers that give no signal: server-side ones, which end a call by its timeout. */
const never = new AbortController().signal;

const json: z.ZodType<JsonObject> = z.record(z.string(), z.json());

export const tools = {
  list: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/servers/{server_id}/tools',
        tags,
        summary: 'List the tools of a running server',
      },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING', 'SERVICE_UNAVAILABLE'],
    })
    .input(serverById)
    .output(z.object({ tools: z.array(tool.meta({ id: 'Tool' })), total: z.int() }))
    .query(async ({ ctx, input, signal }) => {
      const found = await ctx.services.tools.list(input.server_id, signal ?? never);
      return { tools: found, total: found.length };
    }),

  call: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/servers/{server_id}/tools/{tool}',
        tags,
        summary: 'Call a tool',
        description:
          'A tool’s own error is `success: false` with 200. Leaving cancels the call. A call while the server restarts waits up to 5 s.',
      },
      limit: 'unlimited',
      errors: [
        'SERVER_NOT_FOUND',
        'TOOL_NOT_FOUND',
        'SERVER_NOT_RUNNING',
        'TOOL_CALL_FAILED',
        'SERVICE_UNAVAILABLE',
        'TOOL_TIMEOUT',
      ],
    })
    .input(
      serverById.extend({
        tool: z.string().min(1).max(1000),
        arguments: json.default({}),
        timeout_ms: z
          .int()
          .min(1)
          .max(3_600_000)
          .optional()
          .describe('without an answer and without progress; 60000 without it'),
      }),
    )
    .output(toolCallResult.meta({ id: 'ToolCallResult' }))
    .mutation(({ ctx, input, signal }) =>
      ctx.services.tools.call({
        serverId: input.server_id,
        tool: input.tool,
        arguments: input.arguments,
        timeoutMs: input.timeout_ms ?? null,
        signal: signal ?? never,
      }),
    ),
};
