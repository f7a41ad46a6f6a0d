// From any JSON Schema to one that every Gemini model takes, and the way back for what is written against it.
import { Type, type Schema } from '@google/genai';
import type { JsonObject, JsonValue } from '@insightloop/core';
import { acceptedNames, propertyNames } from './accepted-names.ts';
import { quotedJson } from './json-text.ts';
import { objectRestore, type Restore } from './restore.ts';
import { typesOf, type Facts, type JsonType, type Place } from './schema-facts.ts';
import { createSchemaReader, type SchemaReader } from './schema-reader.ts';

export interface CompiledSchema {
  /** Null for an object that has nothing in it. */
  schema: Schema | null;
  restore: Restore;
}

/**
 * Objects and lists inside of each other, the outermost one counted. Beyond what a model takes (some refuse five), the
 * whole request is a 400; here the rest is asked for as JSON text.
 */
const maxDepth = 4;
const maxSchemaLength = 512 * 1024;
const maxDescriptionLength = 1_500;
/** Of all parts of a schema: the rest goes without. */
const maxDescriptions = 60_000;
const maxEnumLength = 4_000;
const maxValueLength = 200;

interface Compiled {
  schema: Schema;
  restore: Restore;
}

/**
 * Only the keywords `type`, `description`, `nullable`, `enum` (of texts), `format: date-time`, `minimum`, `maximum`,
 * `items`, `properties` and `required` come out. What they cannot say is said in the description: the caller checks
 * what comes back against the original schema. An untyped value, a dictionary, and what is nested too deep or in
 * itself are asked for as JSON text. Takes anything, and a bounded time.
 * @param schema of an object, as arguments are
 */
export function compileSchema(schema: JsonObject): CompiledSchema {
  if (quotedJson(schema, maxSchemaLength) === null) return freeForm('The schema is too large to be shown.');
  const compiler = new Compiler(schema);
  return compiler.root();
}

/** One text in the place of arguments that nobody has named: its object is spread over them on the way back. */
const freeFormName = 'arguments_json';

const freeForm = (words: string): CompiledSchema => ({
  schema: {
    type: Type.OBJECT,
    properties: { [freeFormName]: { type: Type.STRING, description: `JSON text of an object. ${words}` } },
  },
  restore: { kind: 'spread', name: freeFormName },
});

class Compiler {
  readonly #document: JsonObject;
  readonly #reader: SchemaReader;
  #descriptionLeft = maxDescriptions;

  constructor(document: JsonObject) {
    this.#document = document;
    this.#reader = createSchemaReader(document);
  }

  root(): CompiledSchema {
    const facts = this.#reader.facts(this.#reader.root);
    const object = facts.properties.size > 0 ? this.#object(facts, 1) : null;
    if (object !== null) return object;
    if (facts.rest !== null || facts.properties.size > 0)
      return freeForm(`It looks like ${this.#reader.wording(this.#document)}.`);
    return { schema: null, restore: null };
  }

