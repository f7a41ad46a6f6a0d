// Operations on figures: what a running server uses and how it answers.
import { serverMetrics } from '@insightloop/core';
import { operation } from '../middleware.ts';
import { serverById } from './server-id.ts';

export const metrics = {
  get: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/servers/{server_id}/metrics',
        tags: ['Metrics'],
        summary: 'Memory, processor, calls, errors and response times of a running server',
      },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING'],
    })
    .input(serverById)
    .output(serverMetrics.meta({ id: 'ServerMetrics' }))
    .query(({ ctx, input }) => ctx.services.observation.metrics(input.server_id)),
};
