// Operations on deployments: deploy, stop, restart, list, look into.
import {
  capabilities,
  deployMethods,
  deployment,
  deploymentConfiguration,
  deploymentStatus,
  runningServer,
  storableText,
} from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { once } from '../once.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Deployments'];

const shown = deployment.meta({ id: 'Deployment' });

export const deployments = {
  create: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/deploy/{server_id}',
        tags,
        summary: 'Deploy a server and wait until it serves',
        description:
          'A caller who leaves does not cancel it. Without a method the best recipe that works here is taken. With an Idempotency-Key it is done once.',
      },
      successStatus: 201,
      acceptedWith: 'async',
      limit: 'deployment',
      errors: [
        'SERVER_NOT_FOUND',
        'SERVER_ALREADY_DEPLOYED',
        'CONFLICT',
        'INVALID_CONFIGURATION',
        'SERVER_NOT_VERIFIED',
        'DEPLOYMENT_FAILED',
      ],
    })
    .input(
      serverById.extend({
        method: z.enum(deployMethods).optional(),
        configuration: deploymentConfiguration.default({}),
        allow_unverified: z.boolean().default(false),
        allow_kind: z.boolean().default(false),
        async: z.boolean().default(false).describe('answer 202 as soon as it is begun'),
      }),
    )
    .output(z.object({ deployment: shown }))
    .mutation(({ ctx, input }) =>
      once({ ctx, operation: 'deployments.create', input }, async () => ({
        deployment: await ctx.services.deployments.create({
          serverId: input.server_id,
          method: input.method ?? null,
          configuration: input.configuration,
          allowUnverified: input.allow_unverified,
          allowKind: input.allow_kind,
          isAsync: input.async,
        }),
      })),
    ),

  list: operation
    .meta({
      openapi: { method: 'GET', path: '/api/deployments', tags, summary: 'List deployments, newest first' },
      limit: 'logs',
    })
    .input(
      z.strictObject({
        limit: z.int().min(1).max(100).default(20),
        offset: z.int().min(0).max(1_000_000).default(0),
        server_id: z.string().max(512).optional(),
        status: deploymentStatus.optional(),
      }),
    )
    .output(z.object({ deployments: z.array(shown), total: z.int() }))
    .query(({ ctx, input: { server_id, ...query } }) =>
      ctx.services.deployments.list({ ...query, serverId: server_id }),
    ),

  get: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/deployments/{deployment_id}',
        tags,
        summary: 'Look at one deployment, live or past',
      },
      limit: 'logs',
      errors: ['DEPLOYMENT_NOT_FOUND'],
    })
    .input(z.strictObject({ deployment_id: storableText.min(1).max(200) }))
    .output(z.object({ deployment: shown }))
    .query(async ({ ctx, input }) => ({
      deployment: await ctx.services.deployments.get(input.deployment_id),
    })),

  running: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/servers/running',
        tags,
        summary: 'List what runs, starts, restarts or stops now',
      },
      limit: 'logs',
    })
    .output(z.object({ servers: z.array(runningServer.meta({ id: 'RunningServer' })), total: z.int() }))
    .query(async ({ ctx }) => {
      const servers = await ctx.services.observation.running();
      return { servers, total: servers.length };
    }),

  stop: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/servers/{server_id}/stop',
        tags,
        summary: 'Stop a server’s deployment and everything it started',
      },
      limit: 'unlimited',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING'],
    })
    .input(serverById)
    .output(z.object({ status: z.literal('stopped'), server_id: z.string(), stopped_at: z.date() }))
    .mutation(({ ctx, input }) => ctx.services.deployments.stop(input.server_id)),

  restart: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/servers/{server_id}/restart',
        tags,
        summary: 'Restart a server’s deployment, or begin again one that was stopped or has failed',
      },
      successStatus: 202,
      limit: 'deployment',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING', 'CONFLICT'],
    })
    .input(serverById)
    .output(z.object({ deployment: shown }))
    .mutation(async ({ ctx, input }) => ({
      deployment: await ctx.services.deployments.restart(input.server_id),
    })),

  setCapabilities: operation
    .meta({
      openapi: {
        method: 'PUT',
        path: '/api/servers/{server_id}/capabilities',
        tags,
        summary: 'Replace what listings show of a running server',
        description: 'Until the server lists again. What can be called never changes by it.',
      },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND', 'SERVER_NOT_RUNNING'],
    })
    .input(serverById.extend(namesOnly().shape))
    .output(z.object({ server_id: z.string(), capabilities, updated_at: z.date() }))
    .mutation(async ({ ctx, input: { server_id, ...names } }) => ({
      server_id,
      capabilities: names,
      updated_at: await ctx.services.deployments.setCapabilities(server_id, names),
    })),
};

/** Names, or the listed objects themselves, of which the name is what a listing shows. */
function namesOnly() {
  const name = z.string().min(1).max(1000);
  const item = z
    .union([name, z.looseObject({ name })])
    .transform((entry) => (typeof entry === 'string' ? entry : entry.name));
  const names = z.array(item).max(1000).default([]);
  return z.object({ tools: names, resources: names, prompts: names });
}
