// A README as lines, code blocks and tables, each under its headings. One pass, linear in its length.
import { stripMarks } from './reading.ts';

export interface MarkdownPlace {
  /** Titles from the outermost to the innermost. */
  headings: readonly string[];
  line: number;
}

export interface MarkdownBlock extends MarkdownPlace {
  language: string;
  text: string;
  /** The last line of prose before it. */
  lead: string;
}

export interface MarkdownTable extends MarkdownPlace {
  header: readonly string[];
  rows: readonly (readonly string[])[];
}

export interface MarkdownLine extends MarkdownPlace {
  text: string;
  /** Spaces before it: an item within an item has some. */
  indent: number;
}

export interface MarkdownDocument {
  title: string | null;
  lines: readonly MarkdownLine[];
  blocks: readonly MarkdownBlock[];
  tables: readonly MarkdownTable[];
}

/** Patterns are tried on this much of a line; a longer one is data that somebody inlined. */
const longestLine = 16 * 1024;

/** The longest lists of people have a tenth of it; every line that is kept is read some twenty times. */
const mostLines = 100_000;

export function readMarkdown(source: string): MarkdownDocument {
  const reader = new MarkdownReader();
  let start = 0;
  let number = 0;
  while (start <= source.length && number < mostLines) {
    const end = source.indexOf('\n', start);
    const stop = end === -1 ? source.length : end;
    number += 1;
    reader.line(source.slice(start, Math.min(stop, start + longestLine)), number);
    start = stop + 1;
  }
  return reader.finish();
}

interface OpenBlock {
  language: string;
  /** What closes it: a fence of at least this length, or a tag. */
  fence: string;
  lines: string[];
  line: number;
}

class MarkdownReader {
  readonly #lines: MarkdownLine[] = [];
  readonly #blocks: MarkdownBlock[] = [];
  readonly #tables: MarkdownTable[] = [];
  #headings: { level: number; title: string }[] = [];
  #titles: readonly string[] = [];
  #title: string | null = null;
  #lead = '';
  #open: OpenBlock | null = null;
  #rows: { cells: string[]; line: number }[] = [];

  line(raw: string, number: number): void {
    const quoted = raw.replace(/^(?:\s{0,3}>\s?){1,4}/, '');
    const trimmed = quoted.trim();
    if (this.#open) {
      this.#inBlock(this.#open, quoted, trimmed);
      return;
    }
    const fence = /^(?:[-*+]\s+|\d{1,3}[.)]\s+)?(`{3,}|~{3,})(.*)$/.exec(trimmed);
    if (fence && !(fence[2] ?? '').includes('`')) {
      this.#endTable();
      const [language = ''] = (fence[2] ?? '')
        .trim()
        .toLowerCase()
        .split(/[\s{,:]/, 1);
      this.#open = { language, fence: fence[1] ?? '```', lines: [], line: number };
      return;
    }
    const pre = trimmed.indexOf('<pre');
    if (pre !== -1) {
      this.#endTable();
      this.#open = { language: '', fence: '</pre>', lines: [], line: number };
      const rest = trimmed.slice(pre).replace(/^<pre[^<>]{0,200}>/, '');
      this.#inBlock(this.#open, rest, rest);
      return;
    }
    if (trimmed.startsWith('|')) {
      this.#rows.push({ cells: cellsOf(trimmed), line: number });
    } else {
      this.#endTable();
    }
    this.#prose(trimmed, number, quoted.search(/\S/));
  }

