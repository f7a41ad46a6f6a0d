// Takes the secrets of a deployment out of whatever leaves us: texts, and data with texts in it.
import { createReplacer } from './literal-search.ts';
import { formsOf, minSecretLength } from './secret-forms.ts';

export interface Redactor {
  text(text: string): string;
  /**
   * The same data with its strings redacted, keys too; the same reference where there is nothing to redact. Looks into
   * plain objects and arrays; numbers are left as they are.
   */
  json<T>(value: T): T;
}

const replacement = '[redacted]';

/** What is nested deeper is replaced unseen: the stack has an end. */
const maxDepth = 1_000;

/**
 * Finds each secret as it is and as base64 (alone, or anywhere in a longer one), hex, URL- and form-encoded and escaped
 * in JSON. Secrets under 6 characters are passed over. Who wants to give a secret away can do so in other forms.
 */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const known = new Set([...secrets].filter((secret) => secret.length >= minSecretLength));
  if (known.size === 0) return { text: (text) => text, json: (value) => value };
  const text = createReplacer(
    [...known].flatMap((secret) => [...formsOf(secret)]),
    replacement,
  );

  const redacted = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > maxDepth) return replacement;
    if (Array.isArray(value)) return redactedArray(value, depth);
    return isPlain(value) ? redactedObject(value, depth) : value;
  };

  const redactedArray = (items: unknown[], depth: number): unknown[] => {
    let copy: unknown[] | null = null;
    for (const [index, item] of items.entries()) {
      const next = redacted(item, depth + 1);
      if (Object.is(next, item)) continue;
      copy ??= [...items];
      copy[index] = next;
    }
    return copy ?? items;
  };

  const redactedObject = (fields: object, depth: number): object => {
    const before: [string, unknown][] = Object.entries(fields);
    const after = before.map(([key, value]) => [text(key), redacted(value, depth + 1)] as const);
    const same = after.every(
      ([key, value], index) => key === before[index]?.[0] && Object.is(value, before[index][1]),
    );
    return same ? fields : Object.fromEntries(after);
  };

  // What comes back is of the same shape, only the contents of strings have changed.
  function json<T>(value: T): T;
  function json(value: unknown): unknown {
    return redacted(value, 0);
  }

  return { text, json };
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};
