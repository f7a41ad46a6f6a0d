// The names of tools that a README documents. Hints only: the running server is the truth.
import { codeSpans, type MarkdownDocument } from './markdown.ts';
import { stripMarks } from './reading.ts';

const toolHeading = /\btools?\b|\bavailable (?:functions|commands|operations)\b|工具|ツール/i;
const notTools =
  /inspector|built with|tooling|toolkit|install|configur|environment|disabl|develop|prompts?$|resources?$|flags?|filter|settings|skills?/i;
const mostTools = 500;

const isToolName = (name: string): boolean =>
  /^[A-Za-z][A-Za-z0-9]{0,40}(?:[_./-][A-Za-z0-9]{1,40}){0,12}$/.test(name) && name.length <= 64;

/** Written as code any name counts; in plain text only what cannot be a word of the language. */
const isPlainToolName = (name: string): boolean =>
  isToolName(name) && (name.includes('_') || /[a-z][A-Z]/.test(name) || /^[a-z]+(?:-[a-z]+)+$/.test(name));

export function documentedTools(document: MarkdownDocument): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.size < mostTools) found.add(name);
  };
  for (const { header, rows, headings } of document.tables) {
    const column = header.findIndex((title) =>
      /^[*_`]{0,3}(?:tools?|tool name|function|command)[*_`]{0,3}$/i.test(title.trim()),
    );
    if (column === -1 && !inToolSection(headings)) continue;
    if (column === -1 && /param|option|variable|flag|prompt|resource|argument|skill/i.test(header.join(' ')))
      continue;
    for (const cells of rows) {
      for (const cell of column === -1 ? cells : [cells[column] ?? '']) {
        const name = nameAtStart(cell);
        if (name !== null) add(name);
      }
    }
  }
  // An item within a tool's item is one of its parameters; one within a category's may be a tool.
  let inTool = false;
  for (const { text, headings, indent } of document.lines) {
    if (text.startsWith('|') || text.length > 4000 || !inToolSection(headings)) continue;
    if (indent > 1 && inTool) continue;
    const item =
      /^(?:[-*+•]|\d{1,3}[.)]|#{2,6})\s+(.{1,400})$/.exec(text)?.[1] ??
      /^(?:<summary>|\*\*|`)(.{1,200})/.exec(text)?.[0];
    const name = item === undefined ? null : nameAtStart(item);
    if (indent <= 1) inTool = name !== null;
    if (name !== null) add(name);
  }
  return [...found];
}

const inToolSection = (headings: readonly string[]): boolean =>
  headings.some((heading) => toolHeading.test(heading) && !notTools.test(heading)) &&
  !/^(?:prompts?|resources?|parameters?|inputs?|examples?)$/i.test(headings.at(-1) ?? '');

function nameAtStart(raw: string): string | null {
  const cell = raw.trim();
  // "Send Email (`send_email`)": the title is for people.
  const behind = /^[^`]{2,80}\(`([A-Za-z]\w{1,60}_\w{1,60})`\)$/.exec(cell);
  if (behind) return behind[1] ?? null;
  const code =
    /^(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:[^\w`*[]{1,8}\s{0,3})?(?:\*\*)?(?:Tools?:\s{0,3})?[*_]{0,3}\[?`([^`]{2,80})`/.exec(
      cell,
    );
  if (code) {
    const [name = ''] = (codeSpans(cell)[0] ?? '').split('(', 1);
    return isToolName(name) ? name : null;
  }
  const [plain = ''] = stripMarks(cell.slice(0, 300))
    .replace(/^[^\w]{0,8}\s{0,3}/u, '')
    .split(/[\s:(—–]/, 1);
  return isPlainToolName(plain) ? plain : null;
}