  #inBlock(open: OpenBlock, raw: string, trimmed: string): void {
    const closing = open.fence.startsWith('<')
      ? trimmed.indexOf(open.fence)
      : trimmed.startsWith(open.fence) && /^[`~]+$/.test(trimmed)
        ? 0
        : -1;
    if (closing === -1) {
      open.lines.push(raw);
      return;
    }
    if (closing > 0) open.lines.push(trimmed.slice(0, closing));
    this.#close(open);
  }

  #close(open: OpenBlock): void {
    this.#open = null;
    const joined = open.lines.join('\n');
    const text = open.fence.startsWith('<')
      ? decodeEntities(joined.replace(/<[^<>\n]{0,300}>/g, ''))
      : joined;
    this.#blocks.push({
      language: open.language,
      text,
      headings: this.#titles,
      line: open.line,
      lead: this.#lead,
    });
  }

  #prose(trimmed: string, number: number, indent: number): void {
    if (trimmed === '') return;
    const heading = headingOf(trimmed);
    if (heading) {
      if (heading.title === '') return;
      this.#headings = this.#headings.filter((above) => above.level < heading.level);
      this.#headings.push(heading);
      this.#titles = this.#headings.map(({ title }) => title);
      this.#title ??= heading.level <= 2 ? heading.title : null;
    } else if (trimmed.startsWith('</details')) {
      this.#headings = this.#headings.filter((above) => above.level !== summaryLevel);
      this.#titles = this.#headings.map(({ title }) => title);
    } else {
      this.#lead = trimmed;
    }
    this.#lines.push({ text: trimmed, headings: this.#titles, line: number, indent });
  }

  #endTable(): void {
    const [header, ruler, ...rows] = this.#rows;
    this.#rows = [];
    if (!header || !ruler?.cells.every((cell) => /^:?-+:?$/.test(cell))) return;
    this.#tables.push({
      header: header.cells,
      rows: rows.map(({ cells }) => cells),
      headings: this.#titles,
      line: header.line,
    });
  }

  finish(): MarkdownDocument {
    if (this.#open) this.#close(this.#open);
    this.#endTable();
    return { title: this.#title, lines: this.#lines, blocks: this.#blocks, tables: this.#tables };
  }
}

/** A summary titles what it folds away, below any heading. */
const summaryLevel = 9;

function headingOf(line: string): { level: number; title: string } | null {
  const hashes = /^#{1,6}(?=\s)/.exec(line);
  if (hashes) {
    return { level: hashes[0].length, title: plain(line.slice(hashes[0].length).replace(/\s#{1,6}$/, '')) };
  }
  const tag = /<(h[1-6]|summary)\b[^<>]{0,300}>/i.exec(line.slice(0, 600));
  if (!tag) return null;
  const name = (tag[1] ?? '').toLowerCase();
  const title = plain(line.slice(tag.index, tag.index + 600));
  return { level: name === 'summary' ? summaryLevel : Number(name.slice(1)), title };
}

const plain = (raw: string): string =>
  decodeEntities(stripMarks(raw.slice(0, 600)))
    .replace(/\s+/g, ' ')
    .trim();

/** The cells of a table's row; an escaped bar and one inside of code stay. */
function cellsOf(row: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let code = false;
  for (let at = 1; at < row.length; at += 1) {
    const char = row[at] ?? '';
    if (char === '`') code = !code;
    if (char === '\\' && row[at + 1] === '|') {
      cell += '|';
      at += 1;
    } else if (char === '|' && !code) {
      cells.push(cell.trim());
      cell = '';
    } else cell += char;
  }
  if (cell.trim() !== '') cells.push(cell.trim());
  return cells;
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  '#39': "'",
  '#34': '"',
};

const decodeEntities = (raw: string): string =>
  raw.replace(/&(amp|lt|gt|quot|apos|nbsp|#39|#34);/g, (whole, name: string) => entities[name] ?? whole);

/** The spans of code in a line of prose. */
export function codeSpans(line: string): string[] {
  const spans: string[] = [];
  let at = line.indexOf('`');
  while (at !== -1 && spans.length < 50) {
    const end = line.indexOf('`', at + 1);
    if (end === -1) break;
    if (end > at + 1) spans.push(line.slice(at + 1, end).trim());
    at = line.indexOf('`', end + 1);
  }
  return spans;
}
