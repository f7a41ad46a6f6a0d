// Reads repositories, infers and verifies what they hold, and stores it: each once at a time, a bounded number at once.
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { createSlots } from '../platform/slots.ts';
import { CodeHostError, type CodeHost, type CodeRepository } from './code-host.ts';
import { clashingId, discoveredId, type Hash } from './discovered-id.ts';
import type { DiscoveryStore, Found } from './discovery-store.ts';
import { filesToRead, rootFilesToRead } from './inference/index.ts';
import { McpRegistryError, type McpRegistry, type RegistryEntry } from './mcp-registry.ts';
import type { PackageRegistry } from './package-registry.ts';
import { readServers, withoutTrust, type ReadSubject } from './repository-reading.ts';
import { githubNameOf } from './repository-key.ts';
import { claimedNamesIn, isAbout, speaksFor } from './registry-trust.ts';
import { verifyRecipe } from './verification.ts';

export interface RepositoryReaderPorts {
  codeHost: CodeHost;
  mcpRegistry: McpRegistry;
  packageRegistry: PackageRegistry;
  discoveryStore: DiscoveryStore;
  hash: Hash;
  clock: Clock;
  logger: Logger;
}

export interface ReadRequest {
  /** Null for an entry of the registry whose repository we cannot see, or have not seen. */
  repository: CodeRepository | null;
  identity: ReadSubject['identity'];
  /** Entries that are about the repository, whether or not they speak for it. */
  entries: readonly RegistryEntry[];
  /** `none` asks nobody; `shallow` reads files whose names can be guessed; `deep` all that say something, and verifies. */
  depth: 'none' | 'shallow' | 'deep';
}

export interface RepositoryReader {
  /**
   * The repository's own server first, then those of its folders, as they are stored now. The work goes on when nobody
   * waits for it any longer; only `signal`, which belongs to the process, ends it.
   * @throws CodeHostError; AppError SERVICE_UNAVAILABLE when the store cannot be reached
   */
  read(request: ReadRequest, signal: AbortSignal): Promise<Found[]>;
  /** Asks the registries of packages again, and nobody else. */
  verifyAgain(found: Found, signal: AbortSignal): Promise<Found>;
}

/** Of each file: the largest README that was seen is a tenth of it. */
const maxFileBytes = 2 * 1024 * 1024;
const maxFiles = 250;

/** Recipes that are looked up; the rest stay unverified. */
const maxVerified = 8;

/** How READMEs are called where they are not README.md. */
const otherReadmes = ['readme.md', 'Readme.md', 'README', 'README.rst', 'README.markdown', 'README.MD'];

const registryHits = 50;

export function createRepositoryReader(ports: RepositoryReaderPorts): RepositoryReader {
  const { codeHost, discoveryStore, clock } = ports;
  const shallowSlots = createSlots(16);
  const deepSlots = createSlots(4);
  /** Ids are given and stored one repository after the other, or two of them could get the same. */
  const storing = createSlots(1);

  const readFiles = async (
    repository: CodeRepository,
    depth: ReadRequest['depth'],
    signal: AbortSignal,
  ): Promise<Map<string, string>> => {
    if (depth === 'none') return new Map();
    const paths = depth === 'deep' ? await listedFiles(repository, ports, signal) : null;
    const options = { maxBytes: maxFileBytes, signal };
    const files = await codeHost.files(repository, paths ?? rootFilesToRead, options);
    const isGuessed = paths === null && !files.has('README.md');
    const readmes = isGuessed ? await codeHost.files(repository, otherReadmes, options) : [];
    return new Map([...files, ...readmes].map(([path, { text }]) => [path, text]));
  };

  const store = (subject: ReadSubject, signal: AbortSignal): Promise<Found[]> =>
    storing.use(async () => {
      const now = new Date(clock.now());
      const known = await knownServers(subject, discoveryStore);
      const { owner, name } = subject.identity;
      const ids = new Map(known.map(({ finding }) => [finding.folder, finding.server_id]));
      const ours = new Set(ids.values());
      const plainIdOf = (folder: string): string => {
        const given = ids.get(folder);
        if (given !== undefined) return given;
        const id = discoveredId({ owner, name, folder }, ports.hash);
        const isTwin = [...ids.values()].includes(id);
        ids.set(folder, isTwin ? clashingId({ owner, name, folder }, ports.hash) : id);
        return ids.get(folder) ?? id;
      };
      const first = readServers(subject, { known, idOf: plainIdOf, now });
      const taken = await discoveryStore.taken([...ids.values()].filter((id) => !ours.has(id)));
      const idOf = (folder: string): string => {
        const id = plainIdOf(folder);
        return taken.has(id) ? clashingId({ owner, name, folder }, ports.hash) : id;
      };
      const servers = taken.size === 0 ? first : readServers(subject, { known, idOf, now });
      const folders = new Set(servers.map(({ finding }) => finding.folder));
      const gone =
        subject.depth === 'deep'
          ? known
              .filter(({ finding }) => !folders.has(finding.folder))
              .map((found) => withoutTrust(found, 'its repository does not hold it any more', now))
          : [];
      await discoveryStore.save([...servers, ...gone]);
      return servers;
    }, signal);

  const verify = async (servers: Found[], subject: ReadSubject, signal: AbortSignal): Promise<Found[]> => {
    const verified: Found[] = [];
    for (const found of servers)
      verified.push(
        await verifiedServer(found, { ports, registryNames: subject.entries.map((e) => e.name), signal }),
      );
    await discoveryStore.save(verified);
    return verified;
  };

  const read: RepositoryReader['read'] = ({ repository, identity, entries, depth }, signal) =>
    (depth === 'deep' ? deepSlots : shallowSlots).use(async () => {
      const files = repository ? await readFiles(repository, depth, signal) : new Map<string, string>();
      const about =
        repository && depth === 'deep' ? await entriesAbout(repository, entries, ports, signal) : entries;
      const claimedNames = claimedNamesIn(files);
      const ours = repository
        ? about.filter((entry) => speaksFor(entry, { repository, claimedNames }))
        : about;
      const subject: ReadSubject = { repository, identity, entries: ours, files, depth };
      const servers = await store(subject, signal);
      return depth === 'deep' ? verify(servers, subject, signal) : servers;
    }, signal);

  return {
    read,
    async verifyAgain(found, signal) {
      const registryNames = found.finding.registry_name === null ? [] : [found.finding.registry_name];
      const verified = await verifiedServer(found, { ports, registryNames, signal });
      await discoveryStore.save([verified]);
      return verified;
    },
  };
}

