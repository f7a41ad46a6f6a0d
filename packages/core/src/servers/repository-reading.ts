// From a repository to the servers that it holds: its files read, its recipes inferred, what was known before kept.
import type { CodeRepository } from './code-host.ts';
import type { Found } from './discovery-store.ts';
import { emptyFinding, type Finding } from './finding.ts';
import {
  inferLaunch,
  type Inference,
  type InferredRecipe,
  type InferredServer,
  type SubServer,
} from './inference/index.ts';
import { launchRecipeInput, type LaunchRecipe } from './launch-recipe.ts';
import type { RegistryEntry } from './mcp-registry.ts';
import { keyOfFullName } from './repository-key.ts';
import { madeStorable, madeStorableDeep } from './storable-text.ts';

/** What is read of a repository, or of a registry's entry that stands for one. */
export interface ReadSubject {
  repository: CodeRepository | null;
  /** `key` is null for an entry of the registry that speaks for no repository. */
  identity: { owner: string; name: string; key: string | null };
  /** Entries of the official registry that speak for it. */
  entries: readonly RegistryEntry[];
  files: ReadonlyMap<string, string>;
  depth: Finding['depth'];
}

export interface ReadContext {
  /** What the store holds of the same repository. */
  known: readonly Found[];
  /** The id of the server in a folder, empty for the repository itself. */
  idOf: (folder: string) => string;
  now: Date;
}

/** Longer READMEs are kept cut; inference has read all that was fetched. */
const keptReadme = 512 * 1024;
const maxRecipes = 30;
const maxSubServers = 100;
const maxTools = 500;

/** The repository's own server first, then those of its folders. */
export function readServers(subject: ReadSubject, context: ReadContext): Found[] {
  const { repository, identity, entries, files } = subject;
  const [entry] = entries;
  const fullName = repository?.full_name ?? `${identity.owner}/${identity.name}`;
  const inference = inferLaunch({
    repository: {
      full_name: fullName,
      description: repository?.description ?? entry?.description ?? null,
      topics: repository?.topics ?? [],
      archived: repository?.archived ?? false,
      fork: repository?.fork ?? false,
    },
    files,
    registry: entries.map(({ server_json }) => server_json),
  });
  const subServers = inference.sub_servers.slice(0, maxSubServers);
  const root = builtServer({ subject, context, inference, inferred: inference, part: null });
  const parts = subServers.map((part) => ({
    id: context.idOf(part.path),
    name: madeStorable(part.name),
    path: part.path,
  }));
  const before = context.known.find(({ finding }) => finding.folder === '')?.finding.sub_servers ?? [];
  // Only who has seen all files can say that there are none.
  root.finding.sub_servers = parts.length > 0 || subject.depth === 'deep' ? parts : before;
  return [
    root,
    ...subServers.map((part) => builtServer({ subject, context, inference, inferred: part, part })),
  ].map((found) => madeStorableDeep(found));
}

interface BuildParts {
  subject: ReadSubject;
  context: ReadContext;
  inference: Inference;
  inferred: InferredServer;
  /** Null for the repository itself. */
  part: SubServer | null;
}

function builtServer({ subject, context, inference, inferred, part }: BuildParts): Found {
  const { repository, identity, entries, files, depth } = subject;
  const { now } = context;
  const folder = part?.path ?? '';
  const id = context.idOf(folder);
  const known = context.known.find(({ finding }) => finding.folder === folder) ?? null;
  const ownEntry = entryOf(entries, folder);
  const recipes = inferred.recipes
    .slice(0, maxRecipes)
    .flatMap((recipe) => storedRecipe(recipe, { blockers: inferred.blockers, known }));
  const base = known?.finding ?? emptyFinding(id, now);
  return {
    server: {
      id,
      name: nameOf({ subject, part, ownEntry }).slice(0, 200),
      description:
        (part ? part.description : (repository?.description ?? ownEntry?.description))?.slice(0, 10_000) ??
        null,
      kind: part ? 'server' : inference.kind,
      source: 'discovered',
      launch: recipes,
      created_at: known?.server.created_at ?? now,
      updated_at: now,
    },
    finding: {
      ...base,
      server_id: id,
      folder,
      registry_name: ownEntry?.name ?? null,
      author: repository?.owner ?? identity.owner,
      repository_key: identity.key,
      github_url: base.github_url ?? githubUrlOf(identity),
      archived_note: inference.archived_note,
      readme: readmeIn(files, folder)?.slice(0, keptReadme) ?? base.readme,
      documented_tools: inferred.documented_tools.slice(0, maxTools).map((name) => name.slice(0, 200)),
      default_port: inferred.default_port,
      transports: inferred.transports,
      manual: inferred.manual.slice(0, maxRecipes),
      blockers: inferred.blockers,
      kind_evidence: part ? [] : inference.kind_evidence.slice(0, 50),
      sub_servers: [],
      seen_at: now,
      depth,
      read_at: now,
      verified_at: base.verified_at,
      ...(repository && repositoryFields(repository, folder)),
    },
  };
}

