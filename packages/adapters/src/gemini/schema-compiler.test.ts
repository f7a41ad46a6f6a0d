// The schema compiler: what comes out is always accepted, and what is written against it comes back as the original has it.
import { Type, type Schema } from '@google/genai';
import { isJsonObject, type JsonObject, type JsonValue } from '@insightloop/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restored, type Restore } from './restore.ts';
import { compileSchema } from './schema-compiler.ts';
import { schemaRefusals } from './testing/refusals.ts';

const refusals = (schema: JsonObject): string[] => {
  const compiled = compileSchema(schema).schema;
  return compiled === null ? [] : schemaRefusals(compiled, 'parameters');
};
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...more,
});
/** What the property `x` becomes. */
const compiledOf = (
  x: JsonValue,
  more: JsonObject = {},
): { schema: Schema | undefined; back: (value: JsonValue) => JsonValue } => {
  const { schema, restore } = compileSchema(object({ x }, more));
  return {
    schema: schema?.properties?.['x'],
    back: (value) => {
      const whole = restored({ x: value }, restore);
      return isJsonObject(whole) ? (whole['x'] ?? null) : null;
    },
  };
};

describe('any schema', () => {
  const names = fc.constantFrom(
    'a',
    'b',
    '$ref',
    '__proto__',
    'constructor',
    'type',
    'a b',
    'a_b',
    'x'.repeat(90),
  );
  const { schema: anySchema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { maxDepth: 2, depthSize: 'xsmall' },
      fc.constantFrom(true, false, {}, null, 7, 'string'),
      fc.record(
        {
          type: fc.oneof(
            fc.constantFrom('string', 'number', 'integer', 'boolean', 'array', 'object', 'null', 'file', 3),
            fc.array(fc.constantFrom('string', 'number', 'array', 'object', 'null')),
          ),
          description: fc.oneof(fc.string(), fc.constant(5)),
          nullable: fc.boolean(),
          enum: fc.array(fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('', 1, '1', null, true))),
          const: fc.jsonValue({ maxDepth: 1 }),
          properties: fc.oneof(fc.dictionary(names, tie('schema'), { maxKeys: 4 }), fc.constant([1])),
          required: fc.oneof(fc.array(names), fc.constant('a')),
          additionalProperties: tie('schema'),
          patternProperties: fc.dictionary(fc.string(), tie('schema'), { maxKeys: 2 }),
          items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 3 })),
          prefixItems: fc.array(tie('schema'), { maxLength: 3 }),
          anyOf: fc.array(tie('schema'), { maxLength: 3 }),
          oneOf: fc.array(tie('schema'), { maxLength: 3 }),
          allOf: fc.array(tie('schema'), { maxLength: 3 }),
          not: tie('schema'),
          then: tie('schema'),
          dependentSchemas: fc.dictionary(names, tie('schema'), { maxKeys: 2 }),
          $ref: fc.constantFrom('#', '#/properties/a', '#/$defs/a', '#a', 'https://x.test/y', '#/%zz', ''),
          $defs: fc.dictionary(names, tie('schema'), { maxKeys: 2 }),
          minimum: fc.oneof(fc.double(), fc.integer()),
          maximum: fc.oneof(fc.double(), fc.integer()),
          exclusiveMinimum: fc.oneof(fc.integer(), fc.boolean()),
          format: fc.constantFrom('date-time', 'uri', 'int64'),
          default: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    ),
  }));
  const anyObject = anySchema.filter((schema): schema is JsonObject => isJsonObject(schema));

  it('is accepted, whatever is in it', () => {
    fc.assert(
      fc.property(anyObject, (schema) => {
        const before = JSON.stringify(schema);
        expect(refusals(schema)).toEqual([]);
        expect(JSON.stringify(schema)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  it('is accepted as a part of arguments, and any value comes back without harm', () => {
    fc.assert(
      fc.property(anySchema, fc.jsonValue(), (x, value) => {
        const schema = object({ x: x as JsonValue });
        expect(refusals(schema)).toEqual([]);
        const { restore } = compileSchema(schema);
        expect(() => restored({ x: value as JsonValue }, restore)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
});

describe('what fits the original', () => {
  /** A schema together with a value that fits it. */
  type Pair = { schema: JsonObject; value: JsonValue };
  const pairOf = (schema: JsonObject, value: JsonValue): Pair => ({ schema, value });
  const plainText = fc.string().filter((text) => !/^\s*[{[]/.test(text));
  const scalar: fc.Arbitrary<Pair> = fc.oneof(
    plainText.map((value) => pairOf({ type: 'string' }, value)),
    fc.integer().map((value) => pairOf({ type: 'integer' }, value)),
    fc.boolean().map((value) => pairOf({ type: 'boolean' }, value)),
    fc.constant(pairOf({ type: ['string', 'null'] }, null)),
    plainText.map((value) => pairOf({ type: ['string', 'object'] }, value)),
    fc
      .uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
        minLength: 1,
        maxLength: 5,
        selector: String,
      })
      .chain((values) => fc.constantFrom(...values).map((value) => pairOf({ enum: values }, value))),
    fc.jsonValue({ maxDepth: 2 }).map((value) => pairOf({}, value as JsonValue)),
    fc
      .dictionary(fc.string(), fc.integer())
      .map((value) => pairOf({ type: 'object', additionalProperties: { type: 'integer' } }, value)),
  );
  const { pair } = fc.letrec<{ pair: Pair }>((tie) => ({
    pair: fc.oneof(
      { maxDepth: 7, depthSize: 'medium' },
      scalar,
      fc
        .dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a b', 'a_b')), tie('pair'), {
          minKeys: 1,
          maxKeys: 4,
        })
        .map((pairs) => ({
          schema: object(
            Object.fromEntries(Object.entries(pairs).map(([name, { schema }]) => [name, schema])),
            {
              required: Object.keys(pairs),
            },
          ),
          value: Object.fromEntries(Object.entries(pairs).map(([name, { value }]) => [name, value])),
        })),
      tie('pair').map(({ schema, value }) => ({
        schema: { type: 'array', items: schema },
        value: [value, value],
      })),
      tie('pair').map(({ schema, value }) => ({ schema: { allOf: [schema, {}] }, value })),
      tie('pair').map(({ schema, value }) => ({ schema: { anyOf: [schema, { type: 'null' }] }, value })),
    ),
  }));

  it('can be written against what is declared, and comes back as it was', () => {
    fc.assert(
      fc.property(pair, ({ schema: x, value }) => {
        const { schema, restore } = compileSchema(object({ x }));
        const written = write({ x: value }, restore);
        expect(misfit(written, schema)).toBeNull();
        expect(JSON.stringify(restored(written, restore))).toBe(JSON.stringify({ x: value }));
      }),
      { numRuns: 300 },
    );
  });

  /** As a model writes it that keeps to what is declared. */
  function write(value: JsonValue, restore: Restore): JsonValue {
    switch (restore?.kind) {
      case 'json':
        return typeof value === 'string' && restore.reads === 'containers' ? value : JSON.stringify(value);
      case 'values':
        return (
          [...restore.byText].find(([, other]) => JSON.stringify(other) === JSON.stringify(value))?.[0] ??
          value
        );
      case 'list':
        return Array.isArray(value) ? value.map((item) => write(item, restore.items)) : value;
      case 'object': {
        if (!isJsonObject(value)) return value;
        const alias = new Map(
          [...restore.byAlias].map(([key, { name, restore: part }]) => [name, { key, part }]),
        );
        return Object.fromEntries(
          Object.entries(value).map(([name, part]) => {
            const known = alias.get(name);
            return known === undefined ? [name, part] : [known.key, write(part, known.part)];
          }),
        );
      }
      default:
        return value;
    }
  }

  /** Where a value does not fit what is declared; null where it does. */
  function misfit(value: JsonValue, schema: Schema | null | undefined, path = ''): string | null {
    if (schema === null || schema === undefined) return `${path}: not declared`;
    if (value === null) return schema.nullable === true ? null : `${path}: null`;
    if (schema.enum !== undefined && !schema.enum.some((one) => one === value))
      return `${path}: not of the enum`;
    switch (schema.type) {
      case Type.STRING:
        return typeof value === 'string' ? null : `${path}: no text`;
      case Type.BOOLEAN:
        return typeof value === 'boolean' ? null : `${path}: neither true nor false`;
      case Type.INTEGER:
      case Type.NUMBER:
        return typeof value === 'number' ? null : `${path}: no number`;
      case Type.ARRAY:
        if (!Array.isArray(value)) return `${path}: no list`;
        return (
          value.map((item, index) => misfit(item, schema.items, `${path}[${index}]`)).find((one) => one) ??
          null
        );
      default: {
        if (!isJsonObject(value)) return `${path}: no object`;
        const missing = schema.required?.find((name) => !Object.hasOwn(value, name));
        if (missing !== undefined) return `${path}.${missing}: missing`;
        return (
          Object.entries(value)
            .map(([name, part]) => misfit(part, schema.properties?.[name], `${path}.${name}`))
            .find((one) => one) ?? null
        );
      }
    }
  }
});

describe('a part', () => {
  it.each<[string, JsonValue, Partial<Schema>]>([
    ['nullable by a list of types', { type: ['string', 'null'] }, { type: Type.STRING, nullable: true }],
    [
      'nullable by anyOf',
      { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      { type: Type.INTEGER, nullable: true },
    ],
    ['of two kinds of number', { type: ['integer', 'number'] }, { type: Type.NUMBER }],
    [
      'that is one thing or a list of them',
      { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      { type: Type.ARRAY, items: { type: Type.STRING } },
    ],
    [
      'with alternatives of constants',
      { oneOf: [{ const: 'a' }, { const: 'b' }] },
      { type: Type.STRING, enum: ['a', 'b'] },
    ],
    ['with an empty text among its values', { enum: ['', 'a'] }, { type: Type.STRING, enum: ['a', '""'] }],
    ['that can only be null', { type: 'null' }, { type: Type.STRING, enum: ['null'] }],
    [
      'with a range',
      { type: 'integer', exclusiveMinimum: 0, maximum: 10 },
      { type: Type.INTEGER, minimum: 1, maximum: 10 },
    ],
    [
      'with a default',
      { type: 'string', description: 'A name', default: 'x' },
      { type: Type.STRING, description: 'A name. Default "x".' },
    ],
    [
      'with a pattern',
      { type: 'string', pattern: '^a+$' },
      { type: Type.STRING, description: 'Matches "^a+$".' },
    ],
    ['with a format', { type: 'string', format: 'uri' }, { type: Type.STRING, description: 'Format "uri".' }],
    ['that is a date', { type: 'string', format: 'date-time' }, { type: Type.STRING, format: 'date-time' }],
    [
      'that is a list of anything',
      { type: 'array' },
      { type: Type.ARRAY, items: { type: Type.STRING, description: 'Any value, written as JSON text.' } },
    ],
  ])('%s', (_name, x, expected) => {
    expect(compiledOf(x).schema).toEqual(expected);
  });

  it('with values that are no text has them back', () => {
    const { schema, back } = compiledOf({ enum: [1, 2.5, true, 'true', null, ''] });
    expect(schema).toEqual({ type: Type.STRING, enum: ['true', '1', '2.5', '""'], nullable: true });
    expect(['1', '2.5', 'true', '""', 'other', 1].map(back)).toEqual([1, 2.5, 'true', '', 'other', 1]);
  });

  it('that may be anything is JSON text, and what comes as itself stays', () => {
    const { schema, back } = compiledOf({ description: 'Whatever' });
    expect(schema).toEqual({ type: Type.STRING, description: 'Whatever. Any value, written as JSON text.' });
    expect(['{"a": [1]}', '7', 'seven', { a: 1 }].map(back)).toEqual([{ a: [1] }, 7, 'seven', { a: 1 }]);
  });

  it('that may be text or an object is read as an object only where it is one', () => {
    const { back } = compiledOf({ type: ['string', 'object'] });
    expect(['{"a": 1}', '7', 'true', '{no'].map(back)).toEqual([{ a: 1 }, '7', 'true', '{no']);
  });

  it('of a dictionary says what its values are', () => {
    const { schema, back } = compiledOf({ type: 'object', additionalProperties: { type: 'integer' } });
    expect(schema).toEqual({
      type: Type.STRING,
      description: 'JSON text of type object, like {[name]: integer}.',
    });
    expect(back('{"a": 1}')).toEqual({ a: 1 });
  });

  it('of several shapes is one wide object, and words say what belongs together', () => {
    const { schema } = compiledOf({
      oneOf: [
        object({ kind: { const: 'file' }, path: { type: 'string' } }, { required: ['kind', 'path'] }),
        object({ kind: { const: 'url' }, url: { type: 'string' } }, { required: ['kind', 'url'] }),
      ],
    });
    expect(schema).toMatchObject({
      type: Type.OBJECT,
      properties: {
        kind: { enum: ['file', 'url'] },
        path: { type: Type.STRING },
        url: { type: Type.STRING },
      },
      required: ['kind'],
      description: 'One of: {kind: "file", path: string} | {kind: "url", url: string}.',
    });
  });

  it('of many shapes keeps all of what tells them apart', () => {
    const kinds = Array.from({ length: 120 }, (_, index) => `kind ${index}`);
    const { schema } = compiledOf({
      oneOf: kinds.map((kind) => object({ kind: { const: kind } }, { required: ['kind'] })),
    });
    expect(schema?.properties?.['kind']?.enum).toEqual(kinds);
  });

  it('of a tuple says the order', () => {
    const { schema } = compiledOf({ type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] });
    expect(schema).toEqual({
      type: Type.ARRAY,
      items: { type: Type.NUMBER },
      description: 'In this order: [number, number].',
    });
  });
});

describe('names of properties', () => {
  it('are made to fit and come back, prototype keys included', () => {
    const schema = JSON.parse(
      '{"type": "object", "required": ["$select", "__proto__"], "properties": {"$select": {"type": "string"}, "user.id": {"type": "integer"}, "__proto__": {"type": "string"}, "constructor": {"type": "string"}}}',
    ) as JsonObject;
    const { schema: compiled, restore } = compileSchema(schema);
    expect(refusals(schema)).toEqual([]);
    const keys = Object.keys(compiled?.properties ?? {});
    expect(keys).toHaveLength(4);
    expect(keys).toEqual(expect.arrayContaining(['_select', 'user_id', 'constructor']));
    expect(compiled?.properties?.['_select']?.description).toBe('Named "$select" by its server.');
    const proto = keys.find((key) => key.startsWith('__proto__')) ?? '';
    const back = restored({ _select: 'a', user_id: 1, [proto]: 'b', constructor: 'c', other: true }, restore);
    expect(JSON.stringify(back)).toBe(
      '{"$select":"a","user.id":1,"__proto__":"b","constructor":"c","other":true}',
    );
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });
});

describe('a monster', () => {
  const node = {
    type: 'object',
    properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
  };

  it('that contains itself ends', () => {
    const schema = object({ root: { $ref: '#/$defs/node' } }, { $defs: { node } });
    expect(refusals(schema)).toEqual([]);
    expect(compileSchema(schema).schema?.properties?.['root']?.properties?.['children']?.items).toMatchObject(
      {
        type: Type.STRING,
        description: expect.stringContaining('goes on in the same shape'),
      },
    );
  });

  it.each<[string, JsonObject]>([
    ['a reference to itself', { $ref: '#' }],
    [
      'two references to each other',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    ],
    ['allOf of itself', { allOf: [{ $ref: '#' }, { anyOf: [{ $ref: '#' }] }], properties: { a: {} } }],
    [
      'alternatives of itself',
      object({ a: { anyOf: [{ $ref: '#' }, { $ref: '#/properties/a' }, { type: 'string' }] } }),
    ],
    ['a reference elsewhere', object({ a: { $ref: 'https://schemas.test/a.json' } })],
    [
      'a reference by anchor',
      object({ a: { $ref: '#thing' } }, { $defs: { t: { $anchor: 'thing', type: 'string' } } }),
    ],
    [
      'references that double',
      object(
        { a: { $ref: '#/$defs/d0' } },
        {
          $defs: Object.fromEntries(
            Array.from({ length: 40 }, (_, n) => [
              `d${n}`,
              { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
            ]),
          ),
        },
      ),
    ],
    [
      '20 levels',
      Array.from({ length: 20 }).reduce<JsonObject>((inner) => object({ a: inner }), { type: 'string' }),
    ],
    [
      '5,000 levels',
      Array.from({ length: 5_000 }).reduce<JsonObject>((inner) => ({ allOf: [object({ a: inner })] }), {
        type: 'string',
      }),
    ],
    [
      '5,000 properties',
      object(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`p ${n}`, { type: 'string' }]))),
    ],
    [
      '5,000 alternatives',
      object({ a: { anyOf: Array.from({ length: 5_000 }, (_, n) => object({ [`p${n}`]: { const: n } })) } }),
    ],
    ['5,000 values', object({ a: { enum: Array.from({ length: 5_000 }, (_, n) => `value ${n}`) } })],
    ['a million characters', object({ a: { type: 'string', description: 'x'.repeat(1_000_000) } })],
    ['no object', { type: 'array', items: { type: 'string' } }],
    ['nothing', {}],
  ])('is accepted: %s', (_name, schema) => {
    expect(refusals(schema)).toEqual([]);
    expect(JSON.stringify(compileSchema(schema).schema).length).toBeLessThan(256 * 1024);
  });

  it('follows references by anchor and by escaped pointer', () => {
    const schema = object(
      { a: { $ref: '#thing' }, b: { $ref: '#/$defs/x~1y%20z' } },
      { $defs: { t: { $anchor: 'thing', type: 'integer' }, 'x/y z': { type: 'boolean' } } },
    );
    expect(compileSchema(schema).schema?.properties).toEqual({
      a: { type: Type.INTEGER },
      b: { type: Type.BOOLEAN },
    });
  });

  it('that is deep goes on as JSON text that comes back whole', () => {
    const deep = object({
      a: object({ b: object({ c: object({ d: object({ e: { type: 'integer' } }) }) }) }),
    });
    const { schema, restore } = compileSchema(deep);
    expect(schema?.properties?.['a']?.properties?.['b']?.properties?.['c']?.properties?.['d']).toEqual({
      type: Type.STRING,
      description: 'JSON text of type object, like {e?: integer}.',
    });
    expect(restored({ a: { b: { c: { d: '{"e": 5}' } } } }, restore)).toEqual({
      a: { b: { c: { d: { e: 5 } } } },
    });
  });
});

describe('arguments that nobody has named', () => {
  it('come as one text, and are spread', () => {
    const { schema, restore } = compileSchema({ type: 'object', additionalProperties: { type: 'number' } });
    expect(Object.keys(schema?.properties ?? {})).toEqual(['arguments_json']);
    expect(restored({ arguments_json: '{"a": 1, "__proto__": 2}' }, restore)).toEqual(
      JSON.parse('{"a": 1, "__proto__": 2}'),
    );
    expect(restored({ a: 1 }, restore)).toEqual({ a: 1 });
  });

  it('are none where the schema names none', () => {
    expect(compileSchema({ type: 'object', properties: {}, additionalProperties: false })).toEqual({
      schema: null,
      restore: null,
    });
    expect(compileSchema({ type: 'object' })).toEqual({ schema: null, restore: null });
  });
});
