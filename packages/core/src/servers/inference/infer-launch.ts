// Inference: from the files of a repository to what it is and how it is started. Pure; nothing is fetched or run.
import { serverBlockers } from './blockers.ts';
import { sortSightings } from './candidates.ts';
import { documentedTools } from './documented-tools.ts';
import { environmentVariables, gather, type Gathered, type SourceFile } from './gathering.ts';
import {
  type Inference,
  type InferenceInput,
  type InferredServer,
  type ManualRecipe,
  type RepositoryFacts,
  type RepositoryKind,
  type SubServer,
} from './inference.ts';
import { archivedNote, judgeKind } from './kind.ts';
import { bestManual } from './manual-ways.ts';
import { filesOf, ownNames, type OwnNames } from './package-origin.ts';
import { endpointPort, spokenTransports } from './ports.ts';
import { contradictedNames } from './contradictions.ts';
import { type Group, rankGroups } from './ranking.ts';
import { buildRecipes } from './recipes.ts';
import { prose } from './reading.ts';
import { declaredPorts, isForeignContainer } from './container-ports.ts';
import { identityOf } from './relatedness.ts';
import { type Source } from './sighting.ts';
import { filesBelow, type ServerFolder, serverFolders } from './sub-servers.ts';

/** What one set of files amounts to, and what the verdict on the kind needs of it. */
interface Judged {
  server: InferredServer;
  gathered: Gathered;
  groups: Group[];
  foreign: number;
}

/**
 * What a repository is and how it is started, best way first, each with its evidence. Never throws on the content of
 * files, and takes time linear in their size.
 */
export function inferLaunch(input: InferenceInput): Inference {
  const { repository } = input;
  const files = filesOf(input);
  const names = ownNames(input, files);
  const folders = serverFolders(files);
  const subServers = folders.map((folder) =>
    subServer(folder, filesBelow(files, folder.path), { names, repository }),
  );
  const inFolders = files.filter(({ path }) => folders.some((folder) => path.startsWith(`${folder.path}/`)));
  const judged = judge(
    files.filter((file) => !inFolders.includes(file)),
    {
      names,
      registry: input.registry ?? [],
      fullName: repository.full_name,
      monorepo: folders.length > 0,
    },
  );
  const { server, gathered, groups, foreign } = judged;
  const verdict = judgeKind({
    repository,
    readme: gathered.readme,
    manifests: gathered.manifests,
    registered: gathered.documents.length > 0,
    own_recipe: groups.some(({ candidates }) =>
      candidates.some(({ sighting }) => isDocumented(sighting.source)),
    ),
    documented_tools: server.documented_tools.length,
    sub_servers: subServers.length,
    startable: server.best !== 'none',
    foreign_servers: foreign,
  });
  const startable = verdict.kind === 'server' || verdict.kind === 'gateway';
  const reason = whyNot(repository, startable ? null : verdict.kind);
  return {
    ...(reason === null ? server : withoutRecipes(server, reason)),
    kind: verdict.kind,
    kind_evidence: verdict.evidence,
    archived_note: archivedNote(repository, gathered.readme),
    sub_servers: verdict.kind === 'server' ? subServers.filter(({ best }) => best !== 'none') : [],
    withheld_recipes: startable ? [] : server.recipes,
  };
}

const isDocumented = (source: Source): boolean =>
  source !== 'manifest' && source !== 'prose' && source !== 'install';

function whyNot(
  { fork, readme_unchanged: unchanged }: RepositoryFacts,
  kind: RepositoryKind | null,
): string | null {
  if (fork === true && unchanged === true)
    return 'the fork’s README is the original’s: its recipes start the original';
  return kind === null ? null : `it is no server, but of the kind "${kind}"`;
}

function subServer(
  { path, name }: ServerFolder,
  files: readonly SourceFile[],
  { names, repository }: { names: OwnNames; repository: RepositoryFacts },
): SubServer {
  const [owner = ''] = repository.full_name.split('/', 1);
  const { server, gathered } = judge(files, {
    names,
    registry: [],
    fullName: `${owner}/${name}`,
    monorepo: false,
  });
  const described = gathered.manifests[0]?.description ?? gathered.documents[0]?.description ?? null;
  return { ...server, path, name, description: described === null ? null : prose(described) };
}

const withoutRecipes = (server: InferredServer, reason: string): InferredServer => ({
  ...server,
  recipes: [],
  best: server.manual.length > 0 ? 'manual' : 'none',
  blockers: [reason, ...server.blockers],
});

