// What every SecretBox must do: give a text back under its key and its context, and under nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretBoxError, type SecretBox, type SecretBoxFailure } from '../platform/secret-box.ts';

/** @param open a box with the key of that name: the same name gives the same key */
export function describeSecretBox(name: string, open: (key: string) => SecretBox): void {
  describe(`the secret box contract: ${name}`, () => {
    const failureOf = (opening: () => unknown): SecretBoxFailure | null => {
      try {
        opening();
        return null;
      } catch (error) {
        expect(error).toBeInstanceOf(SecretBoxError);
        return error instanceof SecretBoxError ? error.failure : null;
      }
    };

    it('gives any text back, in another life too', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, context) => {
          expect(open('one').open(open('one').seal(text, context), context)).toBe(text);
        }),
      );
    });

    it('seals the same text differently each time', () => {
      const box = open('one');
      expect(box.seal('text', 'a')).not.toBe(box.seal('text', 'a'));
    });

    it('tells another key from damage', () => {
      expect(failureOf(() => open('other').open(open('one').seal('text', 'a'), 'a'))).toBe('other_key');
    });

    it('opens nothing in another context', () => {
      expect(failureOf(() => open('one').open(open('one').seal('text', 'a'), 'b'))).toBe('damaged');
    });

    it('opens nothing that was changed or cut', () => {
      const box = open('one');
      const sealed = box.seal('a text of some length', 'a');
      fc.assert(
        fc.property(
          fc.nat({ max: sealed.length - 1 }),
          fc.constantFrom('A', 'a', '0', '-', '_', '.'),
          fc.boolean(),
          (at, character, cut) => {
            const changed = sealed.slice(0, at) + (cut ? '' : character + sealed.slice(at + 1));
            fc.pre(changed !== sealed);
            expect(failureOf(() => box.open(changed, 'a'))).not.toBeNull();
          },
        ),
      );
      for (const nonsense of ['', '.', 'v1', 'v1..', `${sealed}A`, ` ${sealed}`, `${sealed}\n`])
        expect(
          failureOf(() => box.open(nonsense, 'a')),
          nonsense,
        ).toBe('damaged');
    });
  });
}
