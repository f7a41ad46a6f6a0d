// From ranked groups to recipes: the best way of each, then the other transports, each with what it needs.
import { identifierProblem, launchRecipeInput } from '../launch-recipe.ts';
import { alternativeSets, type ShownExample } from './alternatives.ts';
import { isNamedVolume, recipeBlockers } from './blockers.ts';
import { type Candidate, evidenceOf, isAside } from './candidates.ts';
import { type MergedVariable, mergeVariables, type RecipeVariable, votes } from './environment.ts';
import { environmentVariables, type Gathered } from './gathering.ts';
import { type InferredMount, type InferredRecipe } from './inference.ts';
import { packageKey } from './contradictions.ts';
import { namedBy, type OwnNames } from './package-origin.ts';
import { type Group } from './ranking.ts';
import { keptText } from './reading.ts';
import { inputName } from './registry-documents.ts';
import { type Sighting, sighting } from './sighting.ts';
import { isSecretName } from './variable-names.ts';

export interface RecipeFacts {
  names: OwnNames;
  /** Names that the repository's other sources contradict: it does not vouch for them. */
  contradicted: ReadonlySet<string>;
  gathered: Gathered;
  tokens: readonly string[];
}

export interface BuiltRecipes {
  recipes: InferredRecipe[];
  variables: MergedVariable[];
  sets: string[][];
}

const mostRecipes = 40;

export function buildRecipes(
  groups: readonly Group[],
  { names, contradicted, gathered, tokens }: RecipeFacts,
): BuiltRecipes {
  const local = groups.filter(({ candidates }) => candidates[0]?.method !== 'remote');
  const counted = (local[0] ?? groups[0])?.candidates.filter(({ transport }) => transport === 'stdio') ?? [];
  const own = new Set(groups.flatMap(({ candidates }) => candidates.map(({ sighting }) => sighting)));
  const sightings = groups
    .flatMap(({ candidates }) => candidates)
    .map(({ sighting, variables }) => ({ ...sighting, variables }));
  // What a way that a person has to build is given, the server reads as well.
  const built = gathered.sightings.filter((sighting) => !own.has(sighting) && isOfServer(sighting.words));
  const others = built.filter(({ variables }) => variables.length > 0);
  const voting = counted.map(({ sighting, variables }) => ({ ...sighting, variables }));
  const merged = mergeVariables(
    {
      sightings: [...sightings, ...others],
      configured: gathered.configured,
      documented: gathered.documented,
      examples: environmentVariables(gathered),
      tokens,
    },
    shownConfiguration(local.length > 0 ? voting : built, counted[0], gathered),
  );
  const always = new Set(merged.filter(({ required }) => required).map(({ name }) => name));
  const sets = alternativeSets(merged, {
    readme: gathered.readme,
    // Where arguments carry what it needs, a file is only another way to give it.
    commented: takesInputs(counted[0]) ? [] : gathered.environments.flatMap(({ choices }) => choices),
    always,
    examples: voting.filter(votes).map(asShown),
    everyExample: [...sightings, ...others]
      .filter((sighting) => votes(sighting) && sighting.url === null && /readme/i.test(sighting.file))
      .map(asShown),
  });
  const inAll = (name: string): boolean => sets.every((set) => set.includes(name));
  const variables = merged.map((variable) =>
    sets.some((set) => set.includes(variable.name))
      ? { ...variable, required: variable.required && inAll(variable.name) }
      : variable,
  );
  const ways = [
    ...groups.flatMap(({ stdio, http, candidates }) => {
      const best = stdio ?? http;
      return best ? [{ best, candidates }] : [];
    }),
    ...groups.flatMap(({ stdio, http, candidates }) => (stdio && http ? [{ best: http, candidates }] : [])),
  ].slice(0, mostRecipes);
  const recipes = ways.flatMap(({ best, candidates }) => {
    const recipe = recipeOf(best, candidates, { variables, sets });
    const named = contradicted.has(packageKey(best)) ? null : namedBy(names, best);
    return recipe
      ? [
          {
            ...recipe,
            named_by_repository: named !== null,
            evidence: [...recipe.evidence, ...(named ? [named] : [])],
          },
        ]
      : [];
  });
  return { recipes, variables, sets };
}

const asShown = ({ variables, headings }: Sighting): ShownExample => ({
  names: [...new Set(variables.map(({ name }) => name))].slice(0, 400),
  headings,
});

const takesInputs = (best: Candidate | undefined): boolean =>
  best?.inputs.some(({ required }) => required) === true;

/**
 * The examples whose variables are counted. Where none of them sets any and no argument carries what is needed, they
 * are the README's blocks for `.env` and the example file, where there are both.
 */
