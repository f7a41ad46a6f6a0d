// Choices between credentials that a document puts into words: in sentences, lists, and tables of methods.
import { codeSpans, type MarkdownDocument, type MarkdownLine, type MarkdownTable } from './markdown.ts';
import { prose } from './reading.ts';
import { isSecretName, looksLikeVariable } from './variable-names.ts';

/** Each choice as its sets of names, known or not. */
export const spokenChoices = ({ lines, tables }: MarkdownDocument): string[][][] => [
  ...listedChoices(lines),
  ...tables.flatMap(methodTable),
  ...lines.filter(isForUsers).flatMap(({ text }) => choiceIn(text)),
];

/** How one works on the server is no matter of those who run it. */
const isForUsers = ({ headings }: MarkdownLine): boolean =>
  !headings
    .slice(-2)
    .some((heading) =>
      /\bdevelop|contribut|troubleshoot|\btest(?:s|ing)?\b|benchmark|\bevals?\b/i.test(heading),
    );

/** "| Method | Environment variable |": one way to authenticate in each row. */
function methodTable({ header, rows, headings }: MarkdownTable): string[][][] {
  const titles = header.map((cell) => prose(cell, 60));
  const column = titles.findIndex((title) => /variable|\benv\b/i.test(title));
  const way = titles.findIndex((title) =>
    /^(?:auth\w*|login|credential)?\s?(?:methods?|options?|types?|auth\w*)\b/i.test(title),
  );
  const about = /auth|credential|log ?in/i.test(`${titles[way] ?? ''} ${headings.at(-1) ?? ''}`);
  if (column === -1 || way === -1 || way === column || !about || rows.length > 8) return [];
  const sets = rows.map((cells) => codeSpans(cells[column] ?? '').filter(looksLikeVariable));
  return sets.length > 1 && sets.every((set) => set.length > 0) ? [sets] : [];
}

/** "either `A` or `B` and `C`" as sets; what stands between two names joins or parts them. */
function choiceIn(text: string): string[][][] {
  if (text.length > 1000 || /\b(?:such as|e\.g\.|for example)[ ,:]{0,3}`[A-Z]/i.test(text)) return [];
  if (!/\bor\b|\binstead of\b|\beither\b|或/i.test(text)) return [];
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
