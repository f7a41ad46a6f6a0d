// Alternative sets of credentials: either this token or that pair. They are modelled, never flattened.
import { type MergedVariable } from './environment.ts';
import { type MarkdownDocument } from './markdown.ts';
import { spokenChoices } from './spoken-choices.ts';
import { isCredentialName, isSecretName } from './variable-names.ts';

const mostSets = 20;

/** One place that shows how to start it, and the names of the variables that it sets there. */
export interface ShownExample {
  names: readonly string[];
  headings: readonly string[];
}

export interface ChoiceSources {
  readme: MarkdownDocument;
  /** What comments in environment files tell. */
  commented: readonly (readonly string[][])[];
  always: ReadonlySet<string>;
  /** Of the best way to start it. */
  examples: readonly ShownExample[];
  /** Of every way. */
  everyExample: readonly ShownExample[];
}

/**
 * The sets of which one must be given whole, what is always required included; empty where there is no choice.
 * Signs, the surest first: families of the same shape (`X_URL, X_TOKEN` beside `Y_URL, Y_TOKEN`), each of which works
 * without the other; words ("either `A` or `B`", a list under "one of these", a table of methods, comments); a
 * description ("alternative to `X`"); examples that have nothing in common but that each has credentials.
 */
export function alternativeSets(
  variables: readonly MergedVariable[],
  { readme, commented, always, examples, everyExample }: ChoiceSources,
): string[][] {
  const known = new Map(variables.map((variable) => [variable.name, variable]));
  const credential = (name: string): boolean => isCredentialName(name) || known.get(name)?.secret === true;
  const amongKnown = (choices: readonly (readonly string[][])[]): string[][][] =>
    choices
      .map((sets) => unique(sets.map((set) => set.filter((name) => known.has(name)))))
      .filter((sets) => sets.length > 1 && sets.every((set) => set.length > 0));
  const spoken = amongKnown(spokenChoices(readme)).filter((sets) =>
    sets.every((set) => set.some(credential)),
  );
  const families = familiesOf(variables.filter(({ name, asked }) => asked || always.has(name)));
  if (families.length > 1) return withSwaps(families, spoken, known);
  const open = (sets: readonly (readonly string[])[]): boolean =>
    sets.flat().some((name) => {
      const variable = known.get(name);
      return !variable?.explicit || variable.required || variable.contested;
    });
  const stated = [...spoken, ...amongKnown(commented), describedChoice(known)].find(
    (sets) => sets.length > 1 && open(sets),
  );
  // Each option alone is optional, and documents say so; one of them is not.
  const options = optionChoice(everyExample, known);
  const shown = [options, shownChoice(examples, known), shownChoice(sameSubject(everyExample), known)].find(
    (sets) => sets.length > 1 && (sets === options || open(sets)),
  );
  const first = stated ?? shown;
  if (!first) return [];
  const chosen = new Set(first.flat());
  return unique(first.map((set) => [...[...always].filter((name) => !chosen.has(name)), ...set]));
}

/** "Alternative to `X`", "alternative to x/y" in the descriptions of variables: these, or that one. */
function describedChoice(known: ReadonlyMap<string, MergedVariable>): string[][] {
  const parts = new Map<string, string[]>();
  for (const name of known.keys())
    for (const part of new Set([name, ...name.split('_').slice(1)]))
      if (part.length > 2) parts.set(part, [...(parts.get(part) ?? []), name]);
  const replaced = new Map<string, string[]>();
  for (const { name, description } of known.values()) {
    const [, words = '', object = ''] =
      /\b(alternative to|instead of|in place of) (.{2,120})/.exec(description ?? '') ?? [];
    const names = namesIn(object, parts).filter((other) => other !== name);
    const open = names.every((other) => {
      const variable = known.get(other);
      if (words !== 'alternative to') return variable?.asked === true || variable?.required === true;
      return variable !== undefined && !(variable.explicit && !variable.required && !variable.contested);
    });
    if (names.length > 0 && open) replaced.set(name, names);
  }
  const base = new Set([...replaced.values()].flat().filter((name) => !replaced.has(name)));
  const together = new Map<string, string[]>();
  for (const [name, names] of replaced) {
    if (!names.some((other) => base.has(other))) continue;
    // A name and its password, an id and its secret are given together.
    const stem = name.replace(/_?(?:USER(?:NAME)?|LOGIN|EMAIL|PASSWORD|PASS|ID|SECRET)$/i, '');
    const key = `${stem} ${names.join()}`;
    together.set(key, [...(together.get(key) ?? []), name]);
  }
  return base.size === 0 ? [] : unique([[...base], ...together.values()]);
}

