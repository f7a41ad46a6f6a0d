// The part of YAML that small configuration files use: mappings, sequences, scalars, block text. No anchors, no tags.
import { parseLenientJson } from './lenient-json.ts';

interface YamlLine {
  indent: number;
  text: string;
}

const deepest = 24;
const mostLines = 5000;

/** What the file says; lines that it does not understand are skipped, never evaluated. */
export function readYaml(source: string): unknown {
  const lines = source.split('\n', mostLines).flatMap((line): YamlLine[] => {
    const text = line.trimStart();
    return text === '' || text.startsWith('---')
      ? []
      : [{ indent: line.length - text.length, text: text.trimEnd() }];
  });
  return new YamlReader(lines).block(0, 0);
}

class YamlReader {
  readonly #lines: readonly YamlLine[];
  #at = 0;

  constructor(lines: readonly YamlLine[]) {
    this.#lines = lines;
  }

  block(indent: number, depth: number): unknown {
    this.#skipComments();
    const first = this.#lines[this.#at];
    if (!first || first.indent < indent || depth > deepest) return null;
    return first.text.startsWith('- ') || first.text === '-'
      ? this.#sequence(first.indent, depth)
      : this.#mapping(first.indent, depth);
  }

  #skipComments(): void {
    while (this.#lines[this.#at]?.text.startsWith('#')) this.#at += 1;
  }

  #sequence(indent: number, depth: number): unknown[] {
    const items: unknown[] = [];
    for (;;) {
      this.#skipComments();
      const line = this.#lines[this.#at];
      if (line?.indent !== indent || !(line.text.startsWith('- ') || line.text === '-')) return items;
      const rest = line.text.slice(1).trim();
      this.#at += 1;
      if (rest === '') items.push(this.block(indent + 1, depth + 1));
      else if (keyOf(rest) === null) items.push(scalarOf(rest));
      else {
        const inner = line.text.length - line.text.slice(1).trimStart().length;
        items.push(this.#mapping(indent + inner, depth + 1, rest));
      }
    }
  }

  #mapping(indent: number, depth: number, opening?: string): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    let pending = opening;
    for (;;) {
      if (pending === undefined) {
        this.#skipComments();
        const line = this.#lines[this.#at];
        if (!line || line.indent < indent || line.text.startsWith('- ')) break;
        this.#at += 1;
        if (line.indent > indent) continue;
        pending = line.text;
      }
      const key = keyOf(pending);
      if (key !== null) entries.push([key.name, this.#valueOf(key.rest, indent, depth)]);
      pending = undefined;
    }
    return Object.fromEntries(entries);
  }

  #valueOf(rest: string, indent: number, depth: number): unknown {
    if (/^[|>][+-]?\d?$/.test(rest)) return this.#blockText(indent);
    if (rest !== '' && !rest.startsWith('#')) return scalarOf(rest);
    this.#skipComments();
    const next = this.#lines[this.#at];
    if (!next) return null;
    if (next.text.startsWith('- ') && next.indent >= indent) return this.#sequence(next.indent, depth + 1);
    if (next.indent <= indent) return null;
    if (/^[|>][+-]?\d?$/.test(next.text)) {
      this.#at += 1;
      return this.#blockText(indent);
    }
    return keyOf(next.text) === null ? this.#blockText(indent) : this.block(next.indent, depth + 1);
  }

  #blockText(indent: number): string {
    const gathered: string[] = [];
    for (;;) {
      const line = this.#lines[this.#at];
      if (!line || line.indent <= indent) return gathered.join('\n');
      gathered.push(line.text);
      this.#at += 1;
    }
  }
}

function keyOf(text: string): { name: string; rest: string } | null {
  const quoted = /^(["'])([^"']{1,200})\1\s{0,20}:(?:\s+|$)/.exec(text);
  if (quoted) return { name: quoted[2] ?? '', rest: text.slice(quoted[0].length).trim() };
  const colon = /:(?:\s|$)/.exec(text.slice(0, 300));
  if (!colon || colon.index === 0) return null;
  const name = text.slice(0, colon.index).trim();
  return /^["'{[]/.test(name) ? null : { name, rest: text.slice(colon.index + 1).trim() };
}

function scalarOf(text: string): unknown {
  const [first = ''] = text;
  if (first === '"' || first === "'") {
    const end = text.indexOf(first, 1);
    return end === -1 ? text.slice(1) : text.slice(1, end);
  }
  if (first === '[' || first === '{') return parseLenientJson(text) ?? text;
  const comment = text.indexOf(' #');
  const bare = (comment === -1 ? text : text.slice(0, comment)).trim();
  if (bare === 'true') return true;
  if (bare === 'false') return false;
  return bare === 'null' || bare === '~' ? null : bare;
}
