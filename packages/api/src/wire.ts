// How values stand on tRPC's wire: superjson, but for keys that would become a prototype.
import { invalidRequest } from '@insightloop/core';
import superjson, { type SuperJSONResult } from 'superjson';

export const wire = {
  serialize: (value: unknown): SuperJSONResult => superjson.serialize(value),

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
