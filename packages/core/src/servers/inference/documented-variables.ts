// Variables that a document describes: in tables, in lists, in prose that says what it means.
import { importedNames } from './imported-names.ts';
import { codeSpans, type MarkdownDocument, type MarkdownLine, type MarkdownTable } from './markdown.ts';
import { isPlaceholder } from './placeholders.ts';
import { prose } from './reading.ts';
import { mention, type VariableMention } from './sighting.ts';
import { isForeignVariable, looksLikeVariable } from './variable-names.ts';

const variableHeader = /variable|\benv\b|environment|变量|環境変数|variablen?/i;
const nameHeader = /^(?:name|key|setting|option|parameter|param|config(?:uration)?|flag|cli.{0,20}|field)\b/i;
const environmentHeading = /environment|\benv\b|variable|configur|setting|credential|authenticat/i;
const notEnvironment = /error|status code|enum|tool|exit code|prompt|resource|header/i;
const otherPrograms = /test|benchmark|evaluat|develop|contribut|ci\/cd|release|client[- ]side|migrat/i;

export function documentedVariables(document: MarkdownDocument): VariableMention[] {
  const imported = importedNames(document);
  return [
    ...titledVariables(document.lines),
    ...document.tables.flatMap(tableVariables),
    ...listedVariables(document.lines),
  ].filter(({ name }) => !imported.has(name));
}

/** A section about testing, development and the like: what it sets is not what a user sets. */
export const isOfOtherPrograms = (headings: readonly string[]): boolean =>
  headings.slice(-2).some((heading) => otherPrograms.test(heading));

/** A heading that is the name of a variable: what it says of it, and conditions in the words below. */
function titledVariables(lines: readonly MarkdownLine[]): VariableMention[] {
  const found: VariableMention[] = [];
  for (const { text, headings } of lines) {
    if (headings.at(-1)?.includes('_') !== true) continue;
    const [, name = '', rest = ''] =
      /^`?([A-Z][A-Z0-9_]{2,80})`?\b(.{0,200})$/.exec(headings.at(-1) ?? '') ?? [];
    if (found.length > 500 || text.length > 2000 || !looksLikeVariable(name) || isForeignVariable(name))
      continue;
    if (/^#{1,6}\s/.test(text)) {
      const required = requiredBy(prose(rest, 200));
      if (required !== null) found.push(mention(name, { required }));
    } else if (/\bonly (?:required|needed|necessary) (?:if|when|for)\b/i.test(prose(text, 2000)))
      found.push(mention(name, { required: false }));
  }
  return found;
}

function tableVariables({ header, rows, headings }: MarkdownTable): VariableMention[] {
  const titles = header.map((cell) => prose(cell, 60));
  const first = titles[0] ?? '';
  const innermost = headings.at(-1) ?? '';
  if (isOfOtherPrograms(headings)) return [];
  const nameColumn = titles.findIndex((title) => variableHeader.test(title));
  const declared = nameColumn !== -1 && !notEnvironment.test(titles[nameColumn] ?? '');
  const named = nameHeader.test(first) && environmentHeading.test(innermost);
  if (notEnvironment.test(first) || (!declared && !named && !environmentHeading.test(innermost))) return [];
  const column = Math.max(nameColumn, 0);
  const at = (pattern: RegExp): number =>
    titles.findIndex((title, index) => index !== column && pattern.test(title));
  const required = at(/required|mandatory|必須|必填|optional\?/i);
  const fallback = at(/default|默认|既定/i);
  const everyRow = requiredByTitle(innermost);
  const described = at(/descri|purpose|meaning|notes?|what|details|说明|usage/i);
  return rows.slice(0, 500).flatMap((cells): VariableMention[] => {
    const cell = cells[column] ?? '';
    const spans = codeSpans(cell);
    const names = (spans.length > 0 ? spans : [prose(cell, 150)])
      .map((span) => span.replace(/^\$\{?|\}$/g, '').replace(/=.*$/s, ''))
      .filter((name) => (declared ? isVariable(name) : looksLikeVariable(name)) && !isForeignVariable(name));
    if (names.length === 0) return [];
    const description = prose(cells[described === -1 ? cells.length - 1 : described] ?? '');
    const value = defaultOf(fallback === -1 ? '' : (cells[fallback] ?? ''));
    const mark = cells[required] ?? '';
    const said = isFootnoted(mark) ? 'see the note' : prose(mark, 100);
    const ends = defaultIn(`${description} ${said}`);
    return names.map((name) =>
      mention(name, {
        required:
          value.required ??
          (value.text !== undefined || ends !== null
            ? false
            : (requiredCell(required === -1 ? null : said, description) ??
              (required === -1 ? (value.otherwise ?? everyRow) : null))),
        default: value.text ?? ends,
        description: description === '' ? null : description,
      }),
    );
  });
}

