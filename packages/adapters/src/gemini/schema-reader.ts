// Reads a place of a stranger's JSON Schema: references looked up, allOf and alternatives joined, the cost bounded.
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';
import {
  either,
  nothingKnown,
  together,
  type Facts,
  type JsonType,
  type Place,
  type RefChain,
} from './schema-facts.ts';
import { quotedJson } from './json-text.ts';
import { conditionsIn } from './schema-conditions.ts';
import { createResolver } from './schema-refs.ts';
import { createWording, type Wording } from './schema-words.ts';

export interface SchemaReader {
  readonly root: Place;
  readonly wording: Wording;
  /** Nothing is known of what cannot be looked at: a reference that leads nowhere or back, or one part too many. */
  facts(place: Place): Facts;
  /** Parts that may still be looked at. */
  readonly left: number;
}

/** Parts of one schema that are looked at, references followed: what costs a few milliseconds at most. */
const maxParts = 1_000;
/** Of references, allOf and alternatives inside of each other, at one place. */
const maxNesting = 50;
const maxRefs = 32;
const maxValues = 500;
const maxDescriptionLength = 1_000;

const jsonTypes: ReadonlySet<unknown> = new Set<JsonType>([
  ...(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'] as const),
]);
const isJsonType = (value: unknown): value is JsonType => jsonTypes.has(value);

export function createSchemaReader(document: JsonObject): SchemaReader {
  const resolve = createResolver(document);
  const wording = createWording(resolve);
  let left = maxParts;

  const facts = (place: Place, nesting: number): Facts => {
    if (nesting > maxNesting) return nothingKnown;
    if ('all' in place) return place.all.map((one) => facts(one, nesting + 1)).reduce(together, nothingKnown);
    if ('any' in place) return either(place.any.map((one) => facts(one, nesting + 1)));
    if (!isJsonObject(place.schema) || left <= 0) return nothingKnown;
    const { schema, refs } = place;
    left -= 1 + widthOf(schema) / namesPerPart;
    const at = (part: unknown): Place => ({ schema: part, refs });
    const read = (part: unknown): Facts => facts(at(part), nesting + 1);
    const parts: Facts[] = [ownFacts(schema, at, wording)];
    if (typeof schema['$ref'] === 'string') parts.push(referred(schema['$ref'], refs, nesting));
    if (Array.isArray(schema['allOf'])) parts.push(...schema['allOf'].map(read));
    for (const variants of [schema['anyOf'], schema['oneOf'], ...conditionsIn(schema)])
      if (Array.isArray(variants) && variants.length > 0) parts.push(alternatives(variants, read));
    return parts.reduce(together);
  };

  const referred = (ref: string, refs: RefChain, nesting: number): Facts => {
    if (includes(refs, ref)) return { ...nothingKnown, notes: ['This goes on in the same shape'] };
    const target = resolve(ref);
    if (target === undefined)
      return { ...nothingKnown, notes: [`Its schema is elsewhere: ${ref.slice(0, 200)}`] };
    const length = (refs?.length ?? 0) + 1;
    if (length > maxRefs) return nothingKnown;
    return facts({ schema: target, refs: { ref, before: refs, length } }, nesting + 1);
  };

  /** Objects become one wide object, so that what belongs together has to be said in words. */
  const alternatives = (variants: readonly unknown[], read: (part: unknown) => Facts): Facts => {
    const known = variants.filter((variant) => variant !== false).map(read);
    const shapes = known.filter(({ properties, required }) => properties.size > 0 || required.size > 0);
    const joined = either(known);
    if (shapes.length < 2) return joined;
    return { ...joined, notes: [`One of: ${wording({ anyOf: variants })}`] };
  };

  return {
    root: { schema: document, refs: null },
    wording,
    facts: (place) => facts(place, 0),
    get left() {
      return left;
    },
  };
}

/** Properties and values cost as well, because a part may be looked at again and again. */
const namesPerPart = 16;

const widthOf = ({ properties, enum: values }: JsonObject): number =>
  (isJsonObject(properties) ? Object.keys(properties).length : 0) +
  (Array.isArray(values) ? values.length : 0);

function includes(refs: RefChain, ref: string): boolean {
  for (let link = refs; link !== null; link = link.before) if (link.ref === ref) return true;
  return false;
}

/** What the keywords of one object say, without those that lead elsewhere. */
function ownFacts(schema: JsonObject, at: (part: unknown) => Place, wording: Wording): Facts {
  const { description, title, properties, items, prefixItems, additionalProperties } = schema;
  const words = [description, title].find((text) => typeof text === 'string' && text.trim() !== '');
  const tuple = [prefixItems, items].find((list) => Array.isArray(list));
  const single = isJsonObject(items) || items === true ? at(items) : null;
  return {
    types: ownTypes(schema),
    values: ownValues(schema),
    properties: isJsonObject(properties)
      ? new Map(
          Object.entries(properties).flatMap(([name, part]) => (part === false ? [] : [[name, at(part)]])),
        )
      : nothingKnown.properties,
    required: new Set(strings(schema['required'])),
    rest: dictionary(schema, at) ?? (isJsonObject(additionalProperties) ? at(additionalProperties) : null),
    items: Array.isArray(tuple)
      ? { any: [...tuple.map(at), ...(single !== null && tuple !== items ? [single] : [])] }
      : single,
    minimum: minimum(schema),
    maximum: maximum(schema),
    description: typeof words === 'string' ? words.slice(0, maxDescriptionLength) : null,
    dateTime: schema['format'] === 'date-time',
    notes: notesOf(schema, Array.isArray(tuple) ? wording({ prefixItems: tuple }) : null),
  };
}

function dictionary(schema: JsonObject, at: (part: unknown) => Place): Place | null {
  const { additionalProperties, patternProperties } = schema;
  if (additionalProperties === true) return at(true);
  if (!isJsonObject(patternProperties)) return null;
  return { any: Object.values(patternProperties).map(at) };
}

function ownTypes({ type, nullable }: JsonObject): Facts['types'] {
  const named = (Array.isArray(type) ? type : [type]).filter(isJsonType);
  if (named.length === 0) return null;
  // `nullable` is OpenAPI's, and common.
  return new Set(nullable === true ? [...named, 'null' as const] : named);
}

function ownValues(schema: JsonObject): Facts['values'] {
  if (schema['const'] !== undefined) return [schema['const']];
  const values = schema['enum'];
  return Array.isArray(values) && values.length > 0 && values.length <= maxValues ? values : null;
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const finite = (value: JsonValue | undefined): number | null =>
  // What zod writes for "an integer" says nothing that the type does not.
  typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null;

function minimum({ type, minimum: least, exclusiveMinimum }: JsonObject): number | null {
  const above = finite(exclusiveMinimum);
  return above !== null && type === 'integer' ? Math.floor(above) + 1 : finite(least);
}

function maximum({ type, maximum: most, exclusiveMaximum }: JsonObject): number | null {
  const below = finite(exclusiveMaximum);
  return below !== null && type === 'integer' ? Math.ceil(below) - 1 : finite(most);
}

const maxQuoteLength = 120;

function notesOf(schema: JsonObject, tuple: string | null): string[] {
  const note = (keyword: string, say: (value: string) => string): string[] => {
    const value = schema[keyword];
    const text =
      value === undefined || value === null || value === false ? null : quotedJson(value, maxQuoteLength);
    return text === null ? [] : [say(text)];
  };
  const integer = schema['type'] === 'integer';
  const tooMany = Array.isArray(schema['enum']) && schema['enum'].length > maxValues;
  return [
    ...(tuple === null ? [] : [`In this order: ${tuple}`]),
    ...(tooMany ? [`One of ${strings(schema['enum']).slice(0, 20).join(', ')} and others`] : []),
    ...note('minLength', (count) => `At least ${count} characters`),
    ...note('maxLength', (count) => `At most ${count} characters`),
    ...note('pattern', (pattern) => `Matches ${pattern}`),
    ...(schema['format'] === 'date-time' ? [] : note('format', (format) => `Format ${format}`)),
    ...(integer ? [] : note('exclusiveMinimum', (value) => `More than ${value}`)),
    ...(integer ? [] : note('exclusiveMaximum', (value) => `Less than ${value}`)),
    ...note('multipleOf', (value) => `A multiple of ${value}`),
    ...note('minItems', (count) => `At least ${count} items`),
    ...note('maxItems', (count) => `At most ${count} items`),
    ...note('uniqueItems', () => 'No item twice'),
    ...note('not', (other) => `Not ${other}`),
    ...note('dependentRequired', (names) => `These go together: ${names}`),
    ...note('default', (value) => `Default ${value}`),
  ];
}
