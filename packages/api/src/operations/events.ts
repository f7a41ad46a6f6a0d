// Watching what happens: one generator for the tRPC subscription, SSE and both WebSockets.
import { channel, eventFilter } from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { streamOf } from '../stream.ts';

const tags: [string] = ['Events'];

export const events = {
  subscribe: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/events/{channels}',
        tags,
        summary: 'Watch one or more channels as Server-Sent Events',
        description:
          'The name of each event is its type. Several channels are separated by commas. An event that can no longer be had is told as `gap`. `subscribed` and `position` only say where a reader stands: here they are no events but an id alone. The same events come over a WebSocket at `/ws`, after `{"type": "subscribe", "channels": […]}`.',
      },
      limit: 'logs',
      stream: 'StreamEvent',
      errors: ['SERVICE_UNAVAILABLE'],
    })
    .input(
      z.strictObject({
        channels: z.array(channel).min(1).max(10),
        ...eventFilter.shape,
        lastEventId: z
          .string()
          .max(1000)
          .nullish()
          .describe('continue behind this event; without it begin with what happens now'),
      }),
    )
    .subscription(({ ctx, input: { channels, lastEventId, ...filter }, signal }) =>
      streamOf({
        ctx,
        signal,
        open: (over) =>
          ctx.services.events.read({
            channels: [...new Set(channels)],
            filter,
            after: lastEventId ?? null,
            signal: over,
          }),
        tell: ({ cursor, event }) => ({ id: cursor, event }),
      }),
    ),
};
