// Operations on the service itself: is it alive, is it ready, what can it do.
import { health, info } from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';

const tags: [string] = ['System'];

export const system = {
  health: operation
    .meta({
      openapi: { method: 'GET', path: '/health', tags, summary: 'Whether the API is running' },
      limit: 'unlimited',
    })
    .output(health)
    .query(({ ctx }) => ctx.services.system.health()),

  info: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/info',
        tags,
        summary: 'Name, version and what works at this moment',
      },
      limit: 'unlimited',
    })
    .output(info)
    .query(({ ctx }) => ctx.services.system.info()),

  live: operation
    .meta({
      openapi: { method: 'GET', path: '/livez', tags, summary: 'Liveness: the process answers' },
      limit: 'unlimited',
    })
    .output(z.object({ status: z.literal('live') }))
    .query(() => ({ status: 'live' as const })),

  ready: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/readyz',
        tags,
        summary: 'Readiness: the database answers and the process is not ending',
      },
      limit: 'unlimited',
      errors: ['SERVICE_UNAVAILABLE'],
    })
    .output(z.object({ status: z.literal('ready') }))
    .query(({ ctx }) => ctx.services.system.ready()),
};
