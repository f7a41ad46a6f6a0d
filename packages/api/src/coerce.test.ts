// Strings of a query or a path: what becomes of them, and that the schema stays as it was.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coerceFields, coerceString, fieldsOf, unwrap } from './coerce.ts';

describe('one string', () => {
  it.each([
    [z.number(), '100', 100],
    [z.number(), '-1.5e3', -1500],
    [z.int().min(1).max(100).default(50), '7', 7],
    [z.number().optional(), '7', 7],
    [z.number().nullish(), '7', 7],
    [z.number().catch(3), '7', 7],
    [z.number().readonly(), '7', 7],
    [z.number().transform(String), '7', 7],
    [z.number().pipe(z.number().min(1)), '7', 7],
    [z.boolean(), 'true', true],
    [z.boolean(), '1', true],
    [z.boolean(), 'false', false],
    [z.boolean(), '0', false],
    [z.boolean().default(false), 'false', false],
    [z.date(), '2026-01-02T03:04:05Z', new Date('2026-01-02T03:04:05Z')],
    [z.string(), '100', '100'],
    [z.string(), 'true', 'true'],
    [z.enum(['1', '2']), '1', '1'],
    [z.array(z.string()), 'a,b', ['a', 'b']],
    [z.array(z.number()).min(1), '1,2', [1, 2]],
    [z.array(z.number()), ['1', '2'], [1, 2]],
  ] as const)('for %o: %o becomes %o', (schema, text, expected) => {
    expect(coerceString(schema, text)).toEqual(expected);
  });

  it.each([
    [z.number(), ''],
    [z.number(), ' '],
    [z.number(), 'ten'],
    [z.number(), '1,5'],
    [z.number(), 'Infinity'],
    [z.number(), 'NaN'],
    [z.boolean(), 'maybe'],
    [z.boolean(), 'TRUE'],
    [z.boolean(), ''],
    [z.date(), 'soon'],
  ])('for %o: %o stays a string, which the schema then refuses', (schema, text) => {
    const left = coerceString(schema, text);
    expect(left).toBe(text);
    expect(schema.safeParse(left).success).toBe(false);
  });

  it('leaves what is no string alone', () => {
    expect(coerceString(z.number(), ['1', '2'])).toEqual(['1', '2']);
    expect(coerceString(z.number(), undefined)).toBeUndefined();
  });
});

describe('the fields of an object', () => {
  const schema = z.strictObject({ limit: z.int().default(5), follow: z.boolean(), name: z.string() });

  it('turns each by its own schema and passes on what it does not know', () => {
    expect(coerceFields(schema, { limit: '3', follow: 'false', name: '3', more: '3' })).toEqual({
      limit: 3,
      follow: false,
      name: '3',
      more: '3',
    });
  });

  it('finds them behind transforms, defaults and refinements', () => {
    const wrapped = schema
      .refine(() => true)
      .default({ limit: 1, follow: true, name: '' })
      .optional();
    expect(coerceFields(wrapped, { limit: '3' })).toEqual({ limit: 3 });
    expect(coerceFields(schema.transform(String), { limit: '3' })).toEqual({ limit: 3 });
    expect(Object.keys(fieldsOf(wrapped))).toEqual(['limit', 'follow', 'name']);
  });

  it('takes no field from a prototype', () => {
    const raw: Record<string, unknown> = JSON.parse('{"constructor":"1","toString":"1","__proto__":"1"}');
    const coerced = coerceFields(schema, raw);
    expect(Object.keys(coerced)).toEqual(['constructor', 'toString', '__proto__']);
    expect(Object.values(coerced)).toEqual(['1', '1', '1']);
    expect(schema.safeParse({ follow: true, name: '', ...coerced }).success).toBe(false);
  });

  it('knows none where the schema is no object', () => {
    expect(fieldsOf(z.string())).toEqual({});
    expect(unwrap(z.string().optional())).toBeInstanceOf(z.ZodString);
  });

  it('never changes the schema: what it coerced before is still refused as a string', () => {
    const before = JSON.stringify(z.toJSONSchema(schema));
    for (let round = 0; round < 3; round += 1)
      coerceFields(schema, { limit: '3', follow: 'true', name: 'x' });
    expect(JSON.stringify(z.toJSONSchema(schema))).toBe(before);
    expect(schema.safeParse({ limit: '3', follow: true, name: 'x' }).success).toBe(false);
    expect(schema.safeParse({ limit: 3, follow: 'true', name: 'x' }).success).toBe(false);
  });
});