/** By the host's number where we have it: the name alone may have gone to somebody else. */
async function knownServers(
  { repository, identity, entries }: ReadSubject,
  discoveryStore: DiscoveryStore,
): Promise<Found[]> {
  if (identity.key === null) return discoveryStore.ofRegistryNames(entries.map(({ name }) => name));
  return discoveryStore.ofRepositories({
    hostIds: repository ? [repository.host_id] : [],
    keys: [identity.key],
  });
}

/** Null where the listing cannot be had now: the names that can be guessed must do. */
async function listedFiles(
  repository: CodeRepository,
  { codeHost, logger }: RepositoryReaderPorts,
  signal: AbortSignal,
): Promise<string[] | null> {
  try {
    const tree = await codeHost.tree(repository, signal);
    return tree && filesToRead(tree.paths).slice(0, maxFiles);
  } catch (error) {
    if (!(error instanceof CodeHostError)) throw error;
    logger.debug(
      { repository: repository.full_name, err: error },
      'the files of a repository are not listed',
    );
    return null;
  }
}

/** The registry searches in names only: by the repository's name, and by its owner's where that finds nothing. */
async function entriesAbout(
  repository: CodeRepository,
  given: readonly RegistryEntry[],
  { mcpRegistry, logger }: RepositoryReaderPorts,
  signal: AbortSignal,
): Promise<readonly RegistryEntry[]> {
  const found = new Map(given.map((entry) => [entry.name, entry]));
  try {
    for (const text of [repository.name, `${repository.owner}/`]) {
      const { entries } = await mcpRegistry.search(text, { limit: registryHits, signal });
      for (const entry of entries) if (isAbout(entry, repository.full_name)) found.set(entry.name, entry);
      if (found.size > 0) break;
    }
  } catch (error) {
    if (!(error instanceof McpRegistryError)) throw error;
    logger.debug({ repository: repository.full_name, err: error }, 'the MCP registry was not asked');
  }
  return [...found.values()];
}

interface VerifyContext {
  ports: RepositoryReaderPorts;
  registryNames: readonly string[];
  signal: AbortSignal;
}

/** Verified recipes come before the others of their rank: the order of inference stays otherwise. */
async function verifiedServer(
  { server, finding }: Found,
  { ports, registryNames, signal }: VerifyContext,
): Promise<Found> {
  const isFormerName = async (key: string): Promise<boolean> => {
    const name = githubNameOf(key);
    if (name === null || finding.host_id === null) return false;
    const repository = await ports.codeHost.repository(name, signal).catch((error: unknown) => {
      if (error instanceof CodeHostError) return null;
      throw error;
    });
    return repository?.host_id === finding.host_id;
  };
  const launch = await Promise.all(
    server.launch.map(async (recipe, index) => {
      const fresh = { ...recipe, evidence: recipe.evidence.filter(({ from }) => from !== 'verification') };
      if (index >= maxVerified) return fresh;
      return verifyRecipe(fresh, {
        packageRegistry: ports.packageRegistry,
        repositoryKey: finding.repository_key ?? '',
        registryNames,
        isFormerName,
        signal,
      });
    }),
  );
  return {
    server: { ...server, launch: bestFirst(launch) },
    finding: { ...finding, verified_at: new Date(ports.clock.now()) },
  };
}

/** What can be deployed and is verified first; else as inference ranked it. */
const bestFirst = <Recipe extends { verified: boolean | null; deployable: boolean }>(
  recipes: readonly Recipe[],
): Recipe[] => {
  const rank = (recipe: Recipe): number => (recipe.deployable && recipe.verified === true ? 0 : 1);
  return recipes.toSorted((one, other) => rank(one) - rank(other));
};

/** The repository as it was when it was last seen, for when its host does not answer. */
export function rememberedRepository({ server, finding }: Found): CodeRepository | null {
  const { repository_key: key, host_id: hostId, default_branch: branch } = finding;
  const [owner = '', name = ''] = (key === null ? null : githubNameOf(key))?.split('/') ?? [];
  if (hostId === null || branch === null || name === '') return null;
  return {
    host_id: hostId,
    full_name: `${owner}/${name}`,
    owner: finding.author ?? owner,
    name,
    html_url: finding.github_url ?? `https://github.com/${owner}/${name}`,
    description: server.description,
    homepage: null,
    default_branch: branch,
    stars: finding.stars ?? 0,
    language: finding.language,
    topics: finding.topics,
    archived: finding.archived,
    fork: finding.fork,
    pushed_at: finding.pushed_at,
  };
}