const isVariable = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]{1,100}$/.test(name) && (name.includes('_') || /^[A-Z][A-Z0-9]{2,}$/.test(name));

/** "Yes*", "✅ †": yes, but. */
const isFootnoted = (cell: string): boolean =>
  /^(?:yes|required|true|✅|✓|✔️?|y)\s{0,3}(?:\\?\*{1,3}|†|‡|¹|²|³|<sup>.{0,20}<\/sup>|\[\^\w{1,10}\])$/iu.test(
    cell.trim().slice(0, 100),
  );

/** A title over a table or a list: "Required variables", "The following must be set:"; null where it says neither. */
function requiredByTitle(title: string): boolean | null {
  if (!/requir|mandat|must|need|optional|have to/i.test(title.slice(0, 1200))) return null;
  const words = prose(title, 300);
  if (/\boptional(?:ly)?\b|\bnot required\b/i.test(words)) {
    return /\brequired\b(?!.{0,20}\boptional)/i.test(words.replace(/\bnot required\b/gi, '')) ? null : false;
  }
  if (
    /\b(?:required|needed|mandatory|must|set) (?:for|if|when|only|by|unless|one)\b|\b(?:one|either|any) of\b|\bif you\b/i.test(
      words,
    )
  )
    return null;
  return /\b(?:required|mandatory)\b.{0,60}\b(?:variables?|settings?|configuration|credentials?|parameters?|env)\b|\b(?:variables?|settings?|credentials?|parameters?|following)\b.{0,40}\b(?:are|is) (?:required|mandatory)\b|\b(?:variables?|settings?|credentials?|following)\b.{0,40}\b(?:must|have to|need to) be (?:set|provided|defined|configured)\b|^required:?$|^(?:you )?(?:must|have to|need to) (?:provide|set|supply|define)(?: (?:the following|these)(?: \w+){0,2})?:$/i.test(
    words,
  )
    ? true
    : null;
}

function requiredCell(cell: string | null, description: string): boolean | null {
  if (cell === null) return requiredBy(description);
  if (/^(?:yes|required|true|✅|✓|✔️?|☑️?|y|是|必填|必須|mandatory)$/iu.test(cell.trim()))
    return requiredBy(description) === false ? null : true;
  if (/^(?:no\b|optional|false|❌|✗|✘|n\b|否|-|–|—|$)/iu.test(cell.trim())) return false;
  return null;
}

