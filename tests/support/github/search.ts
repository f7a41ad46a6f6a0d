// The search of the stand-in for GitHub: its qualifiers, as far as we use them, and what it refuses.
import type { CodeRepository } from '@insightloop/core';

/** Why GitHub would answer 422, in its own words. */
export class RefusedQuery extends Error {
  override readonly name = 'RefusedQuery';
}

interface Qualifier {
  key: string;
  value: string;
  negated: boolean;
}

const pattern = /(-?)\b(language|stars|pushed|archived|fork|topic|user|org|repo|in):("[^"]*"|\S+)/g;
const maxLength = 256;
const maxOperators = 5;
export const maxResults = 1000;

/** Languages that the stand-in knows; another is one that GitHub does not know. */
const languages = new Set(
  (
    'c c# c++ clojure dart dockerfile elixir f# go haskell html java javascript julia jupyter_notebook kotlin lua ' +
    'makefile nix objective-c ocaml perl php powershell python r ruby rust scala shell swift typescript vue zig'
  ).split(' '),
);

/** All that fit, in the order that was asked for. */
export function searchIn(repositories: readonly CodeRepository[], query: URLSearchParams): CodeRepository[] {
  const q = query.get('q') ?? '';
  const qualifiers = [...q.matchAll(pattern)].map(([, sign, key = '', value = '']): Qualifier => ({
    key,
    value: value.replaceAll('"', ''),
    negated: sign === '-',
  }));
  const words = wordsOf(q);
  requireTakeable(q, qualifiers, words);
  // Unless forks are asked for, there are none.
  const withForks = qualifiers.some(({ key }) => key === 'fork');
  const found = repositories.filter(
    (facts) =>
      (withForks || !facts.fork) &&
      words.every((word) => textOf(facts).includes(word)) &&
      qualifiers.every((qualifier) => fits(facts, qualifier) !== qualifier.negated),
  );
  const byStars = found.toSorted((a, b) => b.stars - a.stars || (a.full_name < b.full_name ? -1 : 1));
  return query.get('order') === 'asc' ? byStars.reverse() : byStars;
}

const wordsOf = (q: string): string[] =>
  q
    .replace(pattern, ' ')
    .replace(/(?<!\S)(?:AND|OR|NOT)(?!\S)/g, ' ')
    .replaceAll('"', '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');

const textOf = ({ full_name, description, topics }: CodeRepository): string =>
  [full_name, description ?? '', ...topics].join(' ').toLowerCase();

function requireTakeable(q: string, qualifiers: readonly Qualifier[], words: readonly string[]): void {
  if (words.length === 0 && qualifiers.length === 0) throw new RefusedQuery('missing');
  if (words.join(' ').length > maxLength) throw new RefusedQuery('The search is longer than 256 characters.');
  const operators = q.match(/(?<!\S)(?:AND|OR|NOT)(?!\S)/g)?.length ?? 0;
  if (operators > maxOperators) throw new RefusedQuery('More than five AND / OR / NOT operators were used.');
  for (const { key, value } of qualifiers) {
    if (key === 'language' && !languages.has(value.toLowerCase().replaceAll(' ', '_')))
      throw new RefusedQuery(`The language ${value} is not known.`);
    if (key === 'stars' && !/^(?:[<>]=?)?\d+$/.test(value))
      throw new RefusedQuery(`"${value}" is no number of stars.`);
    if (key === 'pushed' && Number.isNaN(Date.parse(value.replace(/^[<>]=?/, ''))))
      throw new RefusedQuery(`"${value}" is not a recognized date/time format.`);
  }
}

function fits(facts: CodeRepository, { key, value }: Qualifier): boolean {
  switch (key) {
    case 'language':
      return facts.language?.toLowerCase() === value.toLowerCase();
    case 'stars':
      return compares(facts.stars, value, Number);
    case 'pushed':
      return facts.pushed_at !== null && compares(facts.pushed_at.getTime(), value, Date.parse);
    case 'archived':
      return facts.archived === (value === 'true');
    case 'fork':
      return value === 'only' ? facts.fork : value === 'true' || !facts.fork;
    case 'topic':
      return facts.topics.includes(value.toLowerCase());
    case 'user':
    case 'org':
      return facts.owner.toLowerCase() === value.toLowerCase();
    case 'repo':
      return facts.full_name.toLowerCase() === value.toLowerCase();
    default:
      return true;
  }
}

function compares(known: number, text: string, read: (text: string) => number): boolean {
  const [, sign = '', rest = ''] = /^([<>]=?)?(.*)$/.exec(text) ?? [];
  const value = read(rest);
  if (sign === '>=') return known >= value;
  if (sign === '>') return known > value;
  if (sign === '<=') return known <= value;
  return sign === '<' ? known < value : known === value;
}
