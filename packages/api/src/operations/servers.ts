// Operations on servers: discover, look closely at, prove; register, list, look at, remove.
import {
  deployMethods,
  deploymentConfiguration,
  discoverAnswer,
  discoverRequest,
  launchRecipeView,
  server,
  serverDetails,
  serverRegistration,
  verdict,
  viewOfRecipe,
  type Server,
} from '@insightloop/core';
import { z } from 'zod';
import { operation } from '../middleware.ts';
import { once } from '../once.ts';
import { serverById } from './server-id.ts';

const tags: [string] = ['Servers'];
const discoveryTags: [string] = ['Discovery'];

const serverView = server.extend({ launch: z.array(launchRecipeView) }).meta({ id: 'Server' });

/** For callers whose leaving nobody tells us of. */
const never = new AbortController().signal;

const viewOf = (found: Server): z.infer<typeof serverView> => ({
  ...found,
  launch: found.launch.map(viewOfRecipe),
});

export const servers = {
  discover: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/discover',
        tags: discoveryTags,
        summary: 'Search GitHub, the MCP registry and the catalog for MCP servers',
        description:
          'The order is GitHub’s; hits of other sources that GitHub’s page does not hold come first on page 1, and what only looks like a server comes last. A source that does not answer is named in `warnings`.',
      },
      limit: 'discovery',
      errors: ['DISCOVERY_FAILED'],
    })
    .input(discoverRequest)
    .output(discoverAnswer.meta({ id: 'DiscoverAnswer' }))
    .query(({ ctx, input, signal }) => ctx.services.discovery.discover(input, signal ?? never)),

  details: operation
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/discover/{server_id}',
        tags: discoveryTags,
        summary: 'Look closely at one server: README, launch recipes with their evidence, tools, last proof',
        description:
          'Reads the repository’s files and looks its packages up, unless that was done lately. Nothing of it is run.',
      },
      limit: 'discovery',
      errors: ['SERVER_NOT_FOUND'],
    })
    .input(serverById)
    .output(z.object({ server: serverDetails.meta({ id: 'ServerDetails' }) }))
    .query(async ({ ctx, input, signal }) => ({
      server: await ctx.services.discovery.details(input.server_id, signal ?? never),
    })),

  verify: operation
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/discover/{server_id}/verify',
        tags: discoveryTags,
        summary: 'Prove a server: install, start, list its tools, measure, stop, and keep the verdict',
        description:
          'A throw-away deployment in the sandbox, of which nothing stays but the verdict. A caller who leaves does not cancel it.',
      },
      limit: 'deployment',
      errors: [
        'SERVER_NOT_FOUND',
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
      }),
    )
    .output(z.object({ server_id: z.string(), verdict: verdict.meta({ id: 'Verdict' }) }))
    .mutation(({ ctx, input }) =>
      ctx.services.proofs.prove({
        serverId: input.server_id,
        method: input.method ?? null,
        configuration: input.configuration,
        allowUnverified: input.allow_unverified,
        allowKind: input.allow_kind,
      }),
    ),

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
