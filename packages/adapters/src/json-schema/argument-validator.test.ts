// Arguments against schemas: what is told, what is let through, and what strangers' schemas cannot do.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createArgumentValidator } from './argument-validator.ts';

type Fields = Record<string, unknown>;

const validator = createArgumentValidator();
const validate = (schema: Fields, args: Fields) => validator.validate(schema, args);
const issues = (schema: Fields, args: Fields): string[] => {
  const { issues: found, unchecked } = validate(schema, args);
  expect(unchecked).toBeNull();
  return found.map(({ path, code, message }) => `${path.join('.')} [${code}] ${message}`);
};
const parsed = (json: string): Fields => {
  const value: Fields = JSON.parse(json);
  return value;
};

const object = (properties: Fields, more: Fields = {}): Fields => ({ type: 'object', properties, ...more });

const search = object(
  {
    query: { type: 'string', minLength: 2 },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
    sort: { enum: ['stars', 'updated'] },
    filters: { type: 'array', items: object({ 'a/b~c': { type: 'string' } }, { required: ['field'] }) },
  },
  { required: ['query'], additionalProperties: false },
);

describe('what is wrong', () => {
  it('is told with its path, a code and what would be right', () => {
    expect(issues(search, { query: 'mcp' })).toEqual([]);
    expect(
      issues(search, {
        limit: 'ten',
        sort: 'size',
        filters: [{ field: 1 }, { 'a/b~c': 5 }],
        extra: true,
      }).sort(),
    ).toEqual([
      'extra [additionalProperties] is not known to the tool',
      'filters.1.a/b~c [type] must be string',
      'filters.1.field [required] is required',
      'limit [type] must be integer',
      'query [required] is required',
      'sort [enum] must be one of "stars","updated"',
    ]);
    expect(validate(search, { query: 'mcp', filters: [{}] }).issues[0]?.path).toEqual([
      'filters',
      0,
      'field',
    ]);
    const byName = object({ 0: object({}, { required: ['x'] }) });
    expect(validate(byName, { 0: {} }).issues[0]?.path).toEqual(['0', 'x']);
  });

  it('never quotes what was given', () => {
    const secret = 'sk-live-0123456789abcdef';
    const strict = object(
      {
        a: { type: 'integer' },
        b: { enum: ['x'] },
        c: { pattern: '^a+$' },
        d: { format: 'uuid' },
        e: { const: 1 },
        f: { maxLength: 3 },
        g: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        h: false,
      },
      {},
    );
    const { issues: found } = validate(
      strict,
      Object.fromEntries(Array.from('abcdefgh').map((name) => [name, secret])),
    );
    expect(found.length).toBeGreaterThanOrEqual(8);
    expect(JSON.stringify(found)).not.toContain(secret);
  });

  it('is told 50 times at most', () => {
    const numbers = object({ list: { type: 'array', items: { type: 'number' } } });
    expect(validate(numbers, { list: Array.from({ length: 10_000 }, () => 'x') }).issues).toHaveLength(50);
  });

  it('is not mended: nothing is filled in, converted or taken away', () => {
    const args = Object.freeze({ query: 'mcp', filters: Object.freeze([]) });
    expect(issues(search, args)).toEqual([]);
    expect(args).toEqual({ query: 'mcp', filters: [] });
    expect(issues(object({ n: { type: 'number' } }), { n: '1' })).toEqual(['n [type] must be number']);
    const schema = structuredClone(search);
    issues(schema, args);
    expect(schema).toEqual(search);
  });
});

