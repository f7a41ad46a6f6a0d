// The variables of a server, merged by name from everything that mentions them, and what is required of them.
import { type LaunchRecipeInput } from '../launch-recipe.ts';
import { isCredentialUrl, isPlaceholder } from './placeholders.ts';
import { prose } from './reading.ts';
import { type Sighting, type Source, type VariableMention } from './sighting.ts';
import { isForeignVariable, isSecretName } from './variable-names.ts';

export type RecipeVariable = LaunchRecipeInput['env'][number];

/** A mention and how much its author is believed: lower is better. */
interface Weighed {
  mention: VariableMention;
  rank: number;
}

export interface VariableSources {
  sightings: readonly Sighting[];
  /** Files made for machines: extensions, bundles, Smithery. */
  configured: readonly VariableMention[];
  documented: readonly VariableMention[];
  /** From `.env.example`. */
  examples: readonly VariableMention[];
  /** Words that tell the repository from others. */
  tokens: readonly string[];
}

export interface MergedVariable extends RecipeVariable {
  /** Somebody said so, rather than our counting. */
  explicit: boolean;
  /** Every example leaves it to the reader to fill in. */
  asked: boolean;
  /** One source says that it is required and another that it is not. */
  contested: boolean;
}

const ranks: Readonly<Record<Source, number>> = {
  registry: 0,
  'server.json': 1,
  configuration: 5,
  'deep-link': 5,
  shell: 6,
  install: 7,
  manifest: 7,
  prose: 8,
};

/** Ways to start it of which the counting speaks: the ones of the best recipe. */
export function mergeVariables(sources: VariableSources, best: readonly Sighting[]): MergedVariable[] {
  const weighed: Weighed[] = [
    ...sources.sightings.flatMap(({ source, variables }) =>
      variables.map((mention) => ({ mention, rank: ranks[source] })),
    ),
    ...sources.documented.map((mention) => ({ mention, rank: 2 })),
    ...configuredVariables(sources).map((mention) => ({ mention, rank: 3 })),
    ...exampleVariables(sources).map((mention) => ({ mention, rank: 4 })),
  ];
  const byName = new Map<string, Weighed[]>();
  for (const entry of weighed) {
    const { name } = entry.mention;
    if (isForeignVariable(name)) continue;
    const known = byName.get(name);
    if (known) known.push(entry);
    else if (byName.size < 400) byName.set(name, [entry]);
  }
  const everywhere = inEveryExample(best);
  return [...byName].map(([name, entries]) => mergeOne(name, entries, everywhere.get(name)));
}

/** A file for one platform does not make a name required that nothing else knows, where others know names. */
function configuredVariables({
  sightings,
  documented,
  examples,
  configured,
}: VariableSources): readonly VariableMention[] {
  const elsewhere = new Set(
    [...sightings.flatMap(({ variables }) => variables), ...documented, ...examples].map(({ name }) => name),
  );
  return configured.map((mention) =>
    mention.required === true && elsewhere.size > 0 && !elsewhere.has(mention.name)
      ? { ...mention, required: null }
      : mention,
  );
}

/** The example file counts whole where nothing declares the variables; else only what is of the same family. */
function exampleVariables({
  sightings,
  documented,
  examples,
  tokens,
}: VariableSources): readonly VariableMention[] {
  const declared = sightings.some(
    ({ source, variables }) => source === 'server.json' && variables.length > 0,
  );
  if (!declared) return examples;
  const known = new Set(
    [...sightings.flatMap(({ variables }) => variables), ...documented].map(({ name }) => prefixOf(name)),
  );
  return examples.filter(
    ({ name }) => known.has(prefixOf(name)) || tokens.some((token) => name.toLowerCase().includes(token)),
  );
}

const prefixOf = (name: string): string => name.split('_', 1)[0] ?? name;

/**
 * An example shows how the server is configured. A bare command line shows how it is named: what it needs is then
 * exported before, or comes from a file, or was left out.
 */
export const votes = ({ source, name, variables }: Sighting): boolean =>
  source === 'configuration' ||
  source === 'deep-link' ||
  (source === 'shell' && (name !== null || variables.length > 0));

/** The values of a variable that stands in every example that starts the server. */
function inEveryExample(best: readonly Sighting[]): Map<string, string[]> {
  const examples = best.filter(votes);
  const counts = new Map<string, string[]>();
  for (const { variables } of examples) {
    for (const name of new Set(variables.map((variable) => variable.name))) {
      const values = variables.flatMap((variable) =>
        variable.name === name && variable.value !== null ? [variable.value] : [],
      );
      const known = counts.get(name) ?? [];
      known.push(values[0] ?? '');
      counts.set(name, known);
    }
  }
  return new Map([...counts].filter(([, values]) => values.length === examples.length));
}

function mergeOne(
  name: string,
  entries: readonly Weighed[],
  everywhere: readonly string[] | undefined,
): MergedVariable {
  const sorted = [...entries].sort((a, b) => a.rank - b.rank).map((entry) => entry.mention);
  const marks = sorted.map(({ required }) => required);
  const said = sorted.find(({ required }) => required !== null)?.required ?? null;
  const declared = sorted.find((mention) => mention.default !== null)?.default ?? null;
  const fallback = declared !== null && !isPlaceholder(declared) ? declared : null;
  const description = sorted.find((mention) => mention.description !== null)?.description ?? null;
  const secret =
    sorted.some((mention) => mention.secret === true) || isSecretName(name) || holdsCredentials(name, sorted);
  const counted =
    (secret || !isOwnDefault(description)) &&
    (everywhere?.some((value) => asksForValue(name, value)) ?? false);
  return {
    name,
    required: fallback === null && (said ?? counted),
    secret,
    default: secret ? null : (fallback?.slice(0, 4096) ?? null),
    description: description === null ? null : prose(description, 500) || null,
    explicit: said !== null || fallback !== null,
    asked: counted,
    contested: marks.includes(true) && marks.includes(false),
  };
}

/** "Name of the default collection": what a call may say by itself. */
const isOwnDefault = (description: string | null): boolean =>
  /^(?:the |a |optional )?(?:(?:name|id|key|slug) of (?:the |a )?)?default [a-z]/i.test(description ?? '');

/** A value is a secret where an example shows a password in its address, or a token in its headers. */
const holdsCredentials = (name: string, mentions: readonly VariableMention[]): boolean =>
  mentions.some(
    ({ value }) =>
      value !== null &&
      ((/ur[il]$/i.test(name) && /:\/\/[^\s/@:]{1,200}:[^\s/@]{1,200}@/.test(value)) ||
        /\bauthorization\b.{0,20}\b(?:bearer|basic)\b|^bearer\s/i.test(value.slice(0, 500))),
  );

/** The example's value is a hole to fill, and not a switch that its author happened to set. */
function asksForValue(name: string, value: string): boolean {
  if (value === '')
    return isSecretName(name) || /(?:URL|URI|HOST|USER(?:NAME)?|ENDPOINT|DOMAIN)$/i.test(name);
  return isPlaceholder(value) || isCredentialUrl(value) || isSecretName(name) || /^https?:\/\//i.test(value);
}