/** What is left of a server that nobody vouches for any more: its packages may be somebody else's by now. */
export const withoutTrust = ({ server, finding }: Found, reason: string, now: Date): Found => ({
  server: {
    ...server,
    updated_at: now,
    launch: server.launch.map((recipe) => ({
      ...recipe,
      verified: false,
      verified_by: null,
      named_by_repository: false,
      integrity: null,
      evidence: [
        ...recipe.evidence.filter(({ from }) => from !== 'verification'),
        { from: 'verification', detail: reason },
      ],
    })),
  },
  finding: { ...finding, archived_note: reason, depth: 'deep', seen_at: now, read_at: now, verified_at: now },
});

/** What the code host says of a repository, as far as a finding keeps it. */
export const repositoryFields = (repository: CodeRepository, folder: string): Partial<Finding> =>
  madeStorableDeep({
    repository_key: keyOfFullName(repository.full_name),
    host_id: repository.host_id,
    author: repository.owner,
    github_url:
      folder === ''
        ? repository.html_url
        : `${repository.html_url}/tree/${repository.default_branch}/${folder}`,
    default_branch: repository.default_branch,
    stars: repository.stars,
    language: repository.language,
    topics: repository.topics.slice(0, 100),
    archived: repository.archived,
    fork: repository.fork,
    pushed_at: repository.pushed_at,
  });

const githubUrlOf = ({ owner, name, key }: ReadSubject['identity']): string | null =>
  key?.startsWith('github.com/') ? `https://github.com/${owner}/${name}` : null;

interface NameParts {
  subject: ReadSubject;
  part: SubServer | null;
  ownEntry: RegistryEntry | null;
}

function nameOf({ subject, part, ownEntry }: NameParts): string {
  const { repository } = subject;
  if (part) return part.name;
  return ownEntry?.title ?? repository?.name ?? subject.identity.name;
}

/** The entry for this folder; for the repository itself any entry that names no folder. */
const entryOf = (entries: readonly RegistryEntry[], folder: string): RegistryEntry | null =>
  entries.find(({ subfolder }) => (subfolder ?? '').replace(/^\.?\/+|\/+$/g, '') === folder) ?? null;

function readmeIn(files: ReadonlyMap<string, string>, folder: string): string | null {
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const [path, text] of files)
    if (path.startsWith(prefix) && /^readme(?:\.(?:md|markdown|rst|txt))?$/i.test(path.slice(prefix.length)))
      return text;
  return null;
}

/** Rules of a registered recipe hold for an inferred one as well: what breaks them is no recipe. */
function storedRecipe(
  inferred: InferredRecipe,
  { blockers, known }: { blockers: readonly string[]; known: Found | null },
): LaunchRecipe[] {
  const { evidence, named_by_repository, mounts, blockers: own, ...fields } = inferred;
  const parsed = launchRecipeInput.safeParse(madeStorableDeep(fields));
  if (!parsed.success) return [];
  const all = [...new Set([...own, ...blockers])];
  const recipe: LaunchRecipe = {
    ...parsed.data,
    transport: inferred.transport,
    verified: null,
    verified_by: null,
    named_by_repository,
    integrity: null,
    deployable: all.length === 0,
    blockers: all,
    mounts,
    evidence: evidence.slice(0, 20),
  };
  return [withKnownVerification(recipe, known)];
}

/** What was verified stays so until it is looked at again, as long as the files still ask for the same. */
function withKnownVerification(recipe: LaunchRecipe, known: Found | null): LaunchRecipe {
  const same = known?.server.launch.find(
    (before) =>
      before.method === recipe.method &&
      before.identifier === recipe.identifier &&
      before.verified === true &&
      before.named_by_repository === recipe.named_by_repository &&
      (recipe.version === null || before.version === recipe.version),
  );
  if (!same) return recipe;
  const { version, verified, verified_by, integrity } = same;
  return { ...recipe, version, verified, verified_by, integrity };
}
