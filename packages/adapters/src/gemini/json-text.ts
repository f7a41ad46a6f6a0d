// JSON text: written where it is short, and read.
import type { JsonValue } from '@insightloop/core';

class TooLong extends Error {
  override readonly name = 'TooLong';
}

/** Null for what would be longer than `maxLength` characters; looks at no more of the value than that. */
export function quotedJson(value: unknown, maxLength: number): string | null {
  let left = maxLength;
  const spend = (_key: string, part: unknown): unknown => {
    left -= typeof part === 'string' ? part.length + 2 : 1;
    if (left < 0) throw new TooLong();
    return part;
  };
  try {
    const text = JSON.stringify(value, spend) as string | undefined;
    return text !== undefined && text.length <= maxLength ? text : null;
  } catch (error) {
    // Or nested deeper than the stack.
    if (error instanceof TooLong || error instanceof RangeError) return null;
    throw error;
  }
}

/** Undefined for what is no JSON. */
export function parsedJson(text: string): JsonValue | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isParsed(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Sound only for what came out of a JSON parser. */
const isParsed = (value: unknown): value is JsonValue => value !== undefined;
