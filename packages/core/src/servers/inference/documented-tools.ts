// The names of tools that a README documents. Hints only: the running server is the truth.
import { codeSpans, type MarkdownDocument, type MarkdownLine } from './markdown.ts';
import { stripMarks } from './reading.ts';

const toolHeading = /\btools?\b|\bavailable (?:functions|commands|operations)\b|工具|ツール/i;
const notTools =
  /inspector|built with|tooling|toolkit|install|configur|environment|disabl|develop|(?<!(?:&|and|,|\/)\s)(?:prompts?|resources?)$|flags?|filter|settings|skills?|\bheaders?\b/i;
const mostTools = 500;

/** What describes a tool, rather than being one: in a heading, before a list, as the label of an item. */
const detailWords =
  '(?:param(?:eter)?s?|arg(?:ument)?s?|inputs?|options|fields|returns?|outputs?|responses?|results?|examples?|usage|notes?|errors?|status(?:es)?|types?|requirements?|limitations?|tips?)';
const detailHeading = new RegExp(
  `^(?:(?:tool|input|output|response|return|key|common|required|optional|supported) )?(?:prompts?|resources?|${detailWords})(?: (?:format|schema|values?|fields))?$`,
  'i',
);
const detailLabel = new RegExp(
  `^[-*+•]\\s+[*_]{0,3}(?:(?:tool|input|output|response|return|required|optional) )?${detailWords}(?: \\([^()]{0,40}\\))?[*_]{0,3}(?::|$)`,
  'i',
);
const detailLead = new RegExp(
  `^[*_]{0,3}(?:(?:tool|input|output|response|return|required|optional) )?${detailWords}[*_]{0,3}:[*_]{0,3}$`,
  'i',
);

/** Words of schemas and of JSON, and names of HTTP headers: written as code, and never tools. */
const literals =
  /^(?:true|false|null|none|undefined|string|number|integer|boolean|bool|array|object|int|float|enum|json|yaml|stdio|sse|https?|required|optional|default|title|(?:readOnly|destructive|idempotent|openWorld)Hint|(?:[A-Z][a-z0-9]*-)+[A-Z][A-Za-z0-9]*)$/;

/** "The server exposes these tools:" */
const isAnnouncement = (sentence: string): boolean =>
  /\btools?\b/i.test(sentence) &&
  /\b(?:expos|provid|offer|follow|availabl|includ|implement)/i.test(sentence) &&
  !/\b(?:requir|install|need|disabl|hid|exclud)/i.test(sentence);

const isToolName = (name: string): boolean =>
  /^[A-Za-z][A-Za-z0-9]{0,40}(?:[_./-][A-Za-z0-9]{1,40}){0,12}$/.test(name) &&
  name.length <= 64 &&
  !literals.test(name);

/** Written as code any name counts; in plain text only what cannot be a word of the language. */
const isPlainToolName = (name: string): boolean =>
  isToolName(name) && (name.includes('_') || /[a-z][A-Z]/.test(name) || /^[a-z]+(?:-[a-z]+)+$/.test(name));

export function documentedTools(document: MarkdownDocument): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.size < mostTools) found.add(name);
  };
  for (const name of toolsOfTables(document)) add(name);
  const reader = new ToolReader();
  for (const line of document.lines) {
    const name = reader.read(line);
    if (name !== null) add(name);
  }
  return [...found];
}

function toolsOfTables({ tables }: MarkdownDocument): string[] {
  return tables.flatMap(({ header, rows, headings }) => {
    const inSection = inToolSection(headings);
    const column = header.findIndex((title) =>
      (inSection
        ? /^[*_`]{0,3}(?:tools?|tool name|function|command)[*_`]{0,3}$/i
        : /^[*_`]{0,3}(?:tools?|tool name|function)[*_`]{0,3}$/i
      ).test(title.trim()),
    );
    if (column === -1 && !inSection) return [];
    if (
      column === -1 &&
      /param|option|variable|flag|prompt|resource|argument|skill|header|\btype\b|status/i.test(
        header.join(' '),
      )
    )
      return [];
    return rows.flatMap((cells) =>
      (column === -1 ? cells : [cells[column] ?? '']).flatMap((cell) => nameAtStart(cell) ?? []),
    );
  });
}

/** Line by line: an item below a tool, or below the word for its parameters, is no tool. */
class ToolReader {
  /** The headings down to one that names a tool, while we are below it. */
  #titles: readonly string[] = [];
  /** The item of the first level is a tool or a label, so what is within it is not. */
  #inItem = false;
  /** A line on its own said that parameters follow. */
  #inDetails = false;

  /** Outside of a section for tools, a sentence said that they follow. */
  #announced = false;