function shownConfiguration(
  voting: readonly Sighting[],
  best: Candidate | undefined,
  { environments }: Gathered,
): readonly Sighting[] {
  if (takesInputs(best) || voting.some(({ variables }) => variables.length > 0)) return voting;
  const told = environments.filter(({ headings }) => !isAside(headings)).slice(0, 20);
  const hasBoth = told.some(({ line }) => line === 0) && told.some(({ line }) => line > 0);
  if (!hasBoth) return voting;
  return told.map(({ file, headings, line, variables, shown: plain }) =>
    sighting({
      source: 'configuration',
      file,
      headings,
      line,
      variables: variables.filter(({ name }) => plain.has(name)),
    }),
  );
}

/** A build of the server itself, and not a program that prepares one. */
const isOfServer = (words: readonly string[]): boolean =>
  /^(?:node|uv|python3?|docker|go|cargo)$/.test(words[0] ?? '') || words.length === 1;

function recipeOf(
  best: Candidate,
  candidates: readonly Candidate[],
  { variables, sets }: { variables: readonly MergedVariable[]; sets: string[][] },
): Omit<InferredRecipe, 'named_by_repository'> | null {
  const { inputs, mounts } = withMounts(best);
  const remote = best.method === 'remote';
  const env = remote ? [] : variables.map((variable) => inThisWay(variable, best)).slice(0, 200);
  const parsed = launchRecipeInput.safeParse({
    method: best.method,
    identifier: best.identifier,
    version: versionOf(best, candidates),
    package_args: best.args.map((word) => keptText(word, 4096)),
    bin: best.bin,
    transport: best.transport,
    port: best.transport === 'stdio' || remote ? null : best.port,
    env: env.map((variable) => ({
      ...variable,
      default: variable.default === null ? null : keptText(variable.default, 4096),
    })),
    required_env_any_of: remote ? [] : sets.slice(0, 50),
    inputs: inputs.slice(0, 100),
  });
  if (!parsed.success || identifierProblem(best.method, best.identifier) !== null) return null;
  const places = new Map(
    candidates.map(({ sighting }) => [`${sighting.file} ${evidenceOf(sighting)}`, sighting]),
  );
  return {
    ...parsed.data,
    transport: best.transport,
    mounts,
    blockers: recipeBlockers(best),
    evidence: [...places.values()]
      .slice(0, 10)
      .map((sighting) => ({ from: sighting.file, detail: evidenceOf(sighting) })),
  };
}

/** What the way's own example sets to make it what it is: `TRANSPORT=http`, a switch. Never a secret. */
function inThisWay(
  { explicit: _explicit, asked: _asked, contested: _contested, ...variable }: MergedVariable,
  { variables, transport }: Candidate,
): RecipeVariable {
  const value =
    variables.find((mention) => mention.name === variable.name && mention.value !== null)?.value ?? null;
  if (value === null || variable.secret || isSecretName(variable.name)) return variable;
  const isSwitch = /^(?:true|false|stdio|http|sse|streamable-http|debug|info|warn|warning|error|0|1)$/i.test(
    value,
  );
  const chooses =
    transport !== 'stdio' &&
    (isSwitch || /TRANSPORT|HOST|PORT|MODE/i.test(variable.name)) &&
    !/[<{$]/.test(value);
  return chooses ? { ...variable, default: value, required: false } : variable;
}

/**
 * A registry's entry names a version that exists; an image's tag, one that has to be there if `latest` does not.
 * What a README pins is old by the time anybody reads it.
 */
function versionOf({ method }: Candidate, candidates: readonly Candidate[]): string | null {
  const of = (source: string): string | null =>
    candidates.find(({ sighting, version }) => sighting.source === source && version !== null)?.version ??
    null;
  if (method === 'remote') return null;
  const registered = of('registry');
  if (registered !== null || method !== 'docker') return registered;
  const declared = of('server.json');
  if (declared !== null) return declared;
  const tags = new Set(candidates.map(({ version }) => version));
  const [only = null] = tags;
  return tags.size === 1 ? only : null;
}

/** A path of the host becomes an input; a named volume is the container's own matter. */
function withMounts({ inputs, mounts }: Candidate): {
  inputs: InferredRecipe['inputs'];
  mounts: InferredMount[];
} {
  const all = new Map(inputs.map((input) => [input.name, input]));
  const made: InferredMount[] = [];
  for (const { source, target, read_only } of mounts) {
    if (isNamedVolume(source) || source.endsWith('docker.sock')) continue;
    const given = /\{([\w.-]{1,100})\}/.exec(source)?.[1];
    const name =
      given === undefined
        ? inputName(target.slice(target.lastIndexOf('/') + 1).replace(/\.\w{1,6}$/, '') || 'path')
        : inputName(given);
    const file = /\.\w{1,6}$/.test(target) || /(?:config|kubeconfig)$/.test(target);
    all.set(name, {
      name,
      description: `Path on this machine, seen by the container as ${target.slice(0, 400)}`,
      kind: file ? 'file' : 'directory',
      required: true,
      default: null,
      repeatable: false,
    });
    made.push({
      input: name,
      target: target.slice(0, 400).replace(/\{[^{}]{0,100}\}|\$\{?\w{1,100}\}?/g, ''),
      read_only,
    });
  }
  return { inputs: [...all.values()], mounts: made };
}
