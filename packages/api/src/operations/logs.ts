// Operations on the logs of servers: the last lines, or the lines as they come.
import {
  invalidRequest,
  isAtLeast,
  logLevel,
  logLine,
  type FollowedLogs,
  type LogEvent,
  type LogLevel,
} from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { streamOf } from '../stream.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Logs'];
const path = '/api/servers/{server_id}/logs';

const lines = z.int().min(0).max(5_000).default(100).describe('how many lines of the past');

/** Of a followed line, after which a reader goes on; numbers count within a deployment. */
const idOf = (deploymentId: string, number: number): string => `${deploymentId}.${number}`;

/** What is told of lines: first where they begin, after a gap how many are gone. */
async function* told(
  { deploymentId, after, isOther, lines }: FollowedLogs,
  { serverId, level }: LogFilter,
): AsyncGenerator<{ id: string; event: LogEvent }> {
  let seen = after;
  const at = (event: LogEvent) => ({ id: idOf(deploymentId, seen), event });
  yield at({ type: 'subscribed', server_id: serverId, deployment_id: deploymentId });
  if (isOther) yield at({ type: 'gap', missed: null });
  for await (const next of lines) {
    if ('gap' in next) {
      seen += next.gap;
      yield at({ type: 'gap', missed: next.gap });
    } else {
      seen = next.number;
      if (level === undefined || isAtLeast(next.item.level, level)) yield at({ type: 'log', ...next.item });
    }
  }
}

interface LogFilter {
  serverId: string;
  level: LogLevel | undefined;
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
        level: logLevel.optional().describe('only these lines and more serious ones'),
        lastEventId: z
          .string()
          .max(200)
          .nullish()
          .describe('continue behind this line instead of beginning with lines of the past'),
      }),
    )
    // Looked up here, not in the generator: an unknown server is a 404 before the stream begins.
    .subscription(async ({ ctx, input: { server_id: serverId, lines, level, lastEventId }, signal }) => {
      const over = new AbortController();
      const followed = await ctx.services.observation.followLogs(serverId, {
        lines,
        after: lineOf(lastEventId),
        signal: over.signal,
      });
      return streamOf({
        ctx,
        signal,
        open: (ending) => {
          ending.addEventListener('abort', () => {
            over.abort();
          });
          if (ending.aborted) over.abort();
          return told(followed, { serverId, level });
        },
        tell: (item) => item,
      });
    }),
};

/** With its deployment, or, as a person would write it, the number alone. @throws AppError INVALID_REQUEST */
function lineOf(
  lastEventId: string | null | undefined,
): { deploymentId: string | null; number: number } | null {
  if (lastEventId === null || lastEventId === undefined) return null;
  const [, deploymentId, number] = /^(?:([a-z]+-[0-9a-z]{1,64})\.)?(\d{1,15})$/.exec(lastEventId) ?? [];
  if (number === undefined)
    throw invalidRequest('The last event id is none of ours; leave it out to begin with the last lines.');
  return { deploymentId: deploymentId ?? null, number: Number(number) };
}