/** What words say: `(required)`, `optional`, `defaults to …`; null where they depend on something. */
function requiredBy(words: string): boolean | null {
  if (
    /\boptional(?:ly)?\b|可选|\bnot required\b|\bdefaults? (?:to|is|:)|\(default|\bif (?:not )?(?:set|provided|omitted|unset)\b/i.test(
      words,
    )
  )
    return false;
  if (
    /\b(?:required|needed|necessary) (?:for|if|when|only|in|by|unless|with)\b|\bonly (?:required|needed|if|when)\b|\balternative\b|\binstead\b/i.test(
      words,
    ) ||
    /\b[Rr]equires? [A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,80}\b/.test(words)
  ) {
    return null;
  }
  return /\(required\b|^\W{0,3}required\b|\b(?:is|are|always) required\b|\brequired\W{0,3}$|\bmandatory\b|\bmust be set\b|必填|必需/i.test(
    words,
  )
    ? true
    : null;
}

interface DefaultCell {
  text?: string;
  required?: boolean;
  /** What its words say, for want of a column that says it. */
  otherwise?: boolean;
}

function defaultOf(cell: string): DefaultCell {
  const [span] = codeSpans(cell);
  const raw = (span ?? prose(cell, 200)).trim();
  const plain = raw.replace(/^["']|["']$/g, '').trim();
  // In quotes it is a value; some programs have one of this name.
  if (/^\(?required\)?$/i.test(raw)) return { required: true };
  if (/^(?:optional|empty|disabled|auto|off|""|''|\(empty\)|\(optional\))$/i.test(raw))
    return { required: false };
  if (
    plain === '' ||
    /^(?:-+|–|—|n\/a|\/|\*+|unset|not set|no default|none|null|nil|undefined|\(none\)|\(unset\))$/i.test(
      plain,
    ) ||
    isPlaceholder(plain)
  ) {
    return {};
  }
  // Words about what happens without it, and no value that one could set.
  if (span === undefined && /\s/.test(plain)) return { otherwise: requiredBy(plain) ?? false };
  return { text: plain.slice(0, 500) };
}

/** "(default: 30)", "defaults to `x`": the value, where it is one word. */
function defaultIn(words: string): string | null {
  const found = /\bdefaults?(?: value)?(?: is| to|:|=)\s{0,3}["'`(]?([^\s"'`(),;]{1,120})/i
    .exec(words)?.[1]
    ?.replace(/[.。]$/, '');
  return found === undefined ||
    found === '' ||
    /^(?:the|a|an|to|is|value|your|no|none|all|when|for|if|in)$/i.test(found)
    ? null
    : found;
}

/** `- NAME: what it is`, and lines of prose that call it a variable. */
function listedVariables(lines: readonly MarkdownLine[]): VariableMention[] {
  const found: VariableMention[] = [];
  let title: boolean | null = null;
  let place: readonly string[] = [];
  // Where the item is of which an item within it may tell the default.
  let item = -1;
  for (const { text, headings, indent } of lines) {
    if (headings !== place) {
      title = requiredByTitle(headings.at(-1) ?? '');
      place = headings;
    }
    if (found.length > 1000 || text.startsWith('|') || isOfOtherPrograms(headings) || text.length > 2000)
      continue;
    const listed = listedVariable(text, title);
    if (listed) {
      item = found.push(listed) - 1;
      continue;
    }
    const told = indent > 0 ? nestedDefault(text) : undefined;
    const above = found[item];
    if (told !== undefined && above) {
      found[item] = { ...above, default: above.default ?? told, required: false };
      continue;
    }
    if (indent === 0) item = -1;
    // What is indented goes on with an item.
    if ((indent === 0 && !/^(?:[-*+•]\s|\d{1,3}[.)]\s|#)/.test(text)) || text.endsWith(':'))
      title = requiredByTitle(text);
    found.push(...spokenVariables(text));
  }
  return found;
}

/** "- Default: `30`" below the item of a variable. */
const nestedDefault = (text: string): string | undefined =>
  defaultOf(
    /^[-*+•]\s+[*_]{0,3}default(?: value)?[*_]{0,3}\s?:[*_]{0,3}\s{0,3}(.{1,300})$/i.exec(text)?.[1] ?? '',
  ).text;

function listedVariable(text: string, title: boolean | null): VariableMention | null {
  const item =
    /^(?:[-*+•]|\d{1,3}[.)])\s+(?:\((optional|required)\)\s*)?[*_]{0,3}`?\$?\{?([A-Za-z_][A-Za-z0-9_]{2,100})\}?(?:=[^`\s]{0,200})?`?[*_]{0,3}(.*)$/i.exec(
      text,
    );
  const name = item?.[2] ?? '';
  if (!item || !looksLikeVariable(name) || isForeignVariable(name)) return null;
  if (!/^\s*(?:[:(–—=-]|$|is\b|to\b|\*|`)/.test(item[3] ?? '')) return null;
  const rest = prose(item[3] ?? '').replace(/^[\s:–—-]+/, '');
  const prefix = item[1]?.toLowerCase();
  const value = defaultIn(rest);
  const depends =
    /\b(?:required|needed|necessary) (?:for|if|when|only|in|by|unless)\b|\balternative\b|\binstead\b/i;
  return mention(name, {
    required:
      prefix === 'optional' || value !== null
        ? false
        : prefix === 'required'
          ? true
          : (requiredBy(rest) ?? (depends.test(rest) ? null : title)),
    default: value,
    description: rest === '' ? null : rest,
  });
}

/** Names in a sentence; "the following are required: A, B and optionally C" says what is needed of them. */
function spokenVariables(text: string): VariableMention[] {
  if (!/environment|\benv\b|\bset\b|variable|export|api key|token|credential|required/i.test(text)) return [];
  const required = requiredSentence(text);
  const optional = /\boptional(?:ly)?\b|\bdefault/i.test(text);
  return codeSpans(text).flatMap((span) => {
    const bare = span.replace(/^\$\{?|\}$/g, '').replace(/=.*$/s, '');
    if (!looksLikeVariable(bare) || isForeignVariable(bare)) return [];
    return [mention(bare, { required: required.has(span) ? true : optional ? false : null })];
  });
}

function requiredSentence(text: string): Set<string> {
  const said =
    /\bthe following[^.:`]{0,80}\b(?:are|is|must be) (?:required|mandatory|set|provided)\s{0,2}:/i.exec(text);
  if (!said) return new Set();
  const after = text.slice(said.index + said[0].length);
  const end = /\boptional(?:ly)?\b|[.;](?:\s|$)/i.exec(after)?.index ?? after.length;
  const names = after.slice(0, end);
  return /\bor\b|\beither\b/i.test(names) ? new Set() : new Set(codeSpans(names));
}
