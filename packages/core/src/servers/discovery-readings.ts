// The readings under way: each repository once at a time, waited for by whoever wants it, ended with the process.
import { serviceUnavailable } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { CodeHostError, type CodeRepository } from './code-host.ts';
import type { EntryGroup } from './discovery-search.ts';
import type { Found } from './discovery-store.ts';
import type { RegistryEntry } from './mcp-registry.ts';
import { isAbout } from './registry-trust.ts';
import { githubNameOf, keyOfFullName } from './repository-key.ts';
import { hasSameFacts, identityOf, isOf, samePush, withFacts } from './repository-facts.ts';
import { withoutTrust } from './repository-reading.ts';
import {
  createRepositoryReader,
  rememberedRepository,
  type ReadRequest,
  type RepositoryReaderPorts,
} from './repository-reader.ts';

export interface DiscoveryTimes {
  /** How long a listing waits for files to be read; what is late comes with the next one. */
  listPatienceMs: number;
  /** The same for the details of one server. */
  detailsPatienceMs: number;
  /** Facts of the host, such as stars and the last push, are asked for again after this. */
  factsFreshMs: number;
  /** The registries of packages are asked again after this. */
  verifiedFreshMs: number;
  /** Every so often a few of those that nobody asked for since `refreshAfterMs` are looked at again. */
  refreshIntervalMs: number;
  refreshAfterMs: number;
}

export interface ReadingsPorts extends RepositoryReaderPorts {
  clock: Clock;
  logger: Logger;
  discoveryTimes: DiscoveryTimes;
}

export interface ListedServers {
  /** The repositories' own servers, in the order of the repositories. */
  found: Found[];
  warnings: string[];
}

export interface DiscoveryReadings {
  /** Repositories of a listing: stored as the host shows them now, and read where that is not done yet. */
  listed(
    repositories: readonly CodeRepository[],
    entries: readonly RegistryEntry[],
    signal: AbortSignal,
  ): Promise<ListedServers>;
  /** Servers of the registry whose repositories nobody has looked at. */
  registered(groups: readonly EntryGroup[], signal: AbortSignal): Promise<Found[]>;
  /** Reads and verifies a server as closely as can be, unless that was done lately. */
  closer(found: Found, signal: AbortSignal): Promise<Found>;
  begin(): void;
  close(): Promise<void>;
}

/** Repositories being read or waiting for it: more are not begun. */
const maxReadings = 400;

/** Requests of the host's own limits that a round of refreshing may cost, with a token and without. */
const refreshedPerRound = { withToken: 60, without: 6 };

