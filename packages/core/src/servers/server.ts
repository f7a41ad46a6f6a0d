// A server: something that speaks MCP and can be launched, with the rules on its id.
import { z } from 'zod';
import { launchRecipe, launchRecipeInput } from './launch-recipe.ts';
import { storableText } from './storable-text.ts';

const serverKinds = ['server', 'gateway', 'framework', 'sdk', 'client', 'list', 'other'] as const;

/** Where we know a server from. Ids of the catalog are reserved for it. */
const serverSources = ['catalog', 'registered', 'discovered'] as const;

/** Words that stand in a path where an id could stand, as in /api/servers/running. */
const reservedIds: ReadonlySet<string> = new Set(['running']);

/** Lower case, `[a-z0-9._-]`, beginning and ending with a letter or digit: a path segment that cannot climb. */
export const serverId = z
  .string()
  .min(1)
  .max(100)
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/,
    'must be lower-case letters, digits, ".", "_" and "-", beginning and ending with a letter or digit',
  )
  .refine((id) => !id.includes('..'), 'must not contain ".."')
  .refine((id) => !reservedIds.has(id), 'is a reserved word');

export const server = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  kind: z.enum(serverKinds),
  source: z.enum(serverSources),
  launch: z.array(launchRecipe).describe('best first'),
  created_at: z.date(),
  updated_at: z.date(),
});
export type Server = z.infer<typeof server>;

/** What a caller says to register a server. */
export const serverRegistration = z.strictObject({
  id: serverId,
  name: storableText.trim().min(1).max(200),
  description: storableText.max(10_000).nullable().default(null),
  launch: z.array(launchRecipeInput).min(1).max(20).describe('launch recipes, best first'),
});
export type ServerRegistration = z.output<typeof serverRegistration>;
