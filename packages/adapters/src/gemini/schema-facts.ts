// What one place of a JSON Schema asks for, with its references, its allOf and its alternatives taken together.
import type { JsonValue } from '@insightloop/core';

export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | 'null';

/** A place in a schema: one that is written there, or several that hold together or instead of each other. */
export type Place =
  { schema: unknown; refs: RefChain } | { all: readonly Place[] } | { any: readonly Place[] };

/** The references that led to a place, the last one first: one that comes again would never end. */
export type RefChain = { ref: string; before: RefChain; length: number } | null;

export interface Facts {
  /** Null: any. */
  types: ReadonlySet<JsonType> | null;
  /** Of `enum` and `const`; null where any value of the type will do. */
  values: readonly JsonValue[] | null;
  properties: ReadonlyMap<string, Place>;
  required: ReadonlySet<string>;
  /** Of a dictionary; null where the schema says nothing of other properties. */
  rest: Place | null;
  items: Place | null;
  minimum: number | null;
  maximum: number | null;
  description: string | null;
  dateTime: boolean;
  /** What holds but cannot be said in a schema for Gemini. */
  notes: readonly string[];
}

export const nothingKnown: Facts = {
  types: null,
  values: null,
  properties: new Map(),
  required: new Set(),
  rest: null,
  items: null,
  minimum: null,
  maximum: null,
  description: null,
  dateTime: false,
  notes: [],
};

const maxNotes = 12;

/** Both hold. */
export function together(a: Facts, b: Facts): Facts {
  if (a === nothingKnown) return b;
  if (b === nothingKnown) return a;
  return {
    types: commonTypes(a.types, b.types),
    values: commonValues(a.values, b.values),
    properties: joined(a.properties, b.properties, bothPlaces),
    required: b.required.size === 0 ? a.required : new Set([...a.required, ...b.required]),
    rest: a.rest && b.rest ? bothPlaces(a.rest, b.rest) : (a.rest ?? b.rest),
    items: a.items && b.items ? bothPlaces(a.items, b.items) : (a.items ?? b.items),
    minimum: bound(Math.max, a.minimum, b.minimum),
    maximum: bound(Math.min, a.maximum, b.maximum),
    description: a.description ?? b.description,
    dateTime: a.dateTime || b.dateTime,
    notes: [...a.notes, ...b.notes].slice(0, maxNotes),
  };
}

/** One of them holds: the least that is true of each. Null for none. */
export function either(variants: readonly Facts[]): Facts {
  const nullable = variants.some(isNull);
  const others = variants.filter((variant) => !isNull(variant));
  const [first] = others;
  if (first === undefined) return nullable ? { ...nothingKnown, types: new Set(['null']) } : nothingKnown;
  const one = others.length === 1 ? first : others.reduce(widened);
  return nullable ? withNull(one) : one;
}

const isNull = ({ types, values }: Facts): boolean =>
  values === null ? types?.size === 1 && types.has('null') : values.every((value) => value === null);

const withNull = (facts: Facts): Facts => ({
  ...facts,
  types: typesOf(facts) && new Set([...(typesOf(facts) ?? []), 'null']),
  values: facts.values && [...facts.values, null],
});

function widened(a: Facts, b: Facts): Facts {
  const [aTypes, bTypes] = [typesOf(a), typesOf(b)];
  const objects = [a, b].filter((facts) => typesOf(facts)?.has('object') ?? true);
  return {
    ...nothingKnown,
    types: aTypes && bTypes && new Set([...aTypes, ...bTypes]),
    values: a.values && b.values && [...a.values, ...b.values],
    properties: joined(a.properties, b.properties, eitherPlace),
    required: new Set(
      [...(objects[0]?.required ?? [])].filter((name) => objects.every(({ required }) => required.has(name))),
    ),
    rest: a.rest && b.rest ? eitherPlace(a.rest, b.rest) : (a.rest ?? b.rest),
    items: a.items && b.items ? eitherPlace(a.items, b.items) : (a.items ?? b.items),
    minimum: a.minimum !== null && b.minimum !== null ? Math.min(a.minimum, b.minimum) : null,
    maximum: a.maximum !== null && b.maximum !== null ? Math.max(a.maximum, b.maximum) : null,
    dateTime: a.dateTime && b.dateTime,
  };
}

/** The types that are said, or that what else is said speaks of; null for any. */
export function typesOf({
  types,
  values,
  properties,
  rest,
  items,
  minimum,
  maximum,
  dateTime,
}: Facts): Facts['types'] {
  if (types !== null) return types;
  if (values !== null) return new Set(values.map(typeOf));
  if (properties.size > 0 || rest !== null) return new Set(['object']);
  if (items !== null) return new Set(['array']);
  if (minimum !== null || maximum !== null) return new Set(['number']);
  return dateTime ? new Set(['string']) : null;
}

const typeOf = (value: JsonValue): JsonType => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'boolean' : 'object';
};

function commonTypes(a: Facts['types'], b: Facts['types']): Facts['types'] {
  if (a === null || b === null) return a ?? b;
  const common = [...a].filter((type) => b.has(type) || (type === 'integer' && b.has('number')));
  if (a.has('number') && b.has('integer') && !common.includes('integer')) common.push('integer');
  // A contradiction is the server's to explain.
  return common.length > 0 ? new Set(common) : a;
}

function commonValues(a: Facts['values'], b: Facts['values']): Facts['values'] {
  if (a === null || b === null) return a ?? b;
  const known = new Set(b.map((value) => JSON.stringify(value)));
  const common = a.filter((value) => known.has(JSON.stringify(value)));
  return common.length > 0 ? common : a;
}

/** Flat, because what is nested too deep is not looked at. */
const bothPlaces = (one: Place, other: Place): Place => ({
  all: 'all' in one ? [...one.all, other] : [one, other],
});

const eitherPlace = (one: Place, other: Place): Place => ({
  any: 'any' in one ? [...one.any, other] : [one, other],
});

function joined(
  a: Facts['properties'],
  b: Facts['properties'],
  join: (one: Place, other: Place) => Place,
): Facts['properties'] {
  if (a.size === 0 || b.size === 0) return a.size === 0 ? b : a;
  const all = new Map(a);
  for (const [name, place] of b) {
    const known = a.get(name);
    all.set(name, known === undefined ? place : join(known, place));
  }
  return all;
}

const bound = (
  choose: (a: number, b: number) => number,
  a: number | null,
  b: number | null,
): number | null => (a !== null && b !== null ? choose(a, b) : (a ?? b));