  #compile(place: Place, depth: number): Compiled {
    const facts = this.#reader.facts(place);
    const types = typesOf(facts);
    const compiled = this.#ofType(facts, types, depth) ?? this.#text(place, facts, types);
    return types?.has('null') === true && types.size > 1
      ? { ...compiled, schema: { ...compiled.schema, nullable: true } }
      : compiled;
  }

  /** Null for what has to be asked for as JSON text. */
  #ofType(facts: Facts, types: Facts['types'], depth: number): Compiled | null {
    if (types === null) return null;
    const chosen = chosenType(types, () => this.#itemTypes(facts));
    if (facts.values !== null) {
      const listed = this.#values(facts, facts.values);
      if (listed !== null) return listed;
    }
    switch (chosen) {
      case null:
        return null;
      case 'array':
        return depth > maxDepth ? null : this.#list(facts, depth);
      case 'object':
        return depth > maxDepth ? null : this.#object(facts, depth);
      case 'null':
        return this.#values(facts, [null]);
      case 'string': {
        const format = facts.dateTime ? { format: 'date-time' } : {};
        return scalar({ type: Type.STRING, ...format, ...this.#described(facts, others(types, 'string')) });
      }
      case 'boolean':
        return scalar({ type: Type.BOOLEAN, ...this.#described(facts) });
      default:
        return scalar({
          type: chosen === 'integer' ? Type.INTEGER : Type.NUMBER,
          ...(facts.minimum === null ? {} : { minimum: facts.minimum }),
          ...(facts.maximum === null ? {} : { maximum: facts.maximum }),
          ...this.#described(facts),
        });
    }
  }

  /** As texts, because an enum of Gemini has nothing else, and no empty one. Null where that would be too long. */
  #values(facts: Facts, values: readonly JsonValue[]): Compiled | null {
    const wanted = values.length > 1 ? values.filter((value) => value !== null) : values;
    const byText = new Map<string, JsonValue>();
    let length = 0;
    const plain = (value: JsonValue): value is string => typeof value === 'string' && value !== '';
    for (const value of [...wanted.filter(plain), ...wanted.filter((other) => !plain(other))]) {
      const text = plain(value) ? value : quotedJson(value, maxValueLength);
      if (text === null || text.length > maxValueLength) return null;
      if (byText.has(text)) continue;
      byText.set(text, value);
      length += text.length;
    }
    if (byText.size === 0 || length > maxEnumLength) return null;
    const same = [...byText].every(([text, value]) => text === value);
    return {
      schema: { type: Type.STRING, enum: [...byText.keys()], ...this.#described(facts) },
      restore: same ? null : { kind: 'values', byText },
    };
  }

  #list(facts: Facts, depth: number): Compiled {
    const { schema, restore } = this.#compile(facts.items ?? { schema: true, refs: null }, depth + 1);
    return {
      schema: { type: Type.ARRAY, items: schema, ...this.#described(facts) },
      restore: restore === null ? null : { kind: 'list', items: restore },
    };
  }

  /** Null where no part may be looked at any more. */
  #object(facts: Facts, depth: number): Compiled | null {
    const { required } = facts;
    const all = [...facts.properties].sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)));
    const names = acceptedNames(
      all.slice(0, maxProperties).map(([name]) => name),
      propertyNames,
    );
    const properties: [string, Schema][] = [];
    const aliases: { alias: string; name: string; restore: Restore }[] = [];
    for (const [name, place] of all) {
      const alias = names.get(name);
      if (alias === undefined || this.#reader.left <= 0) break;
      const { schema, restore } = this.#compile(place, depth + 1);
      properties.push([alias, alias === name ? schema : renamed(schema, name)]);
      aliases.push({ alias, name, restore });
    }
    if (properties.length === 0) return null;
    const left = all.length - properties.length;
    const needed = aliases.filter(({ name }) => required.has(name)).map(({ alias }) => alias);
    return {
      schema: {
        type: Type.OBJECT,
        properties: Object.fromEntries(properties),
        ...(needed.length > 0 ? { required: needed } : {}),
        ...this.#described(
          facts,
          ...(left > 0 ? [`${left} more properties are not shown`] : []),
          ...this.#restWords(facts),
        ),
      },
      restore: objectRestore(aliases),
    };
  }

  #restWords({ rest }: Facts): string[] {
    if (rest === null || !('schema' in rest) || rest.schema === true) return [];
    return [`Any other property is ${this.#reader.wording(rest.schema)}`];
  }

  /** What the schema says of itself, and what it cannot say otherwise. */
  #described(facts: Facts, ...more: string[]): { description?: string } {
    const notes = [...facts.notes, ...more].filter((note) => note !== '');
    const words = facts.description?.trim() ?? '';
    const gap = words === '' || notes.length === 0 ? '' : /[.!?:)]$/.test(words) ? ' ' : '. ';
    const whole = `${words}${gap}${notes.map((note) => `${note}.`).join(' ')}`;
    const most = Math.min(maxDescriptionLength, this.#descriptionLeft);
    if (whole === '' || most <= 0) return {};
    this.#descriptionLeft -= whole.length;
    return { description: whole.length > most ? `${whole.slice(0, most)}…` : whole };
  }

  #itemTypes({ items }: Facts): Facts['types'] {
    return items === null ? null : typesOf(this.#reader.facts(items));
  }

  /** What may be text anyhow is read as JSON only where it is an object or a list. */
  #text(place: Place, facts: Facts, types: Facts['types']): Compiled {
    const mayBeText = types?.has('string') === true;
    return {
      schema: { type: Type.STRING, ...this.#described(facts, textWords(types, this.#shape(place))) },
      restore: { kind: 'json', reads: mayBeText ? 'containers' : 'anything' },
    };
  }

  /** Empty where it would only say the type once more. */
  #shape(place: Place): string {
    const words = 'schema' in place ? this.#reader.wording(place.schema) : '';
    return /[{[(]/.test(words) ? `, like ${words}` : '';
  }
}

function textWords(types: Facts['types'], shape: string): string {
  if (types === null) return `Any value, written as JSON text${shape}`;
  const named = [...types].filter((type) => type !== 'null' && type !== 'string').join(' or ');
  return types.has('string')
    ? `Text, or JSON text of type ${named}${shape}`
    : `JSON text of type ${named}${shape}`;
}

const maxProperties = 500;

const scalar = (schema: Schema): Compiled => ({ schema, restore: null });

/** The one type that stands for all of them; null where none can. */
function chosenType(types: ReadonlySet<JsonType>, itemTypes: () => Facts['types']): JsonType | null {
  const named = [...types].filter((type) => type !== 'null');
  const [first = 'null'] = named;
  if (named.length <= 1) return first;
  const scalars = named.filter((type) => type !== 'array' && type !== 'object');
  if (named.every((type) => type === 'integer' || type === 'number')) return 'number';
  if (scalars.length === named.length) return types.has('string') ? 'string' : null;
  // One thing or a list of them: the list says both.
  const items = types.has('array') ? itemTypes() : null;
  return items !== null && named.every((type) => type === 'array' || items.has(type)) ? 'array' : null;
}

const others = (types: ReadonlySet<JsonType>, chosen: JsonType): string => {
  const rest = [...types].filter((type) => type !== chosen && type !== 'null');
  return rest.length > 0 ? `Or ${rest.join(' or ')}` : '';
};

const renamed = (schema: Schema, name: string): Schema => ({
  ...schema,
  description: [`Named ${quotedJson(name, 200) ?? 'otherwise'} by its server.`, schema.description ?? '']
    .join(' ')
    .trim(),
});
