// JSON as people write it into a README: with comments, trailing commas, missing outer braces, bare words.

/** Larger blocks are no configuration. */
const longestBlock = 256 * 1024;
const deepest = 48;

/** The value of a block, or undefined where it is no JSON by any reading. Linear in the block's length. */
export function parseLenientJson(source: string): unknown {
  if (source.length > longestBlock) return undefined;
  const trimmed = source.trim();
  const [first] = trimmed;
  if (first === undefined) return undefined;
  if (!`{["'/#`.includes(first) && !/^[\w$-]+\s{0,10}:/.test(trimmed)) return undefined;
  if (tooDeep(trimmed)) return undefined;
  try {
    return JSON.parse(trimmed);
  } catch {
    return new LenientReader(trimmed).document();
  }
}

/** Brackets inside strings count as well: a block that trips over this has nothing to lose. */
function tooDeep(source: string): boolean {
  let depth = 0;
  for (const char of source) {
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > deepest) return true;
  }
  return false;
}

class NotJson extends Error {}

class LenientReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** A value, or the inside of an object whose braces were left out. */
  document(): unknown {
    try {
      this.#space();
      const next = this.#peek();
      if (next === '{' || next === '[') return this.#value();
      return this.#members('');
    } catch (error) {
      if (error instanceof NotJson) return undefined;
      throw error;
    }
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #space(): void {
    for (;;) {
      const char = this.#peek();
      if (char !== '' && /\s/.test(char)) this.#at += 1;
      else if (char === '#' || this.#source.startsWith('//', this.#at)) this.#skipTo('\n');
      else if (this.#source.startsWith('/*', this.#at)) this.#skipTo('*/');
      else if (this.#source.startsWith('...', this.#at)) this.#at += 3;
      else if (char === '…') this.#at += 1;
      else return;
    }
  }

  #skipTo(mark: string): void {
    const found = this.#source.indexOf(mark, this.#at);
    this.#at = found === -1 ? this.#source.length : found + mark.length;
  }

  #value(): unknown {
    this.#space();
    const char = this.#peek();
    if (char === '{') {
      this.#at += 1;
      return this.#members('}');
    }
    if (char === '[') return this.#elements();
    if (char === '"' || char === "'" || char === '`') return this.#string(char);
    return scalar(this.#bareWord());
  }

  #members(end: string): Record<string, unknown> {
    const members: [string, unknown][] = [];
    for (;;) {
      this.#space();
      while (this.#peek() === ',') {
        this.#at += 1;
        this.#space();
      }
      const char = this.#peek();
      if (char === end || char === '') break;
      if (end === '' && char === '}') break;
      const key = char === '"' || char === "'" ? this.#string(char) : this.#bareWord();
      this.#space();
      if (this.#peek() !== ':') throw new NotJson();
      this.#at += 1;
      members.push([key, this.#value()]);
    }
    this.#at += 1;
    return Object.fromEntries(members);
  }

  #elements(): unknown[] {
    this.#at += 1;
    const elements: unknown[] = [];
    for (;;) {
      this.#space();
      const char = this.#peek();
      if (char === ',') {
        this.#at += 1;
        continue;
      }
      if (char === ']' || char === '') break;
      if (char === '}' || char === ':') throw new NotJson();
      elements.push(this.#value());
    }
    this.#at += 1;
    return elements;
  }

  #string(quote: string): string {
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== quote)
      end += this.#source[end] === '\\' ? 2 : 1;
    if (end >= this.#source.length) throw new NotJson();
    const inside = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return unescaped(inside);
  }

  #bareWord(): string {
    const start = this.#at;
    while (this.#at < this.#source.length && !/[\s,:{}[\]"']/.test(this.#peek())) this.#at += 1;
    if (this.#at === start) throw new NotJson();
    return this.#source.slice(start, this.#at);
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

const unescaped = (inside: string): string =>
  inside.replace(
    /\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g,
    (_, code: string | undefined, char: string | undefined) =>
      code === undefined
        ? (escapes[char ?? ''] ?? char ?? '')
        : String.fromCharCode(Number.parseInt(code, 16)),
  );

function scalar(word: string): unknown {
  if (word === 'true') return true;
  if (word === 'false') return false;
  if (word === 'null') return null;
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(word) ? Number(word) : word;
}