describe('dialects', () => {
  const tuple = { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false };
  const prefix = { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false };
  const wrong = { pair: ['a', 'b'] };

  it.each([
    ['http://json-schema.org/draft-07/schema#', tuple],
    ['https://json-schema.org/draft-07/schema', tuple],
    ['http://json-schema.org/draft-06/schema#', tuple],
    ['https://json-schema.org/draft/2019-09/schema', tuple],
    ['https://json-schema.org/draft/2020-12/schema', prefix],
    ['https://example.com/unknown', prefix],
    [undefined, prefix],
    [undefined, tuple],
  ])('%s', ($schema, pair) => {
    const schema = object({ pair }, { $schema });
    expect(issues(schema, wrong)).toEqual(['pair.1 [type] must be number']);
    expect(issues(schema, { pair: ['a', 1] })).toEqual([]);
  });

  it('follows references within the schema, into trees too', () => {
    const node = object({
      name: { type: 'string' },
      children: { type: 'array', items: { $ref: '#/$defs/node' } },
    });
    const tree = object({ root: { $ref: '#/$defs/node' } }, { $defs: { node } });
    expect(issues(tree, { root: { name: 'a', children: [{ name: 'b', children: [{ name: 1 }] }] } })).toEqual(
      ['root.children.0.children.0.name [type] must be string'],
    );
    const old = object({ a: { $ref: '#/definitions/b' } }, { definitions: { b: { type: 'string' } } });
    expect(issues(old, { a: 1 })).toEqual(['a [type] must be string']);
  });

  it('checks what zod and pydantic write', () => {
    const shape = z.object({
      url: z.url(),
      when: z.iso.datetime(),
      kind: z.discriminatedUnion('type', [
        z.object({ type: z.literal('a'), size: z.int().positive() }),
        z.object({ type: z.literal('b'), tags: z.array(z.string()).optional() }),
      ]),
      email: z.email().nullable(),
      by: z.record(z.string(), z.number()).default({}),
    });
    const args = {
      url: 'https://example.com',
      when: '2026-01-15T10:00:00Z',
      kind: { type: 'b', tags: ['x'] },
      email: null,
      by: {},
    };
    for (const target of ['draft-07', 'draft-2020-12'] as const) {
      const schema: Fields = { ...z.toJSONSchema(shape, { target }) };
      expect(validate(schema, args).issues).toEqual([]);
      expect(validate(schema, { ...args, kind: { type: 'a', size: 'x' } }).issues).not.toEqual([]);
    }
    const pydantic = {
      $defs: { Kind: { enum: ['x', 'y'], title: 'Kind', type: 'string' } },
      properties: {
        kind: { $ref: '#/$defs/Kind' },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null, title: 'Note' },
      },
      required: ['kind'],
      title: 'Arguments',
      type: 'object',
    };
    expect(issues(pydantic, { kind: 'x', note: null })).toEqual([]);
    expect(issues(pydantic, { kind: 'z' })).toEqual(['kind [enum] must be one of "x","y"']);
  });

  it('keeps schemas of the same id apart', () => {
    const one = object({ a: { type: 'string' } }, { $id: 'https://example.com/schema' });
    const other = object({ a: { type: 'number' } }, { $id: 'https://example.com/schema' });
    expect(issues(one, { a: 'x' })).toEqual([]);
    expect(issues(other, { a: 'x' })).toEqual(['a [type] must be number']);
  });
});

