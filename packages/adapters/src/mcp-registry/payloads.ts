// What we read of the registry's answers: strict about each field that we use, blind to all others.
import type { RegistryEntry } from '@insightloop/core';
import { z } from 'zod';

const optionalText = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

const official = z.object({
  status: z.string().default('active'),
  publishedAt: z.iso.datetime({ offset: true }).nullish(),
  updatedAt: z.iso.datetime({ offset: true }).nullish(),
  isLatest: z.boolean().default(true),
});

const serverJson = z.object({
  name: z.string().regex(/^[A-Za-z0-9.-]+\/[A-Za-z0-9._-]+$/),
  title: optionalText,
  description: optionalText,
  version: z.string(),
  repository: z.object({ url: optionalText, subfolder: optionalText }).nullish(),
  websiteUrl: optionalText,
});

const publication = z.object({
  server: z.unknown(),
  _meta: z.object({ 'io.modelcontextprotocol.registry/official': official.optional() }).nullish(),
});

const page = z.object({
  // Null is how the registry's language writes an empty list.
  servers: z.array(z.unknown()).nullable(),
  metadata: z.object({ nextCursor: z.string().nullish() }).default({}),
});

export interface RegistryListing {
  /** In their newest versions, and neither deleted nor deprecated. */
  entries: RegistryEntry[];
  nextCursor: string | null;
}

/** @throws SyntaxError or ZodError where it is no page; one entry that is none does not take the others with it */
export function registryListing(body: string): RegistryListing {
  const { servers, metadata } = page.parse(JSON.parse(body, storable));
  return { entries: (servers ?? []).flatMap(entryOf), nextCursor: metadata.nextCursor ?? null };
}

/** A database takes no NUL, and JSON can smuggle in half a character. */
const storable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\u{fffd}') : value;

function entryOf(listed: unknown): RegistryEntry[] {
  const published = publication.safeParse(listed).data;
  const server = serverJson.safeParse(published?.server).data;
  if (published === undefined || server === undefined) return [];
  const said = published._meta?.['io.modelcontextprotocol.registry/official'];
  if (said !== undefined && (said.status !== 'active' || !said.isLatest)) return [];
  const changed = said?.updatedAt ?? said?.publishedAt ?? null;
  return [
    {
      name: server.name,
      title: server.title,
      description: server.description,
      version: server.version,
      repository_url: server.repository?.url ?? null,
      subfolder: server.repository?.subfolder ?? null,
      website_url: server.websiteUrl,
      updated_at: changed === null ? null : new Date(changed),
      server_json: published.server,
    },
  ];
}
