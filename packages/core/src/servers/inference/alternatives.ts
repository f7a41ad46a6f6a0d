// Alternative sets of credentials: either this token or that pair. They are modelled, never flattened.
import { type MergedVariable } from './environment.ts';
import { codeSpans, type MarkdownLine } from './markdown.ts';
import { looksLikeVariable, isSecretName } from './variable-names.ts';

const mostSets = 20;

/**
 * The sets of which one must be given whole, what is always required included; empty where there is no choice.
 * Three signs: words ("either `A` or `B`", "`A` instead of `B` + `C`", a list under "one of these"), and families of
 * the same shape (`X_URL, X_TOKEN` beside `Y_URL, Y_TOKEN`), each of which works without the other, and examples
 * that have nothing in common but that each has credentials.
 */
export function alternativeSets(
  lines: readonly MarkdownLine[],
  variables: readonly MergedVariable[],
  { always, examples }: { always: ReadonlySet<string>; examples: readonly (readonly string[])[] },
): string[][] {
  const known = new Map(variables.map((variable) => [variable.name, variable]));
  const spoken = [...listedChoices(lines), ...lines.flatMap(({ text }) => choiceIn(text))]
    .map((sets) => sets.map((set) => set.filter((name) => known.has(name))).filter((set) => set.length > 0))
    .filter((sets) => sets.length > 1 && sets.every((set) => set.some((name) => isCredential(name))));
  const families = familiesOf(variables.filter(({ name, asked }) => asked || always.has(name)));
  if (families.length > 1) return withSwaps(families, spoken, known);
  const open = (sets: readonly (readonly string[])[]): boolean =>
    sets.flat().some((name) => known.get(name)?.explicit !== true || known.get(name)?.required === true);
  const first =
    spoken.find(open) ??
    describedChoice(variables) ??
    [shownChoice(examples, known)].find((sets) => sets.length > 1 && open(sets));
  if (!first) return [];
  const chosen = new Set(first.flat());
  return unique(first.map((set) => [...[...always].filter((name) => !chosen.has(name)), ...set]));
}

/** "Alternative to `X`" in the description of a variable: one of both. */
function describedChoice(variables: readonly MergedVariable[]): string[][] | undefined {
  for (const { name, description } of variables) {
    const other = /\b(?:alternative to|instead of|in place of) ([A-Z][A-Z0-9_]{2,80})\b/.exec(
      description ?? '',
    )?.[1];
    const replaced = variables.find((variable) => variable.name === other);
    if (replaced && (replaced.asked || replaced.required)) return [[replaced.name], [name]];
  }
  return undefined;
}

/** The credentials of the examples, where each has some and they differ: no example works without, any works alone. */
function shownChoice(
  examples: readonly (readonly string[])[],
  known: ReadonlyMap<string, MergedVariable>,
): string[][] {
  const shown = examples.map((names) =>
    [...new Set(names)].filter((name) => known.has(name) && isCredential(name)),
  );
  const shared = new Set(shown[0]?.filter((name) => shown.every((set) => set.includes(name))));
  const own = unique(shown.map((set) => set.filter((name) => !shared.has(name))));
  const isChoice = own.length > 1 && own.every((set) => set.some(isSecretName));
  const apart = own.every((set) =>
    own.every((other) => other === set || !set.some((name) => other.includes(name))),
  );
  return isChoice && apart ? own : [];
}

const isCredential = (name: string): boolean =>
  isSecretName(name) || /(?:USER(?:NAME)?|LOGIN|EMAIL|CLIENT_ID|ACCESS_KEY_ID|CERT|URL|HOST)$/i.test(name);

/** "either `A` or `B` and `C`" as sets; what stands between two names joins or parts them. */
function choiceIn(text: string): string[][][] {
  if (text.length > 1000 || !/\bor\b|\binstead of\b|\beither\b|或/i.test(text)) return [];
  const parts = text.split('`');
  const sets: string[][] = [];
  let between = '';
  let credentials = 0;
  for (const [index, part] of parts.entries()) {
    const name = part.trim();
    if (index % 2 === 0) {
      between += part;
      continue;
    }
    if (!looksLikeVariable(name)) {
      between += part;
      continue;
    }
    credentials += isSecretName(name) ? 1 : 0;
    const last = sets.at(-1);
    if (last === undefined || /\bor\b|\binstead of\b|或|\//i.test(between)) sets.push([name]);
    else if (/^\s*(?:[,+&]|and|with|\/|和|\(|\))/i.test(between) && between.length < 40) last.push(name);
    else sets.push([name]);
    between = '';
  }
  const clean = sets.length > 1 && credentials > 0 && /\bor\b|\binstead of\b|或/i.test(text);
  return clean ? [sets] : [];
}

/** The items under "use one of these options". */
function listedChoices(lines: readonly MarkdownLine[]): string[][][] {
  const found: string[][][] = [];
  for (const [index, { text }] of lines.entries()) {
    if (
      text.length > 400 ||
      !/\b(?:one of (?:the|these)|either of|choose (?:one|either)|one of:)/i.test(text) ||
      !/auth|credential|key|token|option|variable/i.test(text)
    )
      continue;
    const sets: string[][] = [];
    for (const { text: item } of lines.slice(index + 1, index + 8)) {
      if (!/^[-*+•]\s/.test(item) || /^[-*+]\s+\(?optional/i.test(item)) break;
      const names = codeSpans(item).filter(looksLikeVariable);
      if (names.length === 0) break;
      sets.push(names);
    }
    if (sets.length > 1) found.push(sets);
  }
  return found;
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
