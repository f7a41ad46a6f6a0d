// Text that every part of us can keep: PostgreSQL stores neither NUL nor half a surrogate pair.
import { z } from 'zod';

export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be Unicode text without NUL');

/** What cannot be kept becomes U+FFFD: for text that strangers wrote and nobody can be asked to mend. */
export const madeStorable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed();

/** What is nested deeper is left out: the stack has an end, and so has a database's. */
const maxDepth = 64;

/** The same for data with texts in it, keys too. Dates stay as they are. */
export function madeStorableDeep<T>(value: T): T;
export function madeStorableDeep(value: unknown): unknown {
  return storable(value, 0);
}

function storable(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return madeStorable(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth > maxDepth) return null;
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [madeStorable(key), storable(item, depth + 1)]),
  );
}
