// Variables that a document describes: in tables, in lists, in prose that says what it means.
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
  return [...document.tables.flatMap(tableVariables), ...listedVariables(document.lines)];
}

function tableVariables({ header, rows, headings }: MarkdownTable): VariableMention[] {
  const titles = header.map((cell) => prose(cell, 60));
  const first = titles[0] ?? '';
  const innermost = headings.at(-1) ?? '';
  if (headings.slice(-2).some((heading) => otherPrograms.test(heading))) return [];
  const nameColumn = titles.findIndex((title) => variableHeader.test(title));
  const declared = nameColumn !== -1 && !notEnvironment.test(titles[nameColumn] ?? '');
  const named = nameHeader.test(first) && environmentHeading.test(innermost);
  if (notEnvironment.test(first) || (!declared && !named && !environmentHeading.test(innermost))) return [];
  const column = Math.max(nameColumn, 0);
  const at = (pattern: RegExp): number =>
    titles.findIndex((title, index) => index !== column && pattern.test(title));
  const required = at(/required|mandatory|必須|必填|optional\?/i);
  const fallback = at(/default|默认|既定/i);
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
    const said = prose(cells[required] ?? '', 100);
    const ends = defaultIn(`${description} ${said}`);
    return names.map((name) =>
      mention(name, {
        required:
          value.required ??
          (value.text !== null || ends !== null
            ? false
            : requiredCell(required === -1 ? null : said, description)),
        default: value.text ?? ends,
        description: description === '' ? null : description,
      }),
    );
  });
}

const isVariable = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]{1,100}$/.test(name) && (name.includes('_') || /^[A-Z][A-Z0-9]{2,}$/.test(name));

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
    )
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
  text: string | null;
  required: boolean | null;
}

function defaultOf(cell: string): DefaultCell {
  const [span] = codeSpans(cell);
  const plain = (span ?? prose(cell, 200)).replace(/^["']|["']$/g, '').trim();
  if (/^(?:required|\*required\*)$/i.test(plain)) return { text: null, required: true };
  if (/^(?:optional|empty|disabled|auto|off|""|''|\(empty\))$/i.test(plain))
    return { text: null, required: false };
  return plain === '' ||
    /^(?:-+|–|—|n\/a|\/|\*+|unset|not set|none|null|nil|undefined|\(none\)|\(unset\))$/i.test(plain) ||
    isPlaceholder(plain)
    ? { text: null, required: null }
    : { text: plain.slice(0, 500), required: null };
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
  for (const { text, headings } of lines) {
    if (
      found.length > 1000 ||
      text.startsWith('|') ||
      headings.slice(-2).some((heading) => otherPrograms.test(heading))
    )
      continue;
    if (text.length > 2000) continue;
    const item =
      /^(?:[-*+•]|\d{1,3}[.)])\s+(?:\((optional|required)\)\s*)?[*_]{0,3}`?\$?\{?([A-Za-z_][A-Za-z0-9_]{2,100})\}?(?:=[^`\s]{0,200})?`?[*_]{0,3}(.*)$/i.exec(
        text,
      );
    const name = item?.[2] ?? '';
    if (
      item &&
      looksLikeVariable(name) &&
      !isForeignVariable(name) &&
      /^\s*(?:[:(–—=-]|$|is\b|to\b|\*|`)/.test(item[3] ?? '')
    ) {
      const rest = prose(item[3] ?? '').replace(/^[\s:–—-]+/, '');
      const prefix = item[1]?.toLowerCase();
      const value = defaultIn(rest);
      found.push(
        mention(name, {
          required:
            prefix === 'optional' || value !== null ? false : prefix === 'required' ? true : requiredBy(rest),
          default: value,
          description: rest === '' ? null : rest,
        }),
      );
      continue;
    }
    if (!/environment|\benv\b|\bset\b|variable|export|api key|token|credential/i.test(text)) continue;
    for (const span of codeSpans(text)) {
      const bare = span.replace(/^\$\{?|\}$/g, '').replace(/=.*$/s, '');
      if (!looksLikeVariable(bare) || isForeignVariable(bare)) continue;
      const optional = /\boptional(?:ly)?\b|\bdefault/i.test(text);
      found.push(mention(bare, { required: optional ? false : null }));
    }
  }
  return found;
}
