// A stranger's schema, copied as we can work with it: what is malformed left out, the cost of each part written in.

export interface CopiedSchema {
  schema: Record<string, unknown>;
  /** What `$schema` says; null where it says nothing. */
  declared: string | null;
}

/** The keyword that carries what a part of the schema costs to look at. */
export const costKeyword = 'x-insightloop-cost';

class UnusableSchema extends Error {
  override readonly name = 'UnusableSchema';
}

/** Nothing else happens while a schema is compiled, which takes 0.3 ms a part, some more where parts are entangled. */
const maxParts = 1_000;
const maxTextLength = 256 * 1024;
const maxDepth = 100;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keywords that hold a schema, a list of schemas, or schemas by name. `items` may be either of the first two. */
const oneSchema = new Set([
  ...['not', 'if', 'then', 'else', 'items', 'additionalItems', 'contains', 'additionalProperties'],
  ...['propertyNames', 'unevaluatedItems', 'unevaluatedProperties'],
]);
const schemaList = new Set(['items', 'allOf', 'anyOf', 'oneOf', 'prefixItems']);
const schemasByName = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
]);

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0;
const isString = (value: unknown): boolean => typeof value === 'string';
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(isString);
const types = new Set<unknown>(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']);

/** What the value of a keyword must be; another is left out, as an unknown keyword is. */
const wellFormed = new Map<string, (value: unknown) => boolean>([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name) => [name, isNumber] as const),
  ['multipleOf', (value) => isNumber(value) && Number(value) > 0],
  ...['minLength', 'maxLength', 'minItems', 'maxItems'].map((name) => [name, isCount] as const),
  ...['minProperties', 'maxProperties', 'minContains', 'maxContains'].map((name) => [name, isCount] as const),
  ...['pattern', 'format', '$ref', '$id', '$anchor'].map((name) => [name, isString] as const),
  ...['$dynamicRef', '$dynamicAnchor', '$comment'].map((name) => [name, isString] as const),
  ['required', isStrings],
  ['enum', (value) => Array.isArray(value) && value.length > 0],
  ['uniqueItems', (value) => typeof value === 'boolean'],
  ['$recursiveAnchor', (value) => typeof value === 'boolean'],
  ['dependentRequired', (value) => isFields(value) && Object.values(value).every(isStrings)],
  [
    'type',
    (value) =>
      Array.isArray(value) ? value.length > 0 && value.every((one) => types.has(one)) : types.has(value),
  ],
  // Not of JSON Schema, or read before it is compiled: they would make a promise, an error or a warning of it.
  ...['$schema', '$async', '$vocabulary', '$data', 'id', costKeyword].map(
    (name) => [name, () => false] as const,
  ),
]);

/** Lists that are compared with what was given, one by one. */
const comparedKeywords = ['enum', 'const', 'required', 'dependentRequired', 'dependencies'];

/** @throws UnusableSchema */
export function copySchema(schema: Fields): CopiedSchema {
  let parts = 0;

  const copy = (part: unknown, depth: number): unknown => {
    if (typeof part === 'boolean') return part;
    // A part that is no schema asks for nothing.
    if (!isFields(part)) return true;
    return copyFields(part, depth);
  };

  const copyFields = (part: Fields, depth: number): Record<string, unknown> => {
    parts += 1;
    if (depth > maxDepth) throw new UnusableSchema(`it is nested more than ${maxDepth} deep`);
    if (parts > maxParts) throw new UnusableSchema(`it has more than ${maxParts} parts`);
    const fields: [string, unknown][] = [[costKeyword, costOf(part)]];
    for (const [keyword, value] of Object.entries(part)) {
      const copied = copyKeyword(keyword, value, depth + 1);
      if (copied !== undefined) fields.push([keyword, copied]);
    }
    // `nullable` of OpenAPI widens a type; without one it would be an error.
    const hasType = fields.some(([keyword]) => keyword === 'type');
    // From entries, so that a property named `__proto__` stays one.
    return Object.fromEntries(hasType ? fields : fields.filter(([keyword]) => keyword !== 'nullable'));
  };

  /** Undefined for what is to be left out. */
  const copyKeyword = (keyword: string, value: unknown, depth: number): unknown => {
    if (schemaList.has(keyword) && Array.isArray(value))
      return value.length > 0 ? value.map((part) => copy(part, depth)) : undefined;
    if (oneSchema.has(keyword)) return copy(value, depth);
    if (schemasByName.has(keyword))
      return isFields(value)
        ? Object.fromEntries(
            Object.entries(value).map(([name, part]) => [name, isStrings(part) ? part : copy(part, depth)]),
          )
        : undefined;
    return (wellFormed.get(keyword)?.(value) ?? !schemaList.has(keyword)) ? value : undefined;
  };

  if (textLength(schema) > maxTextLength)
    throw new UnusableSchema(`it is longer than ${maxTextLength} characters`);
  const declared = schema['$schema'];
  return { schema: copyFields(schema, 0), declared: typeof declared === 'string' ? declared : null };
}

function textLength(schema: Fields): number {
  try {
    return JSON.stringify(schema).length;
  } catch (cause) {
    throw new UnusableSchema('it cannot be written as JSON', { cause });
  }
}

const costOf = (part: Fields): number => {
  const compared = comparedKeywords.flatMap((keyword) =>
    part[keyword] === undefined ? [] : [part[keyword]],
  );
  return 1 + (compared.length > 0 ? JSON.stringify(compared).length >> 6 : 0);
};
