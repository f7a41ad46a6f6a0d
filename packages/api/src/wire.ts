// How values stand on tRPC's wire: superjson, but for keys that would become a prototype.
import { invalidRequest } from '@insightloop/core';
import superjson, { type SuperJSONResult } from 'superjson';

export const wire = {
  serialize: (value: unknown): SuperJSONResult =>
    hasRefusedKey(value) ? serializeForeign(value) : superjson.serialize(value),

  /** @throws AppError INVALID_REQUEST where a key is "__proto__", which superjson would make a prototype in silence */
  deserialize: (message: SuperJSONResult): unknown => {
    refusePrototypes(message);
    return superjson.deserialize(message);
  },
};

function refusePrototypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__')) throw invalidRequest('The input must have no key "__proto__".');
  for (const part of Object.values(value)) refusePrototypes(part);
}

/** With any of these superjson refuses to write a value at all, and one odd tool would hide all others. */
const refusedKeys = ['constructor', 'prototype', '__proto__'];
const isRefused = (key: string): boolean => refusedKeys.includes(key);

const hasRefusedKey = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (refusedKeys.some((key) => Object.hasOwn(value, key)) || Object.values(value).some(hasRefusedKey));

/**
 * What superjson would write, for the values that we have: JSON and dates. Its readers take the keys that its writer
 * refuses, and a server may name a parameter "constructor"; "__proto__" they would lose, and so it is left out here.
 */
function serializeForeign(value: unknown): SuperJSONResult {
  const dates: Record<string, ['Date']> = {};
  const walk = (part: unknown, path: readonly string[]): SuperJSONResult['json'] => {
    if (part === null || typeof part === 'string' || typeof part === 'number' || typeof part === 'boolean')
      return part;
    if (part instanceof Date) {
      // Below such a key its reader takes no date; what stands there is a server's own JSON, which has none.
      if (!path.some(isRefused)) dates[path.map(escapeKey).join('.')] = ['Date'];
      return part.toISOString();
    }
    if (Array.isArray(part)) return part.map((each, index) => walk(each, [...path, String(index)]));
    if (typeof part !== 'object') return undefined;
    const entries = Object.entries(part).filter(([key]) => key !== '__proto__');
    return Object.fromEntries(entries.map(([key, each]) => [key, walk(each, [...path, key])]));
  };
  return { json: walk(value, []), meta: { values: dates, v: 1 } };
}

const escapeKey = (key: string): string => key.replaceAll('\\', '\\\\').replaceAll('.', '\\.');
