// A tool's input schema without secrets: what it tells is redacted, what it demands stays, or nobody could call the tool.
import { isJsonObject, type JsonObject, type JsonValue } from './channel.ts';

/** Keywords that only tell; a server may well have written its settings into them. */
const telling: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples', '$comment']);

/** Keywords whose value has names as keys, and a schema under each. */
const naming: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/** No schema that a person wrote is nested so deep; below it everything is redacted. */
const maxDepth = 100;

type Redact = (value: JsonObject) => JsonObject;

/** @returns a copy with the same names, required properties, types and allowed values */
export const schemaWithoutSecrets = (schema: JsonObject, redact: Redact): JsonObject =>
  cleanObject(schema, { redact, areNames: false, depth: 0 });

interface At {
  redact: Redact;
  /** The keys are names of the server's, not keywords. */
  areNames: boolean;
  depth: number;
}

function cleanObject(schema: JsonObject, { redact, areNames, depth }: At): JsonObject {
  if (depth > maxDepth) return redact(schema);
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (!areNames && telling.has(key)) return [key, redactedValue(value, redact)];
      const isNaming: boolean = !areNames && naming.has(key);
      return [key, cleanValue(value, { redact, areNames: isNaming, depth: depth + 1 })];
    }),
  );
}

function cleanValue(value: JsonValue, at: At): JsonValue {
  if (Array.isArray(value)) return value.map((item) => (isJsonObject(item) ? cleanObject(item, at) : item));
  return isJsonObject(value) ? cleanObject(value, at) : value;
}

const redactedValue = (value: JsonValue, redact: Redact): JsonValue => redact({ value })['value'] ?? null;
