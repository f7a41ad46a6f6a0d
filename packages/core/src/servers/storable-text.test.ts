// Texts of strangers, made storable.
import { expect, it } from 'vitest';
import { madeStorableDeep, storableText } from './storable-text.ts';

it('keeps what can be kept, and replaces the rest', () => {
  const at = new Date(0);
  const made = madeStorableDeep({ 'a\0': ['b\0', { c: '\ud800' }], at, n: 1, none: null });
  expect(made).toEqual({ 'a\ufffd': ['b\ufffd', { c: '\ufffd' }], at, n: 1, none: null });
  expect(storableText.safeParse(JSON.stringify(made)).success).toBe(true);
});

it('has an end where data has none', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  expect(JSON.stringify(madeStorableDeep(deep)).length).toBeLessThan(200);
});

it('takes keys of prototypes as keys', () => {
  const made = madeStorableDeep(JSON.parse('{"__proto__": {"x": "1"}}') as object);
  expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  expect(JSON.stringify(made)).toBe('{"__proto__":{"x":"1"}}');
});
