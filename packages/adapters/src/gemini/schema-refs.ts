// Where a reference inside of a JSON Schema leads.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';

/** Undefined for what is not in this document: nothing is fetched. */
export function resolveRef(document: JsonObject, ref: string): JsonValue | undefined {
  if (ref === '#' || ref === document['$id']) return document;
  if (ref.startsWith('#/')) return follow(document, ref.slice(2).split('/'));
  return definitionsOf(document).find(
    ({ $id: id, $anchor: anchor }) => id === ref || (typeof anchor === 'string' && `#${anchor}` === ref),
  );
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
const definitionsOf = (document: JsonObject): JsonObject[] =>
  [document['$defs'], document['definitions']].flatMap((definitions) =>
    isJsonObject(definitions) ? Object.values(definitions).filter(isJsonObject) : [],
  );
