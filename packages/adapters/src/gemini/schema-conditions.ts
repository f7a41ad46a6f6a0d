// `if`, `then`, `else` and dependent schemas, as the alternatives that they are to somebody who does not check.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';

/** Lists of alternatives, as `anyOf` has them. */
export function conditionsIn(schema: JsonObject): JsonValue[][] {
  const { then, else: otherwise, dependentSchemas } = schema;
  const conditions: JsonValue[][] = [];
  if (then !== undefined || otherwise !== undefined) conditions.push([then ?? {}, otherwise ?? {}]);
  if (isJsonObject(dependentSchemas))
    for (const dependent of Object.values(dependentSchemas)) conditions.push([{}, dependent]);
  return conditions;
}
