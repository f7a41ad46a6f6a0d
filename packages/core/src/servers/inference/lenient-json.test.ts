// JSON as people write it.
import { describe, expect, it } from 'vitest';
import { parseLenientJson } from './lenient-json.ts';

describe('JSON as people write it', () => {
  it.each([
    ['strict', '{"a": [1, "b"]}', { a: [1, 'b'] }],
    ['comments and trailing commas', '{\n// one\n"a": 1, /* two */ "b": [2,],\n}', { a: 1, b: [2] }],
    ['no outer braces', '"a": {"b": 1}', { a: { b: 1 } }],
    ['bare and single-quoted words', "{a: 'x', b: true, c: word}", { a: 'x', b: true, c: 'word' }],
    ['something left out', '{"a": 1,\n  ...\n}', { a: 1 }],
    ['escapes', '{"a": "\\u0041\\n", }', { a: 'A\n' }],
    ['an end that is missing', '{"a": {"b": 1', { a: { b: 1 } }],
  ])('reads %s', (_, source, expected) => {
    expect(parseLenientJson(source)).toEqual(expected);
  });

  it.each([
    ['prose', 'Hello there, this is text'],
    ['nothing', ''],
    ['a list that breaks', '[1, }'],
  ])('refuses %s', (_, source) => {
    expect(parseLenientJson(source)).toBeUndefined();
  });

  it('refuses what is nested deeper than any configuration, and what is larger', () => {
    expect(parseLenientJson('['.repeat(1000))).toBeUndefined();
    expect(parseLenientJson(`{"a": "${'x'.repeat(300_000)}"}`)).toBeUndefined();
  });

  it('takes __proto__ for a key and leaves every other object alone', () => {
    const value = parseLenientJson('{"__proto__": {"polluted": true}, }');
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
