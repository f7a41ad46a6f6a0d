// Operations on servers: register, list, look at, remove.
import { launchRecipeView, server, serverRegistration, viewOfRecipe, type Server } from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { once } from '../once.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Servers'];

const serverView = server.extend({ launch: z.array(launchRecipeView) }).meta({ id: 'Server' });

const viewOf = (found: Server): z.infer<typeof serverView> => ({
  ...found,
  launch: found.launch.map(viewOfRecipe),
});

export const servers = {
  register: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/servers',
        tags,
        summary: 'Register a server with its launch recipes',
        description:
          'You vouch for what you register: its recipes count as verified by the operator. With an Idempotency-Key it is done once.',
      },
      successStatus: 201,
      limit: 'logs',
      errors: ['CONFLICT'],
    })
    .input(serverRegistration)
    .output(z.object({ server: serverView }))
    .mutation(({ ctx, input }) =>
      once({ ctx, operation: 'servers.register', input }, async () => ({
        server: viewOf(await ctx.services.servers.register(input)),
      })),
    ),

  list: operation
    .meta({
      openapi: { method: 'GET', path: '/api/servers', tags, summary: 'List the known servers by id' },
      limit: 'logs',
    })
    .input(
      z.strictObject({
        limit: z.int().min(1).max(100).default(50),
        offset: z.int().min(0).max(1_000_000).default(0),
      }),
    )
    .output(z.object({ servers: z.array(serverView), total: z.int() }))
    .query(async ({ ctx, input }) => {
      const page = await ctx.services.servers.list(input);
      return { servers: page.servers.map(viewOf), total: page.total };
    }),

  get: operation
    .meta({
      openapi: { method: 'GET', path: '/api/servers/{server_id}', tags, summary: 'Look at one server' },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND'],
    })
    .input(serverById)
    .output(z.object({ server: serverView }))
    .query(async ({ ctx, input }) => ({ server: viewOf(await ctx.services.servers.get(input.server_id)) })),

  remove: operation
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/servers/{server_id}',
        tags,
        summary: 'Remove a registered server',
      },
      limit: 'logs',
      errors: ['SERVER_NOT_FOUND', 'CONFLICT'],
    })
    .input(serverById)
    .output(z.object({ status: z.literal('removed'), server_id: z.string(), removed_at: z.date() }))
    .mutation(({ ctx, input }) => ctx.services.servers.remove(input.server_id)),
};