interface Scope {
  names: OwnNames;
  registry: readonly unknown[];
  fullName: string;
  monorepo: boolean;
}

function judge(files: readonly SourceFile[], { names, registry, fullName, monorepo }: Scope): Judged {
  const gathered = gather(files, registry);
  const { manifests, documents, sightings } = gathered;
  const identity = identityOf(
    fullName,
    manifests.filter(({ private: hidden }) => !hidden),
    namesOf(gathered),
  );
  const sorted = sortSightings(sightings, identity, {
    manifests,
    described: [...gathered.documented, ...gathered.configured, ...environmentVariables(gathered)],
  });
  const contradicted = contradictedNames(gathered, sorted.candidates);
  const groups = rankGroups(sorted.candidates, {
    identity,
    linked: gathered.linked,
    contradicted,
    published: new Set(
      manifests.flatMap(({ name, publishes }) => (name !== null && publishes ? [name.toLowerCase()] : [])),
    ),
  });
  const manual = bestManual(sorted.manual, identity);
  const usable = groups.filter(
    (group) =>
      (group.score > 0 || group.candidates[0]?.method === 'remote') && (!monorepo || isOfRoot(group)),
  );
  const { recipes, variables, sets } = buildRecipes(preferred(usable, manual, gathered), {
    names,
    contradicted,
    gathered,
    tokens: identity.tokens,
  });
  const transports = spokenTransports(gathered.readme, [
    ...sightings,
    ...documents.flatMap((document) => document.sightings),
  ]);
  for (const { transport } of recipes) transports.add(transport);
  // A client that starts a command speaks to it over its standard input and output.
  if (manual.some(({ evidence }) => evidence.some(({ detail }) => detail.startsWith('configuration'))))
    transports.add('stdio');
  const blockers = serverBlockers(gathered, sorted, fullName);
  if (recipes.length === 0 && manual.length > 0)
    blockers.unshift('nothing is published that could be started: it has to be built first');
  else if (recipes.length > 0 && recipes.every(({ method }) => method === 'remote'))
    blockers.unshift('runs elsewhere only: there is nothing to deploy');
  return {
    gathered,
    groups: usable,
    foreign: sorted.foreign.size,
    server: {
      recipes,
      manual,
      best: recipes.length > 0 ? 'recipe' : manual.length > 0 ? 'manual' : 'none',
      env: variables.map(
        ({ explicit: _explicit, asked: _asked, contested: _contested, ...variable }) => variable,
      ),
      required_env_any_of: sets,
      documented_tools: documentedTools(gathered.readme),
      default_port: endpointPort(gathered.readme, sightings, {
        variables,
        examples: gathered.examples,
        declared: transports.size === 1 && transports.has('stdio') ? [] : declaredPorts(files, identity),
        isForeign: (words) => isForeignContainer(words, identity),
      }),
      transports: [...transports],
      blockers,
    },
  };
}

/** The root of a monorepo shows examples of its servers; its own is what it registers, or hosts. */
const isOfRoot = ({ candidates }: Group): boolean =>
  candidates.some(
    ({ method, sighting: { source, file } }) =>
      source === 'registry' || source === 'server.json' || (method === 'remote' && /readme/i.test(file)),
  );

/** Names that server.json gives the server and its packages. */
const namesOf = ({ documents }: Gathered): string[] =>
  documents.flatMap(({ sightings }) =>
    sightings.flatMap(({ words }) => (words.length > 0 ? [words.at(-1) ?? ''] : [])),
  );

/** A manifest alone is no publication: where people are only told to build, that is the way. */
function preferred(
  groups: readonly Group[],
  manual: readonly ManualRecipe[],
  { linked, manifests }: Gathered,
): Group[] {
  const built = manual.some(
    ({ via }) => via === 'source' || via === 'go' || via === 'cargo' || via === 'python',
  );
  return groups.filter(({ candidates }) => {
    const [first] = candidates;
    if (!first || candidates.some(({ sighting }) => sighting.source !== 'manifest')) return true;
    if (linked.has(`${first.method} ${first.identifier.toLowerCase()}`)) return true;
    const manifest = manifests.find(({ name }) => name?.toLowerCase() === first.identifier.toLowerCase());
    return !built && (manifest?.publishes === true || groups.length === 1);
  });
}