/** Whole names, or parts that only one name has: "xoxc" is `CHAT_XOXC_TOKEN`. */
function namesIn(words: string, parts: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  for (const word of words.split(/[\s,/`()]+/, 12)) {
    const plain = word.replace(/[.;:]+$/, '').toUpperCase();
    if (/^(?:|OR|AND|THE)$/.test(plain)) continue;
    const alike = parts.get(plain) ?? [];
    const exact = alike.includes(plain) ? plain : alike.length === 1 ? alike[0] : undefined;
    if (exact === undefined) break;
    found.push(exact);
    if (/[.;:]$/.test(word)) break;
  }
  return found;
}

/** The examples under "Option 1", "Option 2", where they differ in their credentials and no option shows none. */
function optionChoice(
  examples: readonly ShownExample[],
  known: ReadonlyMap<string, MergedVariable>,
): string[][] {
  const parents = new Map<string, Map<string, ShownExample[]>>();
  for (const example of examples) {
    const at = example.headings.findIndex((title) =>
      /^(?:option|method|alternative|approach|variant)\s{0,2}#?(?:\d{1,2}|[A-D])\b/i.test(title),
    );
    if (at === -1) continue;
    const parent = example.headings.slice(0, at).join('\n');
    const options = parents.get(parent) ?? new Map<string, ShownExample[]>();
    const title = example.headings[at] ?? '';
    const option = options.get(title) ?? [];
    // Another way to start the same option may leave out what the first one shows.
    if (example.names.some((name) => known.get(name)?.secret === true)) option.push(example);
    parents.set(parent, options.set(title, option));
  }
  for (const options of parents.values()) {
    const shown = [...options.values()];
    const choice = shown.every((option) => option.length > 0) ? shownChoice(shown.flat(), known) : [];
    if (choice.length > 1) return choice;
  }
  return [];
}

/** Examples of several ways, where they all set something in common: else they may be about several programs. */
function sameSubject(examples: readonly ShownExample[]): readonly ShownExample[] {
  const setting = examples.filter(({ names }) => names.length > 0);
  return inAll(setting.map(({ names }) => names)).size > 0 ? examples : [];
}

/** What every list has; none of them names anything twice. */
function inAll(lists: readonly (readonly string[])[]): Set<string> {
  const counts = new Map<string, number>();
  for (const name of lists.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Set([...counts].flatMap(([name, count]) => (count === lists.length ? [name] : [])));
}

/**
 * The credentials of the examples, where each has some and they differ: no example works without, any works alone.
 * One that shows several of the choices at once decides nothing.
 */
function shownChoice(
  examples: readonly ShownExample[],
  known: ReadonlyMap<string, MergedVariable>,
): string[][] {
  const shown = examples.map(({ names }) =>
    [...new Set(names)].filter(
      (name) => known.get(name)?.secret === true || (known.has(name) && isCredentialName(name)),
    ),
  );
  const shared = inAll(shown);
  const own = unique(shown.map((set) => set.filter((name) => !shared.has(name))));
  const least = own.filter(
    (set) => !own.some((other) => other !== set && other.every((name) => set.includes(name))),
  );
  const isChoice =
    least.length > 1 &&
    least.length < 5 &&
    least.every((set) => set.some((name) => known.get(name)?.secret === true));
  const apart = new Set(least.flat()).size === least.flat().length;
  return isChoice && apart ? least : [];
}

/** Families of required variables with the same endings. */
function familiesOf(variables: readonly MergedVariable[]): string[][] {
  const families = new Map<string, Map<string, string>>();
  for (const { name } of variables) {
    const cut = name.indexOf('_');
    if (cut === -1) continue;
    const family = families.get(name.slice(0, cut)) ?? new Map<string, string>();
    family.set(name.slice(cut + 1), name);
    families.set(name.slice(0, cut), family);
  }
  const shapes = new Map<string, string[][]>();
  for (const family of families.values()) {
    if (family.size < 2 || ![...family.values()].some(isSecretName)) continue;
    const shape = [...family.keys()].sort().join();
    shapes.set(shape, [...(shapes.get(shape) ?? []), [...family.values()]]);
  }
  return [...shapes.values()].find((alike) => alike.length > 1) ?? [];
}

/** Where words say that one name stands instead of others, each family has that way as well. */
function withSwaps(
  families: readonly string[][],
  spoken: readonly (readonly string[][])[],
  known: ReadonlyMap<string, MergedVariable>,
): string[][] {
  const sets = families.map((family) => [...family]);
  for (const family of families) {
    const prefix = family[0]?.split('_', 1)[0] ?? '';
    for (const choice of spoken) {
      const endings = choice.map((set) => set.map((name) => name.slice(name.indexOf('_') + 1)));
      const [one = [], other = []] = endings;
      for (const [given, replaced] of [
        [one, other],
        [other, one],
      ]) {
        const gone = replaced?.map((ending) => `${prefix}_${ending}`) ?? [];
        const come = given?.map((ending) => `${prefix}_${ending}`) ?? [];
        if (
          gone.length === 0 ||
          !gone.every((name) => family.includes(name)) ||
          !come.every((name) => known.has(name))
        )
          continue;
        sets.push([...family.filter((name) => !gone.includes(name)), ...come]);
      }
    }
  }
  return unique(sets);
}

function unique(sets: readonly string[][]): string[][] {
  const seen = new Map(sets.map((set) => [[...set].sort().join(), set]));
  return [...seen.values()].slice(0, mostSets);
}
