// Reading values that others wrote: nothing is assumed of their shape, and `__proto__` is a key like any other.

/** A field as the others' document has it; inherited ones do not exist. */
export function field(value: unknown, ...names: string[]): unknown {
  const fields = record(value);
  if (!fields) return undefined;
  for (const name of names) if (Object.hasOwn(fields, name)) return fields[name];
  return undefined;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const record = (value: unknown): Record<string, unknown> | null => (isRecord(value) ? value : null);

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The text of a scalar; numbers and truth values count, because people forget their quotes. */
export function text(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Like `text`, but what says nothing is nothing. */
export function words(value: unknown): string | null {
  const found = text(value)?.trim();
  return found === undefined || found === '' ? null : found;
}

export const texts = (value: unknown): string[] =>
  list(value).flatMap((entry) => {
    const found = text(entry);
    return found === null ? [] : [found];
  });

export function flag(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  return value === 'false' ? false : null;
}

// eslint-disable-next-line no-control-regex -- these are the characters that must go
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Beyond this we do not read: a README of a person is a hundredth of it. In UTF-16 units. */
const mostText = 8 * 1024 * 1024;

/** Text as every part of us can keep it: well-formed, without control characters, with one kind of line end. */
export const cleanText = (raw: string): string =>
  raw
    .slice(0, mostText)
    .toWellFormed()
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .replace(controls, '');

/** What was written with escapes is cleaned only once they are read. At most `most` characters. */
export const keptText = (raw: string, most: number): string => cleanText(raw.slice(0, most));

/** One line of prose for a reader: no marks, no runs of spaces, at most `most` characters. */
export function prose(raw: string, most = 500): string {
  const plain = stripMarks(raw.slice(0, most * 4));
  const single = plain.replace(/\s+/g, ' ').trim();
  return single.length > most
    ? `${single
        .slice(0, most - 1)
        .trimEnd()
        .toWellFormed()}…`
    : single;
}

/** Markdown without its marks: links keep their words, tags go. */
export const stripMarks = (raw: string): string =>
  raw
    .replace(/<[^<>]{0,500}>/g, ' ')
    .replace(/!\[[^[\]]{0,300}\]\([^()]{0,2000}\)/g, ' ')
    .replace(/\[([^[\]]{0,300})\](?:\([^()]{0,2000}\)|\[[^[\]]{0,100}\])/g, '$1')
    .replace(/[*`]|(?<!\w)_|_(?!\w)/g, '');