describe('what is let through', () => {
  it('is what unknown keywords and formats ask for, and malformed parts', () => {
    const schema = object(
      {
        a: { type: 'string', format: 'colour', 'x-widget': 'picker', example: 1 },
        b: { type: 'any', required: true },
        c: { type: 'string', minLength: '3', pattern: 5, enum: [] },
        d: null,
        e: { nullable: true },
        f: { type: 'number', exclusiveMinimum: true, multipleOf: 0 },
        g: { $async: true, type: 'string' },
        h: { id: 'urn:h', $comment: 3, type: 'string' },
      },
      { required: true, allOf: 'x', oneOf: [], patternProperties: [], discriminator: { propertyName: 'a' } },
    );
    expect(issues(schema, { a: 'red', b: 1, c: '', d: {}, e: null, f: 0, g: 'x', h: 'x' })).toEqual([]);
    expect(issues(schema, { a: 1, g: 1, h: 1 })).toEqual([
      'a [type] must be string',
      'g [type] must be string',
      'h [type] must be string',
    ]);
  });

  it('is a loose reading of formats', () => {
    const formats = object({
      when: { format: 'date-time' },
      at: { format: 'time' },
      mail: { format: 'email' },
      link: { format: 'uri' },
      step: { multipleOf: 0.01 },
    });
    const fine = {
      when: '2026-01-15T10:00:00',
      at: '10:00:00',
      mail: 'jörg@exämple.de',
      link: 'urn:x',
      step: 4.35,
    };
    expect(issues(formats, fine)).toEqual([]);
    expect(
      validate(formats, { when: 'soon', at: 'noon', mail: 'nobody', link: 'x y', step: 0.001 }).issues,
    ).toHaveLength(5);
  });

  it('is told for a schema that cannot be used', () => {
    const remote = object({ a: { $ref: 'https://example.com/schema.json' } });
    expect(validate(remote, { a: 1 })).toEqual({
      issues: [],
      unchecked: expect.stringContaining('https://example.com/schema.json'),
    });
    expect(validate(object({ a: { $ref: '#/$defs/missing' } }), {}).unchecked).toContain('missing');
    const circular: Fields = { type: 'object' };
    circular['properties'] = { self: circular };
    expect(validate(circular, {}).unchecked).not.toBeNull();
  });

  it('is told for patterns that need more than a linear search, while the rest is checked', () => {
    const schema = object({
      a: { pattern: '^(?=x)y' },
      b: { pattern: '(' },
      c: { type: 'string' },
      d: { pattern: '^(.)\\1$' },
    });
    const check = validate(schema, { a: 'z', b: 'z', c: 1, d: 'xy' });
    expect(check.issues.map(({ path }) => path)).toEqual([['c']]);
    expect(check.unchecked).toContain('^(?=x)y');
    expect(check.unchecked).toContain('"("');
    expect(validate(schema, { a: 'z' }).unchecked).toContain('^(?=x)y');
    expect(validate(schema, { c: 'x' }).unchecked).toBeNull();
  });
});

describe('names that every object has', () => {
  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'])('%s', (name) => {
    const schema = parsed(
      `{"type": "object", "properties": {"${name}": {"type": "string"}}, "additionalProperties": false}`,
    );
    expect(issues(schema, {})).toEqual([]);
    const required = { type: 'object', required: [name] };
    expect(issues(required, {})).toEqual([`${name} [required] is required`]);
    expect(issues(required, parsed(`{"${name}": "x"}`))).toEqual([]);
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});

