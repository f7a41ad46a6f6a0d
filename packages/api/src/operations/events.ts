// Watching what happens: one generator for the tRPC subscription, SSE and WebSocket.
import { channel, type LoggedEvent } from '@insightloop/core';
import { tracked } from '@trpc/server';
import { z } from 'zod';
import { operation } from '../middleware.ts';

const tags: [string] = ['Events'];

/** For callers that give no signal: server-side ones, which end a stream by leaving it. */
const never = new AbortController().signal;

async function* numbered(log: AsyncIterable<LoggedEvent>) {
  for await (const { cursor, event } of log) yield tracked(cursor, event);
}

export const events = {
  subscribe: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/events/{channels}',
        tags,
        summary: 'Watch one or more channels as Server-Sent Events',
        description:
          'The name of each event is its type. An event that can no longer be had is told as `gap`. Several channels are separated by commas.',
      },
      limit: 'logs',
      stream: 'StreamEvent',
    })
    .input(
      z.strictObject({
        channels: z.array(channel).min(1).max(10),
        lastEventId: z
          .string()
          .max(1000)
          .nullish()
          .describe('continue behind this event; without it begin with what happens now'),
      }),
    )
    // The log is opened here, not in the generator: a wrong id is refused before the stream begins.
    .subscription(({ ctx, input, signal }) =>
      numbered(
        ctx.services.events.read({
          channels: [...new Set(input.channels)],
          after: input.lastEventId ?? null,
          signal: signal ?? never,
        }),
      ),
    ),
};
