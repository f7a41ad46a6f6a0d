// Operations on the logs of servers: the last lines, or the lines as they come.
import { invalidRequest, logLine, type FollowedLine } from '@insightloop/core';
import { tracked } from '@trpc/server';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Logs'];
const path = '/api/servers/{server_id}/logs';

/** For callers that give no signal: server-side ones, which end a stream by leaving it. */
const never = new AbortController().signal;

const lines = z.int().min(0).max(5_000).default(100).describe('how many lines of the past');

/** After a gap a reader continues behind what is gone. */
async function* numbered(followed: AsyncIterable<FollowedLine>, after: number) {
  let seen = after;
  for await (const next of followed) {
    if ('gap' in next) {
      seen += next.gap;
      yield tracked(String(seen), { type: 'gap' as const, missed: next.gap });
    } else {
      seen = next.number;
      yield tracked(String(seen), { type: 'log' as const, ...next.item });
    }
  }
}

export const logs = {
  tail: operation
    .meta({
      openapi: { method: 'GET', path, tags, summary: 'The last lines that a server wrote, live or not' },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING'],
    })
    .input(serverById.extend({ lines, follow: z.boolean().default(false).describe('stream instead') }))
    .output(z.object({ logs: z.array(logLine.meta({ id: 'LogLine' })) }))
    .query(async ({ ctx, input }) => ({
      logs: await ctx.services.observation.logs(input.server_id, input.lines),
    })),

  follow: operation
    .meta({
      openapi: { method: 'GET', path, tags, summary: 'The lines that a server writes, as they come' },
      chosenBy: 'follow',
      limit: 'logs',
      stream: 'LogEvent',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING'],
    })
    .input(
      serverById.extend({
        lines,
        follow: z.literal(true).default(true),
        lastEventId: z
          .string()
          .max(20)
          .nullish()
          .describe('continue behind this line instead of beginning with lines of the past'),
      }),
    )
    // Looked up here, not in the generator: an unknown server is a 404 before the stream begins.
    .subscription(async ({ ctx, input, signal }) => {
      const after = lineNumber(input.lastEventId);
      const followed = await ctx.services.observation.followLogs(input.server_id, {
        lines: input.lines,
        after,
        signal: signal ?? never,
      });
      return numbered(followed, after ?? 0);
    }),
};

function lineNumber(lastEventId: string | null | undefined): number | null {
  if (lastEventId === null || lastEventId === undefined) return null;
  if (!/^\d{1,15}$/.test(lastEventId))
    throw invalidRequest('The last event id is none of ours; leave it out to begin with the last lines.');
  return Number(lastEventId);
}
