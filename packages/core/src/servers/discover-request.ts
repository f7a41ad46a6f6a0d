// What a caller asks discovery for, and which servers of other sources than the code host fit it.
import { z } from 'zod';
import { invalidRequest } from '../errors.ts';
import type { RepositoryQuery } from './code-host.ts';
import type { Found } from './discovery-store.ts';
import { storableText } from './storable-text.ts';

export const discoverySources = ['github', 'registry', 'catalog'] as const;
export type DiscoverySource = (typeof discoverySources)[number];

/** GitHub takes five operators; it would answer 422 to more. */
const maxOperators = 5;

const controlCharacters = /[\p{Cc}]/u;

const isDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}(?:[T ][\d:.]{4,15}(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  isDayOfCalendar(text.slice(0, 10));

/** Date.parse takes February 30 for March 2. */
const isDayOfCalendar = (day: string): boolean => {
  const parsed = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day);
};

export const discoverRequest = z.strictObject({
  query: storableText
    .trim()
    .max(256)
    .refine((text) => !controlCharacters.test(text), 'must not contain control characters')
    .refine(
      (text) => (text.match(/(?<![^\s(])(?:AND|OR|NOT)(?![^\s)])/g) ?? []).length <= maxOperators,
      `must not contain more than ${maxOperators} of AND, OR, NOT`,
    )
    .optional()
    .describe(
      'in GitHub’s search syntax; without it everything under the topic mcp-server, most stars first',
    ),
  filters: z
    .strictObject({
      language: z
        .string()
        .trim()
        .min(1)
        .max(50)
        .regex(/^[\p{L}\p{N} #+.*_'()-]+$/u, 'must be the name of a programming language')
        .optional(),
      min_stars: z.int().min(0).max(10_000_000).optional(),
      updated_after: z
        .string()
        .max(40)
        .refine(isDate, 'must be an ISO date such as "2026-01-31"')
        .optional()
        .describe('ISO date of the last push at the earliest'),
    })
    .default({}),
  limit: z.int().min(1).max(100).default(20).describe('servers at most'),
  page: z.int().min(1).max(1000).default(1),
  sources: z
    .array(z.enum(discoverySources))
    .min(1)
    .max(10)
    .default([...discoverySources])
    .describe('where to look: GitHub, the official MCP registry, the starter catalog'),
  include_archived: z.boolean().default(false),
  include_forks: z.boolean().default(false),
});
export type DiscoverRequest = z.output<typeof discoverRequest>;

export const repositoryQueryOf = ({ query, filters, ...request }: DiscoverRequest): RepositoryQuery => ({
  text: query === undefined || query === '' ? null : query,
  language: filters.language ?? null,
  minStars: filters.min_stars ?? null,
  updatedAfter: filters.updated_after === undefined ? null : new Date(filters.updated_after),
  includeArchived: request.include_archived,
  includeForks: request.include_forks,
});

/** The code host's refusal of a query that our own rules let pass. */
export const refusedQuery = (message: string): Error =>
  invalidRequest(message, [{ path: ['query'], code: 'invalid_query', message }]);

/** Words that every server could be found by. */
const commonWords = new Set(['mcp', 'server', 'servers', 'the', 'a', 'for', 'and', 'or', 'not']);

/** The words of a query that mean something, without the host's qualifiers such as `user:name`. */
export function wordsOf(query: RepositoryQuery): string[] {
  const words = (query.text ?? '').toLowerCase().match(/[^\s"()]+/g) ?? [];
  return words.filter((word) => !word.includes(':') && !commonWords.has(word));
}

/** Every word stands somewhere in what it is called and launched by, and no filter speaks against it or cannot tell. */
export function fits({ server, finding }: Found, query: RepositoryQuery): boolean {
  const text = [
    server.id,
    server.name,
    server.description ?? '',
    finding.registry_name ?? '',
    ...server.launch.map(({ identifier }) => identifier),
  ]
    .join(' ')
    .toLowerCase();
  if (!wordsOf(query).every((word) => text.includes(word))) return false;
  if (query.language !== null && finding.language?.toLowerCase() !== query.language.toLowerCase())
    return false;
  if (query.minStars !== null && query.minStars > 0 && (finding.stars ?? -1) < query.minStars) return false;
  if (query.updatedAfter !== null && (finding.pushed_at?.getTime() ?? 0) < query.updatedAfter.getTime())
    return false;
  if (finding.archived && !query.includeArchived) return false;
  return !finding.fork || query.includeForks;
}
