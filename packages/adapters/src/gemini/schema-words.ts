// A JSON Schema in a line of words, the way TypeScript writes types: for what a schema for Gemini cannot say.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';
import { quotedJson } from './json-text.ts';
import type { Resolve } from './schema-refs.ts';

const maxLength = 400;
const maxDepth = 6;

/** Of all that is said of one schema. */
const maxTotalLength = 20_000;

export type Wording = (schema: unknown) => string;

/** Gives some hundred characters at most, however large the schema is, and only a dot or three when all have been much. */
export function createWording(resolve: Resolve): Wording {
  let total = maxTotalLength;
  return (schema) => {
    const words = total > 0 ? wordsFor(schema, resolve) : '…';
    total -= words.length;
    return words;
  };
}

function wordsFor(schema: unknown, resolve: Resolve): string {
  let left = maxLength;

  const write = (text: string): string => {
    left -= text.length;
    return text;
  };

  const list = (parts: readonly unknown[], separator: string, depth: number): string => {
    const written: string[] = [];
    for (const part of parts) {
      if (left <= 0) return [...written, '…'].join(separator);
      written.push(words(part, depth));
      left -= separator.length;
    }
    return (separator === ' | ' ? [...new Set(written)] : written).join(separator);
  };

  const object = (properties: JsonObject, required: unknown, depth: number): string => {
    const needed = new Set<unknown>(Array.isArray(required) ? required : []);
    const written: string[] = [];
    for (const [name, part] of Object.entries(properties)) {
      if (left <= 0) {
        written.push('…');
        break;
      }
      written.push(`${write(name.slice(0, 100))}${needed.has(name) ? '' : '?'}: ${words(part, depth + 1)}`);
    }
    return `{${written.join(', ')}}`;
  };

  const words = (part: unknown, depth: number): string => {
    if (!isJsonObject(part)) return write('any');
    if (depth > maxDepth || left <= 0) return '…';
    const { type, enum: values, const: value, properties, items, required } = part;
    if (typeof part['$ref'] === 'string') return words(resolve(part['$ref']), depth + 1);
    if (value !== undefined) return write(quoted(value));
    if (Array.isArray(values)) return write(values.slice(0, 10).map(quoted).join(' | '));
    const { anyOf, oneOf, allOf, prefixItems } = part;
    const variants = [anyOf, oneOf].find((one) => Array.isArray(one));
    if (Array.isArray(variants)) return list(variants, ' | ', depth + 1);
    if (Array.isArray(prefixItems)) return `[${list(prefixItems, ', ', depth + 1)}]`;
    if (isJsonObject(properties)) return object(properties, required, depth);
    if (Array.isArray(allOf)) return list(allOf, ' & ', depth + 1);
    if (isJsonObject(items)) return `(${words(items, depth + 1)})[]`;
    if (Array.isArray(required)) return object(unknownParts(required), required, depth);
    if (isJsonObject(part['additionalProperties']))
      return `{[name]: ${words(part['additionalProperties'], depth + 1)}}`;
    const types = (Array.isArray(type) ? type : [type]).filter((one) => typeof one === 'string');
    return write(types.length > 0 ? types.join(' | ') : 'any');
  };

  return words(schema, 0);
}

const unknownParts = (names: readonly JsonValue[]): JsonObject =>
  Object.fromEntries(names.filter((name) => typeof name === 'string').map((name) => [name, true]));

const quoted = (value: unknown): string => quotedJson(value, 60) ?? '…';
