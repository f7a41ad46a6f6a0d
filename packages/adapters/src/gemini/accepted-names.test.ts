// Names for Gemini: always fitting, never two the same, and those that fit left alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedNames, functionNames, propertyNames } from './accepted-names.ts';

const odd = fc.oneof(
  fc.string(),
  fc.string({ minLength: 60, maxLength: 200 }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'a b',
    'a_b',
    'a/b',
    'a.b',
    '1',
    '',
    '_',
    '-a',
  ),
);

describe.each([
  ['functions', functionNames],
  ['properties', propertyNames],
])('names of %s', (_name, rule) => {
  it('fit, are different, and lead back', () => {
    fc.assert(
      fc.property(fc.array(odd), (names) => {
        const accepted = acceptedNames(names, rule);
        expect([...accepted.keys()].sort()).toEqual([...new Set(names)].sort());
        expect(new Set(accepted.values()).size).toBe(accepted.size);
        for (const name of accepted.values()) {
          expect(name).toMatch(rule.fits);
          expect(name).not.toBe('__proto__');
        }
        for (const name of names)
          if (rule.fits.test(name) && name !== '__proto__') expect(accepted.get(name)).toBe(name);
      }),
    );
  });

  it('are the same in any order', () => {
    fc.assert(
      fc.property(fc.array(odd), (names) => {
        const [there, back] = [acceptedNames(names, rule), acceptedNames(names.toReversed(), rule)];
        for (const name of names) expect(back.get(name)).toBe(there.get(name));
      }),
    );
  });
});

it('names stay readable', () => {
  const accepted = acceptedNames(
    ['read file', 'read_file', 'read/file', '2nd', 'user.id', 'ns:tool-1'],
    functionNames,
  );
  expect(Object.fromEntries(accepted)).toEqual({
    read_file: 'read_file',
    'user.id': 'user.id',
    'ns:tool-1': 'ns:tool-1',
    '2nd': '_2nd',
    'read file': expect.stringMatching(/^read_file_[0-9a-f]{8}$/),
    'read/file': expect.stringMatching(/^read_file_[0-9a-f]{8}$/),
  });
});
