// Patterns without backtracking say what JavaScript's own would say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLinearPattern } from './linear-pattern.ts';
import { createWorkMeter } from './work-meter.ts';

const patternOf = (pattern: string) => {
  const meter = createWorkMeter();
  meter.reset();
  const notes: string[] = [];
  const linear = createLinearPattern(pattern, { meter, onUnchecked: (reason) => notes.push(reason) });
  return { linear, notes, meter };
};

describe('createLinearPattern', () => {
  it.each([
    '^[a-zA-Z0-9_-]{1,64}$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$',
    '^https?://',
    '^(foo|bar)(-\\w+)?$',
    '^\\/[\\w\\-.\\/]*$',
    '^[\\u4e00-\\u9fa5a]+$',
    '^\\u0061+$',
    '^\\x61',
    '\\ba\\b',
    '^#?([a-f0-9]{6}|[a-f0-9]{3})$',
    '^(?<year>\\d+)$',
    '^$',
    '',
    '^.{2,5}$',
    'a|^b$',
    '^[^]a',
    '^(?:a?){3}b*?$',
    '^\\p{L}+$',
  ])('%s', (pattern) => {
    const native = new RegExp(pattern, 'u');
    const { linear, notes } = patternOf(pattern);
    // The generator knows no \\b, and no empty pattern.
    const matching = /\\b|^$/.test(pattern) ? fc.constant('a') : fc.stringMatching(native);
    const text = fc.oneof(
      matching,
      fc.string({ unit: fc.constantFrom(...Array.from('ab0-9_/.@# é中🎉fo:htps')), maxLength: 12 }),
    );
    fc.assert(
      fc.property(text, (sample) => {
        const { linear: fresh } = patternOf(pattern);
        expect(fresh.test(sample)).toBe(native.test(sample));
      }),
      { numRuns: 50 },
    );
    expect(linear.test('')).toBe(native.test(''));
    expect(notes).toEqual([]);
  });

  it.each([
    ['looks ahead', '(?=a)b'],
    ['looks behind', '(?<!a)b'],
    ['refers back', '(a)\\1'],
    ['is none', '('],
    ['names a class', '[[:alpha:]]'],
    ['counts too far', 'a{1001}'],
    ['is large when written out', 'a{1000}'.repeat(100)],
    ['is long', 'a'.repeat(2_001)],
  ])('accepts everything, and says so, where a pattern %s', (_reason, pattern) => {
    const { linear, notes } = patternOf(pattern);
    expect([linear.test('x'), linear.test('')]).toEqual([true, true]);
    expect(notes).toEqual([notes[0], notes[0]]);
    expect(notes[0]).toContain('the pattern "');
  });

  it('leaves out a text that is too long for its size, and says so', () => {
    const { linear, notes } = patternOf('^(a|b)*a(a|b){200}$');
    expect(linear.test('ab'.repeat(100_000))).toBe(true);
    expect(notes).toEqual([expect.stringContaining('too much work')]);
    expect(linear.test('b')).toBe(false);
    expect(patternOf('^data:[a-z]+;').linear.test('x'.repeat(90_000))).toBe(false);
  });

  it('gives up when many texts are too much together', () => {
    const { linear } = patternOf('^(a|b)*a(a|b){200}$');
    expect(() => {
      for (let count = 0; count < 1_000; count += 1) linear.test('ab'.repeat(500));
    }).toThrow('too long');
  });
});