  read({ text, headings, indent }: MarkdownLine): string | null {
    if (text.startsWith('|') || text.length > 4000) return null;
    if (!inToolSection(headings)) return this.#announcedBy(text, headings);
    this.#announced = false;
    const isHeading = /^(?:#{2,6}\s|<summary|<h[2-6])/i.test(text);
    if (isHeading) return this.#heading(text, headings);
    const [depth, title] = [this.#titles.length, this.#titles.at(-1)];
    if (depth > 0 && headings[depth - 1] === title) return null;
    this.#titles = [];
    const bullet = /^(?:[-*+•]|\d{1,3}[.)])\s+(.{1,400})/.exec(text)?.[1];
    const alone = bullet === undefined ? /^(?:\*\*|`)(.{1,200})/.exec(text)?.[0] : undefined;
    if (bullet === undefined)
      this.#inDetails = detailLead.test(text) || (this.#inDetails && alone === undefined);
    else if (detailLabel.test(text)) {
      if (indent <= 1) this.#inItem = true;
      return null;
    }
    // The next tool, where tools are written in bold.
    if (indent <= 1 && bullet?.startsWith('**')) this.#inDetails = false;
    if (indent > 1 && this.#inItem) return null;
    const item = bullet ?? alone;
    const name = item === undefined || this.#inDetails ? null : nameOfItem(item);
    if (indent <= 1) this.#inItem = name !== null;
    return name;
  }

  #announcedBy(text: string, headings: readonly string[]): string | null {
    const item = /^[-*+•]\s+(.{1,400})/.exec(text)?.[1];
    if (item === undefined) {
      this.#announced =
        text.endsWith(':') &&
        isAnnouncement(text.slice(-300)) &&
        !headings.some((title) => notTools.test(title));
      return null;
    }
    const name = this.#announced ? nameOfItem(item) : null;
    return name !== null && isPlainToolName(name) ? name : null;
  }

  /** A heading names a tool when it says nothing else, or when the name stands in it as code. */
  #heading(text: string, headings: readonly string[]): string | null {
    this.#inItem = false;
    this.#inDetails = false;
    const plain = text.replace(/^#{2,6}\s+/, '').replace(/^\d{1,3}(?:\.\d{1,3})*[.)]?\s+/, '');
    const name = nameAtStart(plain.startsWith('<') ? stripMarks(plain).trim() : plain);
    const inCode = plain.includes('`') || plain.includes('<code');
    const whole = /^\W{0,12}(?=[a-z]|\w*_)[\w./-]{2,64}\W{0,8}(?:$|[(—–:-]|\btool\b)/u.test(
      stripMarks(plain).trim(),
    );
    if (name === null || !(inCode || whole)) return null;
    // Below a tool there may be headings for its parameters, but no other tool.
    const [depth, title] = [this.#titles.length, this.#titles.at(-1)];
    if (depth > 0 && headings.length > depth && headings[depth - 1] === title) return null;
    this.#titles = headings;
    return name;
  }
}

const inToolSection = (headings: readonly string[]): boolean =>
  headings.some((heading) => toolHeading.test(heading) && !notTools.test(heading)) &&
  !detailHeading.test(headings.at(-1) ?? '') &&
  !/\bcli\b|\bcommand[- ]line\b/i.test(headings.at(-1) ?? '');

/** `(string, required)`, `: number`, `(optional)`: what stands behind the name of a parameter. */
const parameterMark =
  /^[*_`\s]{0,4}(?:\(|:|-|–|—)?\s{0,3}[*_`]{0,3}\(?(?:string|number|integer|boolean|bool|array|object|list of|enum|int|float|required|optional|default)\b(?!\s+(?:tools?|search|operations?)\b)/i;

function nameOfItem(raw: string): string | null {
  const name = nameAtStart(raw);
  if (name === null) {
    // "- **tree**": a name alone, emphasised as the others are.
    const alone = /^(?:[-*+•]\s+)?\*\*([a-z][a-z0-9]{1,40})\*\*$/.exec(raw.trim())?.[1];
    return alone !== undefined && isToolName(alone) ? alone : null;
  }
  const at = raw.indexOf(name);
  const rest = raw.slice(at + name.length).replace(/^[`*_\]]{1,6}/, '');
  // "`string` tools to set values": the name of a group.
  return /^\s{1,3}tools?\b/i.test(rest) || parameterMark.test(rest) ? null : name;
}

function nameAtStart(raw: string): string | null {
  const cell = raw.trim();
  // "Send Email (`send_email`)": the title is for people.
  const behind = /^[^`]{2,80}\(`([A-Za-z]\w{1,60}_\w{1,60})`\)$/.exec(cell);
  if (behind) return behind[1] ?? null;
  const code =
    /^(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:[^\w`*[]{1,8}\s{0,3})?(?:\*\*)?(?:(?:Tools?|Name|Tool name|ID):(?:\*\*)?\s{0,3})?[*_]{0,3}\[?`([^`]{2,80})`/i.exec(
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
