// What is taken out of a log line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText } from './log-line.ts';

describe('plainText', () => {
  it.each([
    ['\u001b[31mred\u001b[0m and \u001b[1;38;5;208mbold\u001b[m', 'red and bold'],
    ['\u009b31mred', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001b(Bcharset \u001bMreverse', 'charset reverse'],
    ['tab\tstays, \u0000nul \u0008back \u007fdel \u0085nel go\r\n', 'tab\tstays, nul back del nel go'],
    ['Grüße, 世界 🎉', 'Grüße, 世界 🎉'],
    ['unfinished \u001b]0;title', 'unfinished 0;title'],
    ['at the end \u001b', 'at the end '],
  ])('%j', (text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  it('leaves no control character but the tab', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('\u001b\u009b[]()\\;0mB?\u0007 \u0000\u0085\tx')) }),
        (text) => {
          // eslint-disable-next-line no-control-regex -- control characters are what this is about
          expect(plainText(text)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
        },
      ),
    );
  });
});