describe('hostile schemas and arguments', { timeout: 60_000 }, () => {
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  /** Generous, and not of the clock: what is not bounded takes minutes to centuries here. */
  const guarded = (schema: Fields, args: Fields) => {
    const startedAt = cpuMs();
    const check = validate(schema, args);
    expect(cpuMs() - startedAt).toBeLessThan(5_000);
    return check;
  };

  it('cannot make it take for ever by references', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [
        `d${n}`,
        n === 59
          ? { type: 'object' }
          : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
      ]),
    );
    expect(guarded({ $defs, $ref: '#/$defs/d0' }, {}).unchecked).toContain('too long');
    expect(guarded({ $ref: '#' }, {}).unchecked).toContain('given up');
    const branching = object({ a: { allOf: [{ $ref: '#' }, { $ref: '#' }, { $ref: '#' }] } });
    const deep = parsed(`${'{"a":'.repeat(40)}{}${'}'.repeat(40)}`);
    expect(guarded(branching, deep).unchecked).toContain('too long');
  });

  it('cannot make it take for ever by patterns', () => {
    const evil = [
      '^(a+)+$',
      '^(a|a)*$',
      '^(.*)*x$',
      '(x+x+)+y',
      '^(a|b)*a(a|b){900}$',
      '^([a-z]+)*\\d$',
      'a{1000}'.repeat(200),
    ];
    for (const pattern of evil) {
      const { issues: found, unchecked } = guarded(object({ a: { pattern } }), {
        a: `${'ab'.repeat(200_000)}!`,
      });
      expect(found.length === 1 || unchecked !== null, pattern).toBe(true);
      guarded(object({ a: { pattern } }), { a: 'a'.repeat(40) });
    }
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`^(a|b)*a(a|b){${n % 100}}${n}$`, false]),
    );
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`${'ab'.repeat(20)}${n}`, 1]));
    expect(guarded({ patternProperties: many }, keys).unchecked).toContain('too long');
  });

  it('cannot make it take for ever by formats', () => {
    const hostile = ['a', '1', '.', '-', ':', '/', '0:', 'a.', '@', 'P1', '%20', '~0', ' ', '::'];
    for (const format of [
      'date',
      'date-time',
      'time',
      'duration',
      'email',
      'hostname',
      'ipv4',
      'ipv6',
      'json-pointer',
      'uri',
      'uuid',
    ])
      for (const piece of hostile) guarded(object({ a: { format } }), { a: `${piece.repeat(200_000)}\n!` });
  });

  it('cannot make it take for ever by size', () => {
    const items = Array.from({ length: 200_000 }, (_, n) => ({ n }));
    const unique = object({ list: { type: 'array', uniqueItems: true } });
    guarded(unique, { list: items });
    expect(issues(unique, { list: [{ a: 1, b: 2 }, 1, '1', '{"a":1}', { b: 2, a: 1 }] })).toEqual([
      'list [uniqueItems] must not have equal items',
    ]);
    const enumeration = Array.from({ length: 10_000 }, (_, n) => `value ${n}`);
    guarded(object({ list: { items: { enum: enumeration } } }), { list: items });
    guarded(object({ list: { items: { type: 'string' } } }), { list: items });
    const lengths = {
      allOf: Array.from({ length: 490 }, (_, n) => ({ properties: { a: { maxLength: n } } })),
    };
    guarded(lengths, { a: '€'.repeat(1_000_000) });
  });

  it('cannot make us compile for ever', () => {
    const nested = (depth: number): Fields =>
      parsed(`${'{"properties":{"a":'.repeat(depth)}{}${'}}'.repeat(depth)}`);
    expect(guarded(nested(40), {}).unchecked).toBeNull();
    expect(guarded(nested(200), {}).unchecked).toContain('nested');
    expect(guarded(nested(20_000), {}).unchecked).not.toBeNull();
    const wide = (count: number): Fields =>
      object(
        Object.fromEntries(
          Array.from({ length: count }, (_, n) => [`p${n}`, { type: 'string', maxLength: n }]),
        ),
      );
    expect(guarded(wide(900), { p5: 'more than five' }).issues).toHaveLength(1);
    expect(guarded(wide(1_001), {}).unchecked).toContain('parts');
    expect(guarded({ description: 'x'.repeat(300_000) }, {}).unchecked).toContain('longer');
    const shared = {
      $defs: { big: wide(400) },
      properties: Object.fromEntries(
        Array.from({ length: 500 }, (_, n) => [`q${n}`, { $ref: '#/$defs/big' }]),
      ),
    };
    expect(guarded(shared, { q5: { p5: 'more than five' } }).issues).toHaveLength(1);
  });

  it('cannot run code', () => {
    const name = '"];globalThis.polluted=1;//\'`${globalThis.polluted=1}\n\u2028*/';
    const schema = object(
      { [name]: { type: 'string', const: name, pattern: name } },
      {
        required: [name],
        $id: name,
        title: name,
        [name]: name,
        patternProperties: { [name]: { enum: [name] } },
        $defs: { [name]: {} },
      },
    );
    guarded(schema, { [name]: 1 });
    guarded({ ...schema, $id: 'x' }, {});
    expect(globalThis).not.toHaveProperty('polluted');
  });

  it('cannot overflow the stack', () => {
    const deep = parsed(`${'{"a":'.repeat(100_000)}{}${'}'.repeat(100_000)}`);
    expect(guarded(object({ a: { $ref: '#' } }), deep).unchecked).toContain('given up');
    expect(guarded(object({ a: { type: 'array' } }), deep).issues).toHaveLength(1);
  });
});
