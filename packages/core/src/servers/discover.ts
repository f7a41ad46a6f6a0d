// One answer of discovery: a page of the host's hits with those of the other sources before them, each server once.
import { z } from 'zod';
import type { CodeRepository } from './code-host.ts';
import { fits, repositoryQueryOf, type DiscoverRequest } from './discover-request.ts';
import type { DiscoveryReadings } from './discovery-readings.ts';
import {
  askCatalog,
  askHost,
  askRegistry,
  entriesNotAbout,
  groupEntries,
  noAnswer,
  roomForOthers,
  told,
  type SearchPorts,
  type SourceFailure,
} from './discovery-search.ts';
import type { DiscoveryStore, Found } from './discovery-store.ts';
import { foundServer, viewOfFound } from './found-view.ts';
import type { RegistryEntry } from './mcp-registry.ts';
import { keyOfFullName } from './repository-key.ts';

export const discoverAnswer = z.object({
  servers: z.array(foundServer),
  total: z.int().describe('GitHub’s count; ours where GitHub is not asked or does not answer'),
  page: z.int(),
  has_more: z.boolean(),
  incomplete: z.boolean().describe('a source gave up before it had looked everywhere'),
  extra: z.int().describe('servers of this page that other sources found and `total` does not count'),
  warnings: z.array(z.string()),
});
export type DiscoverAnswer = z.infer<typeof discoverAnswer>;

export interface DiscoverParts {
  ports: SearchPorts;
  readings: Pick<DiscoveryReadings, 'listed' | 'registered'>;
  signal: AbortSignal;
}

/** What the host answered: its first page, and the pages that the asked-for one is cut from. */
interface HostHits {
  total: number;
  incomplete: boolean;
  /** As many as can be paged to. */
  reachable: number;
  first: CodeRepository[];
}

export async function discover(request: DiscoverRequest, parts: DiscoverParts): Promise<DiscoverAnswer> {
  const { ports, readings, signal } = parts;
  const failures: SourceFailure[] = [];
  const wants = (source: DiscoverRequest['sources'][number]): boolean => request.sources.includes(source);
  const [host, registry, own] = await Promise.all([
    wants('github') ? askHost(request, 1, { ...ports, signal }) : null,
    wants('registry') ? askRegistry(request, { ...ports, signal }) : null,
    wants('catalog') ? askCatalog(request, ports) : [],
  ]);
  for (const answer of [host, registry]) if (answer && 'failure' in answer) failures.push(answer.failure);
  const entries = registry && 'hits' in registry ? registry.hits.entries : [];
  const more = registry !== null && 'hits' in registry && registry.hits.more;
  const hostHits = host && 'hits' in host ? hostHitsOf(host.hits, ports) : null;
  const others = await otherServers({ request, entries, own, first: hostHits?.first ?? [] }, parts);
  if (!hostHits) return listOfOthers({ request, others, failures, more });

  const extras = others.slice(0, roomForOthers(request.limit, hostHits.first.length));
  const begin = (request.page - 1) * request.limit;
  const shownExtras = extras.slice(begin, begin + request.limit);
  const range = { from: Math.max(0, begin - extras.length), to: begin + request.limit - extras.length };
  const repositories = await rangeOf(range, { request, hostHits, parts, failures });
  const listed = await readings.listed(withoutExtras(repositories, extras), entries, signal);
  const shown = orderedServers([...shownExtras, ...listed.found]);
  if (shown.length === 0 && failures.length > 0) throw noAnswer(failures);
  return {
    servers: (await withSubServers(shown, request.limit, ports.discoveryStore)).map(viewOfFound),
    total: hostHits.total,
    page: request.page,
    has_more: begin + request.limit < hostHits.reachable + extras.length,
    incomplete: hostHits.incomplete,
    extra: shownExtras.length,
    warnings: [...(failures.length > 0 ? [told(failures)] : []), ...listed.warnings],
  };
}

const hostHitsOf = (
  { repositories, total, incomplete }: { repositories: CodeRepository[]; total: number; incomplete: boolean },
  { codeHost }: Pick<SearchPorts, 'codeHost'>,
): HostHits => ({
  total,
  incomplete,
  reachable: Math.min(total, codeHost.maxResults),
  first: repositories,
});

