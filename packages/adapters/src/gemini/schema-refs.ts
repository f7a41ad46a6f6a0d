// Where a reference inside of a JSON Schema leads.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';

/** Gives undefined for what is not in this document: nothing is fetched. */
export type Resolve = (ref: string) => JsonValue | undefined;

export function createResolver(document: JsonObject): Resolve {
  let named: ReadonlyMap<string, JsonObject> | null = null;
  return (ref) => {
    if (ref === '#' || ref === document['$id']) return document;
    if (ref.startsWith('#/')) return follow(document, ref.slice(2).split('/'));
    named ??= namedDefinitions(document);
    return named.get(ref);
  };
}

/** RFC 6901, in the form of a URI fragment. */
function follow(document: JsonObject, steps: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = document;
  for (const step of steps) {
    const key = unescaped(step);
    if (Array.isArray(at)) at = at[Number(key)];
    else if (isJsonObject(at) && Object.hasOwn(at, key)) at = at[key];
    else return undefined;
  }
  return at;
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}

/** Names other than pointers are looked for where they are always written. */
function namedDefinitions(document: JsonObject): Map<string, JsonObject> {
  const named = new Map<string, JsonObject>();
  for (const definitions of [document['$defs'], document['definitions']]) {
    for (const definition of isJsonObject(definitions) ? Object.values(definitions) : []) {
      if (!isJsonObject(definition)) continue;
      const { $id: id, $anchor: anchor } = definition;
      if (typeof id === 'string') named.set(id, definition);
      if (typeof anchor === 'string') named.set(`#${anchor}`, definition);
    }
  }
  return named;
}
