// The way back: what the model wrote against the compiled schema, as the original schema has it.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';
import { parsedJson } from './json-text.ts';

/** Null where the value is right as it is. */
export type Restore =
  | null
  /** The value may come as JSON text; other text stays text. `containers`: only objects and lists are read from it. */
  | { kind: 'json'; reads: 'anything' | 'containers' }
  /** The value comes as one of these texts. */
  | { kind: 'values'; byText: ReadonlyMap<string, JsonValue> }
  | { kind: 'list'; items: Restore }
  /** The whole object comes as the JSON text of one property. */
  | { kind: 'spread'; name: string }
  | { kind: 'object'; byAlias: ReadonlyMap<string, { name: string; restore: Restore }> };

/** Takes everything: what does not look as it should stays as it is, for the check against the original schema. */
export function restored(value: JsonValue, restore: Restore): JsonValue {
  switch (restore?.kind) {
    case undefined:
      return value;
    case 'json':
      return typeof value === 'string' ? readJson(value, restore.reads) : value;
    case 'values':
      return typeof value === 'string' ? (restore.byText.get(value) ?? nullOr(value, restore.byText)) : value;
    case 'list':
      return Array.isArray(value) ? value.map((item) => restored(item, restore.items)) : value;
    case 'spread':
      return isJsonObject(value) ? spread(value, restore.name) : value;
    case 'object':
      return isJsonObject(value) ? restoredObject(value, restore.byAlias) : value;
  }
}

/** From entries, so that a property named `__proto__` stays one. */
const restoredObject = (
  value: JsonObject,
  byAlias: Extract<Restore, { kind: 'object' }>['byAlias'],
): JsonObject =>
  Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const original = byAlias.get(key);
      return original === undefined ? [key, part] : [original.name, restored(part, original.restore)];
    }),
  );

function spread(value: JsonObject, name: string): JsonObject {
  const text = value[name];
  const whole = typeof text === 'string' ? readJson(text, 'containers') : text;
  if (!isJsonObject(whole)) return value;
  return Object.fromEntries([
    ...Object.entries(value).filter(([key]) => key !== name),
    ...Object.entries(whole),
  ]);
}

/** A map says undefined for what it lacks, and null for the value null. */
const nullOr = (text: string, byText: ReadonlyMap<string, JsonValue>): JsonValue =>
  byText.has(text) ? null : text;

function readJson(text: string, reads: 'anything' | 'containers'): JsonValue {
  const start = text.trimStart()[0];
  if (reads === 'containers' && start !== '{' && start !== '[') return text;
  const value = parsedJson(text);
  return value === undefined ? text : value;
}

/** Whether nothing has to be changed on the way back. */
export const objectRestore = (
  aliases: readonly { alias: string; name: string; restore: Restore }[],
): Restore => {
  const changed = aliases.filter(({ alias, name, restore }) => alias !== name || restore !== null);
  if (changed.length === 0) return null;
  return {
    kind: 'object',
    byAlias: new Map(changed.map(({ alias, name, restore }) => [alias, { name, restore }])),
  };
};
