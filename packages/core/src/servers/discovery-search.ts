// One search through several sources: each asked once, what one of them cannot answer told, hits joined by repository.
import { AppError } from '../errors.ts';
import { CodeHostError, type CodeHost, type RepositoryPage, type RepositoryQuery } from './code-host.ts';
import {
  fits,
  refusedQuery,
  repositoryQueryOf,
  wordsOf,
  type DiscoverRequest,
  type DiscoverySource,
} from './discover-request.ts';
import type { DiscoveryStore, Found } from './discovery-store.ts';
import { McpRegistryError, type McpRegistry, type RegistryEntry } from './mcp-registry.ts';
import { githubNameOf, keyOfFullName, repositoryKeyOf } from './repository-key.ts';

export interface SearchPorts {
  codeHost: CodeHost;
  mcpRegistry: McpRegistry;
  discoveryStore: DiscoveryStore;
}

/** Why a source has no answer, in words for the caller. */
export interface SourceFailure {
  source: DiscoverySource;
  message: string;
  retryAfterSeconds: number | null;
  cause: unknown;
}

export type SourceAnswer<T> = { hits: T } | { failure: SourceFailure };

/** Of the registry: more would bury what the code host found. */
const maxRegistryHits = 100;

/** Of the catalog and the operator's own. */
const maxOwn = 1_000;

/** @throws AppError INVALID_REQUEST where the host refuses the query; the signal's reason when it aborts */
export async function askHost(
  request: DiscoverRequest,
  page: number,
  { codeHost, signal }: Pick<SearchPorts, 'codeHost'> & { signal: AbortSignal },
): Promise<SourceAnswer<RepositoryPage>> {
  try {
    const query = repositoryQueryOf(request);
    return { hits: await codeHost.search(query, { page, perPage: request.limit, signal }) };
  } catch (error) {
    if (!(error instanceof CodeHostError)) throw error;
    if (error.failure === 'invalid') throw refusedQuery(error.message);
    const { message, retryAfterSeconds } = error;
    return { failure: { source: 'github', message, retryAfterSeconds, cause: error } };
  }
}

/**
 * Searches in names for the word that says most, and keeps what has all of them. Without a query only where the registry
 * is asked alone: its listing has no order that says anything.
 */
export async function askRegistry(
  request: DiscoverRequest,
  { mcpRegistry, signal }: Pick<SearchPorts, 'mcpRegistry'> & { signal: AbortSignal },
): Promise<SourceAnswer<{ entries: RegistryEntry[]; more: boolean }>> {
  const words = allWordsOf(repositoryQueryOf(request));
  if (words.length === 0 && request.sources.some((source) => source !== 'registry'))
    return { hits: { entries: [], more: false } };
  try {
    const [longest = null] = words.toSorted((one, other) => other.length - one.length);
    const page = await mcpRegistry.search(longest, { limit: maxRegistryHits, signal });
    return { hits: { ...page, entries: page.entries.filter((entry) => hasWords(entry, words)) } };
  } catch (error) {
    if (!(error instanceof McpRegistryError)) throw error;
    const { message, retryAfterSeconds } = error;
    return { failure: { source: 'registry', message, retryAfterSeconds, cause: error } };
  }
}

/** Those that mean something, or all where none does. */
function allWordsOf(query: RepositoryQuery): string[] {
  const words = wordsOf(query);
  return words.length > 0
    ? words
    : (query.text?.toLowerCase().match(/[^\s"()]+/g) ?? []).filter((word) => !word.includes(':'));
}

const hasWords = ({ name, title, description }: RegistryEntry, words: readonly string[]): boolean => {
  const text = `${name} ${title ?? ''} ${description ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

/** The catalog, and what the operator registered. @throws AppError SERVICE_UNAVAILABLE */
export async function askCatalog(
  request: DiscoverRequest,
  { discoveryStore }: Pick<SearchPorts, 'discoveryStore'>,
): Promise<Found[]> {
  const query = repositoryQueryOf(request);
  return (await discoveryStore.own(maxOwn)).filter((found) => fits(found, query));
}

/** Entries of one server: those of a repository whose owner publishes them, or one that stands for itself. */
export interface EntryGroup {
  owner: string;
  name: string;
  /** Null where the entry does not speak for a repository that we know of. */
  repositoryKey: string | null;
  entries: RegistryEntry[];
}

/**
 * An entry whose namespace is not its repository's owner's is a server of its own: it must not get that repository's id,
 * because anybody can write any address into an entry.
 */
export function groupEntries(entries: readonly RegistryEntry[]): EntryGroup[] {
  const groups = new Map<string, EntryGroup>();
  for (const entry of entries) {
    const key = repositoryKeyOf(entry.repository_url);
    const fullName = key === null ? null : githubNameOf(key);
    const [namespace = '', name = ''] = entry.name.split('/');
    const [owner = '', repository = ''] = fullName?.split('/') ?? [];
    const isOwners = fullName !== null && namespace.toLowerCase() === `io.github.${owner}`;
    const group = isOwners
      ? { ...spelledAs(entry, owner, repository), repositoryKey: key }
      : { owner: namespace, name, repositoryKey: null };
    const groupKey = group.repositoryKey ?? entry.name;
    const existing = groups.get(groupKey);
    if (existing) existing.entries.push(entry);
    else groups.set(groupKey, { ...group, entries: [entry] });
  }
  return [...groups.values()];
}

/** Keys are in lower case; people see names as they are written. */
function spelledAs({ repository_url: url }: RegistryEntry, owner: string, name: string) {
  const match = /github\.com[/:]([\w.-]+)\/([\w.-]+?)(?:\.git)?(?:[/?#].*)?$/i.exec(url ?? '');
  const isSame = match?.[1]?.toLowerCase() === owner && match[2]?.toLowerCase() === name;
  return isSame ? { owner: match[1] ?? owner, name: match[2] ?? name } : { owner, name };
}

/** Entries about these repositories belong to them, and are not listed beside them. */
export const entriesNotAbout = (
  entries: readonly RegistryEntry[],
  repositories: RepositoryPage['repositories'],
): RegistryEntry[] => {
  const keys = new Set(repositories.map(({ full_name }) => keyOfFullName(full_name)));
  return entries.filter(({ repository_url }) => !keys.has(repositoryKeyOf(repository_url) ?? ''));
};

/**
 * How many hits of other sources come before the host's first: at most half of the list, and what the host leaves free,
 * so that neither hides the other.
 */
export const roomForOthers = (limit: number, hostHits: number): number =>
  Math.max(Math.floor(limit / 2), limit - hostHits);

/** @throws AppError DISCOVERY_FAILED */
export const noAnswer = (failures: readonly SourceFailure[]): AppError => {
  const waits = failures.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  const retryAfter = Math.max(1, Math.ceil(waits.length > 0 ? Math.min(...waits) : 30));
  return new AppError('DISCOVERY_FAILED', `Nothing was found, and ${told(failures)}`, {
    details: { retry_after: retryAfter, sources: failures.map(({ source }) => source) },
    retryAfterSeconds: retryAfter,
    cause: failures[0]?.cause,
  });
};

export const told = (failures: readonly SourceFailure[]): string =>
  failures.map(({ source, message }) => `${source} does not answer: ${message}`).join(' ');