interface OtherParts {
  request: DiscoverRequest;
  entries: readonly RegistryEntry[];
  own: readonly Found[];
  first: readonly CodeRepository[];
}

/** Hits of the other sources that are not on the host's first page: ours first, then the registry's. */
async function otherServers(
  { request, entries, own, first }: OtherParts,
  { readings, signal }: DiscoverParts,
): Promise<Found[]> {
  const query = { ...repositoryQueryOf(request), text: null };
  const groups = groupEntries(entriesNotAbout(entries, [...first])).slice(0, request.limit);
  const registered = (await readings.registered(groups, signal)).filter((found) => fits(found, query));
  const byId = new Map([...own, ...registered].map((found) => [found.server.id, found]));
  return [...byId.values()];
}

interface ListParts {
  request: DiscoverRequest;
  others: Found[];
  failures: SourceFailure[];
  more: boolean;
}

/** @throws AppError DISCOVERY_FAILED */
function listOfOthers({ request, others, failures, more }: ListParts): DiscoverAnswer {
  if (others.length === 0 && failures.length > 0) throw noAnswer(failures);
  const begin = (request.page - 1) * request.limit;
  const shown = others.slice(begin, begin + request.limit);
  return {
    servers: orderedServers(shown).map(viewOfFound),
    total: others.length,
    page: request.page,
    has_more: begin + request.limit < others.length,
    incomplete: more,
    extra: request.sources.includes('github') ? shown.length : 0,
    warnings: failures.length > 0 ? [told(failures)] : [],
  };
}

interface RangeParts {
  request: DiscoverRequest;
  hostHits: HostHits;
  parts: DiscoverParts;
  failures: SourceFailure[];
}

/** The host's hits from one place to another: its pages do not lie where ours do when others come first. */
async function rangeOf(
  { from, to }: { from: number; to: number },
  { request, hostHits, parts, failures }: RangeParts,
): Promise<CodeRepository[]> {
  const { limit } = request;
  const repositories: CodeRepository[] = [];
  const end = Math.min(to, hostHits.reachable);
  for (let page = Math.floor(from / limit) + 1; (page - 1) * limit < end; page += 1) {
    const answer =
      page === 1
        ? { hits: { repositories: hostHits.first, incomplete: false } }
        : await askHost(request, page, { ...parts.ports, signal: parts.signal });
    if ('failure' in answer) {
      failures.push(answer.failure);
      break;
    }
    hostHits.incomplete ||= answer.hits.incomplete;
    const offset = (page - 1) * limit;
    repositories.push(...answer.hits.repositories.slice(Math.max(0, from - offset), end - offset));
  }
  return repositories;
}

/** One that came first on the first page is not listed again where the host has it. */
function withoutExtras(repositories: readonly CodeRepository[], extras: readonly Found[]): CodeRepository[] {
  const keys = new Set(extras.map(({ finding }) => finding.repository_key));
  return repositories.filter(({ full_name }) => !keys.has(keyOfFullName(full_name)));
}

/** Look-alikes come after the servers; within each the order stays. */
const orderedServers = (found: readonly Found[]): Found[] =>
  found.toSorted(
    (one, other) => Number(one.server.kind !== 'server') - Number(other.server.kind !== 'server'),
  );

/** Servers of monorepos are listed behind their repository, as far as the limit leaves room; all are named in it. */
async function withSubServers(
  shown: readonly Found[],
  limit: number,
  discoveryStore: DiscoveryStore,
): Promise<Found[]> {
  const listed = new Set(shown.map(({ server }) => server.id));
  const room = limit - shown.length;
  const keys = shown.flatMap(({ finding }) =>
    finding.sub_servers.length > 0 && finding.repository_key !== null ? finding.repository_key : [],
  );
  if (room <= 0 || keys.length === 0) return [...shown];
  const parts = (await discoveryStore.ofRepositories({ hostIds: [], keys }))
    .filter(({ server }) => !listed.has(server.id))
    .slice(0, room);
  return shown.flatMap((found) => {
    const ids = new Set(found.finding.sub_servers.map(({ id }) => id));
    return [found, ...parts.filter(({ server }) => ids.has(server.id))];
  });
}