export function createDiscoveryReadings(ports: ReadingsPorts): DiscoveryReadings {
  const { codeHost, discoveryStore, clock, logger, discoveryTimes: times } = ports;
  const reader = createRepositoryReader(ports);
  const ended = new AbortController();
  const underWay = new Map<string, Promise<Found[]>>();
  let refreshing: Promise<void> = Promise.resolve();

  /** Joins a reading that is under way, or begins one. It goes on without us. */
  const joined = (key: string, work: () => Promise<Found[]>): Promise<Found[]> => {
    const existing = underWay.get(key);
    if (existing) return existing;
    const reading = work().finally(() => underWay.delete(key));
    underWay.set(key, reading);
    reading.catch((error: unknown) => {
      if (!ended.signal.aborted) logger.warn({ reading: key, err: error }, 'a repository was not read');
    });
    return reading;
  };

  const read = (key: string, request: ReadRequest): Promise<Found[]> =>
    joined(`${request.depth} ${key}`, () => reader.read(request, ended.signal));

  /** Stored with what the listing itself says, for when the files cannot be read now. */
  const unreadServer = async (repository: CodeRepository): Promise<Found[]> => {
    const root = rootOf(
      await reader.read(
        { repository, identity: identityOf(repository), entries: [], depth: 'none' },
        ended.signal,
      ),
    );
    return root ? [root] : [];
  };

  const isSeen = ({ finding }: Found): boolean =>
    clock.now() - finding.seen_at.getTime() < times.factsFreshMs;

  /** What is stored of a repository's own server, with a reading where it is not read as it is now. */
  const listedOne = async (
    repository: CodeRepository,
    { entries, known }: { entries: readonly RegistryEntry[]; known: readonly Found[] },
  ): Promise<{ root: Found | null; reading: Promise<Found[]> | null }> => {
    const root = known.find(({ finding }) => finding.folder === '') ?? null;
    if (root && root.finding.depth !== 'none' && samePush(root, repository)) {
      if (isSeen(root) && hasSameFacts(root, repository)) return { root, reading: null };
      const touched = known.map((found) => withFacts(found, repository, new Date(clock.now())));
      await discoveryStore.save(touched);
      return { root: touched.find(({ finding }) => finding.folder === '') ?? root, reading: null };
    }
    if (underWay.size >= maxReadings) return { root, reading: null };
    const key = keyOfFullName(repository.full_name);
    return {
      root,
      reading: read(key, { repository, identity: identityOf(repository), entries, depth: 'shallow' }),
    };
  };

  const rootOf = (found: readonly Found[]): Found | null =>
    found.find(({ finding }) => finding.folder === '') ?? null;

  const closer = async (found: Found, signal: AbortSignal): Promise<Found> => {
    const { finding } = found;
    if (found.server.source !== 'discovered') return found;
    const isVerified =
      finding.verified_at !== null && clock.now() - finding.verified_at.getTime() < times.verifiedFreshMs;
    if (finding.depth === 'deep' && isSeen(found) && isVerified) return found;
    const key = finding.repository_key ?? finding.registry_name ?? finding.server_id;
    const work = joined(`closer ${key}`, () => readCloser(found, isVerified));
    const done = await withPatience(work, { ms: times.detailsPatienceMs, clock, signal });
    return done?.find(({ server }) => server.id === found.server.id) ?? (await latest(found));
  };

  /** What is stored now: a reading that failed or is late may have got half of the way. */
  const latest = async (found: Found): Promise<Found> =>
    (await discoveryStore.find(found.server.id)) ?? found;

  const readCloser = async (found: Found, isVerified: boolean): Promise<Found[]> => {
    const signal = ended.signal;
    const { finding } = found;
    const name = finding.repository_key === null ? null : githubNameOf(finding.repository_key);
    const known = await knownOf(finding.host_id, finding.repository_key, found);
    const root = known.find((entry) => entry.finding.folder === '') ?? found;
    const repository = name === null ? null : await repositoryNow(name, root, signal);
    const now = new Date(clock.now());
    if (repository === null && root.finding.host_id !== null) {
      const gone = known.map((entry) =>
        withoutTrust(entry, 'its repository is gone, or is not the same any more', now),
      );
      await discoveryStore.save(gone);
      return gone;
    }
    if (repository === null) {
      const verified = isVerified ? found : await reader.verifyAgain(found, signal);
      const seen = { ...verified, finding: { ...verified.finding, depth: 'deep' as const, seen_at: now } };
      await discoveryStore.save([seen]);
      return [seen];
    }
    if (root.finding.depth === 'deep' && samePush(root, repository) && known.length > 0) {
      const touched = known.map((entry) => withFacts(entry, repository, now));
      await discoveryStore.save(touched);
      if (isVerified) return touched;
      const own = touched.find(({ server }) => server.id === found.server.id);
      return own ? [await reader.verifyAgain(own, signal)] : touched;
    }
    const request = { repository, identity: identityOf(repository), entries: [], depth: 'deep' as const };
    return reader.read(request, signal).catch(async (error: unknown) => {
      if (!(error instanceof CodeHostError)) throw error;
      // Its files cannot be had now; whose the packages are can be found out all the same.
      logger.debug(
        { repository: repository.full_name, err: error },
        'a repository could not be read closely',
      );
      return isVerified ? [found] : [await reader.verifyAgain(found, signal)];
    });
  };

  /** As the host shows it; as we remember it where the host does not answer; null where it is gone. */
  const repositoryNow = async (
    name: string,
    root: Found,
    signal: AbortSignal,
  ): Promise<CodeRepository | null> => {
    try {
      const repository = await codeHost.repository(name, signal);
      const isOther =
        root.finding.host_id !== null && repository !== null && repository.host_id !== root.finding.host_id;
      // Somebody else has taken the name since: what we know belongs to the one before.
      return isOther ? null : repository;
    } catch (error) {
      if (!(error instanceof CodeHostError)) throw error;
      logger.debug({ repository: name, err: error }, 'a repository is read as it was when last seen');
      return rememberedRepository(root);
    }
  };

  const knownOf = async (hostId: number | null, key: string | null, found: Found): Promise<Found[]> => {
    const known = await discoveryStore.ofRepositories({
      hostIds: hostId === null ? [] : [hostId],
      keys: key === null ? [] : [key],
    });
    return known.length > 0 ? known : [found];
  };

  const refreshRound = async (): Promise<void> => {
    const limit = codeHost.authenticated ? refreshedPerRound.withToken : refreshedPerRound.without;
    const stale = await discoveryStore.stalest({
      seenBefore: new Date(clock.now() - times.refreshAfterMs),
      limit,
    });
    for (const found of stale) {
      if (ended.signal.aborted) return;
      const key = found.finding.repository_key ?? found.finding.server_id;
      await joined(`closer ${key}`, () => readCloser(found, false));
    }
  };

  const refreshForEver = async (): Promise<void> => {
    for (;;) {
      const isOver = await clock.sleep(times.refreshIntervalMs, ended.signal).then(
        () => false,
        () => true,
      );
      if (isOver) return;
      await refreshRound().catch((error: unknown) => {
        if (!ended.signal.aborted) logger.warn({ err: error }, 'what was discovered could not be refreshed');
      });
    }
  };

  return {
    async listed(repositories, entries, signal) {
      const known = await discoveryStore.ofRepositories({
        hostIds: repositories.map(({ host_id }) => host_id),
        keys: repositories.map(({ full_name }) => keyOfFullName(full_name)),
      });
      const listings = await Promise.all(
        repositories.map((repository) =>
          listedOne(repository, {
            entries: entries.filter((entry) => isAbout(entry, repository.full_name)),
            known: known.filter(({ finding }) => isOf(finding, repository)),
          }),
        ),
      );
      const results = new Map<CodeRepository, Found>();
      const readings = listings.map(async ({ root, reading }, index) => {
        const found = reading ? rootOf(await reading) : root;
        const repository = repositories[index];
        if (found && repository) results.set(repository, found);
      });
      await withPatience(Promise.allSettled(readings), { ms: times.listPatienceMs, clock, signal });
      let unread = 0;
      const found: Found[] = [];
      for (const [index, repository] of repositories.entries()) {
        const result = results.get(repository) ?? listings[index]?.root ?? null;
        if (!results.has(repository)) unread += 1;
        found.push(...(result ? [result] : await unreadServer(repository)));
      }
      return { found, warnings: unread === 0 ? [] : [unreadWarning(unread)] };
    },

    async registered(groups, signal) {
      const readings = groups.map(async (group) => {
        const { owner, name, repositoryKey: key, entries } = group;
        const known = key
          ? await discoveryStore.ofRepositories({ hostIds: [], keys: [key] })
          : await discoveryStore.ofRegistryNames(entries.map((entry) => entry.name));
        const root = rootOf(known);
        if (root && (isSeen(root) || root.finding.depth !== 'none')) return root;
        const request = { repository: null, identity: { owner, name, key }, entries, depth: 'none' as const };
        return rootOf(await read(key ?? `registry ${entries[0]?.name ?? name}`, request));
      });
      const all = Promise.all(readings);
      const found = (await withPatience(all, { ms: times.listPatienceMs, clock, signal })) ?? [];
      return found.filter((entry) => entry !== null);
    },

    closer,
    begin() {
      refreshing = refreshForEver();
    },
    async close() {
      ended.abort(serviceUnavailable('This process is ending and takes no new work.', 5));
      await Promise.allSettled([refreshing, ...underWay.values()]);
    },
  };
}

const unreadWarning = (count: number): string =>
  `${count} of the repositories could not be read in time: kind, recipes and tools of these may be missing. Ask again in a moment.`;

/** Null where it takes longer; the work goes on. @throws what the work throws, and the signal's reason */
async function withPatience<T>(
  work: Promise<T>,
  { ms, clock, signal }: { ms: number; clock: Clock; signal: AbortSignal },
): Promise<T | null> {
  const scope = new AbortController();
  const over = clock.sleep(ms, AbortSignal.any([signal, scope.signal])).then(() => null);
  over.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    scope.abort();
  }
}
