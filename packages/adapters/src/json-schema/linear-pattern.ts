// Patterns of strangers against strings of others, in time that grows with the string and never faster.
import { RE2JS } from 're2js';
import type { WorkMeter } from './work-meter.ts';

export interface LinearPattern {
  test(text: string): boolean;
  /** Distinguishes patterns from each other. */
  toString(): string;
}

/** Longer patterns, and those whose repetitions would blow them up to more, are not checked. */
const maxPatternLength = 2_000;
const maxPatternSize = 100_000;
/** In units of the meter: 100 KB against a pattern of 16 instructions, such as that of a data URL. */
const maxWorkPerText = 50_000;

/**
 * The engine is RE2's: no backtracking, hence no look-around and no back-references. What it cannot check it accepts,
 * and tells `onUnchecked` each time. It is compiled when it is first used.
 */
export function createLinearPattern(
  pattern: string,
  { meter, onUnchecked }: { meter: WorkMeter; onUnchecked: (reason: string) => void },
): LinearPattern {
  const accept = (reason: string): true => {
    onUnchecked(`the pattern ${JSON.stringify(pattern.slice(0, 80))} ${reason}`);
    return true;
  };
  let compiled: { engine: RE2JS } | { problem: string } | undefined;
  return {
    test(text) {
      compiled ??= compile(pattern, meter);
      if ('problem' in compiled) return accept(compiled.problem);
      // In the worst case each instruction is tried at each character.
      const work = 1 + Math.ceil((text.length * compiled.engine.programSize()) / 32);
      if (work > maxWorkPerText) return accept('is too much work on a long text');
      meter.spend(work);
      return compiled.engine.test(text);
    },
    toString: () => pattern,
  };
}

function compile(pattern: string, meter: WorkMeter): { engine: RE2JS } | { problem: string } {
  const size = sizeOf(pattern);
  if (pattern.length > maxPatternLength || size > maxPatternSize) return { problem: 'is too large' };
  if (!isPattern(pattern)) return { problem: 'is no regular expression' };
  // A class by name to RE2, but only some characters to JavaScript, whose patterns these are.
  if (pattern.includes('[:')) return { problem: 'means different things to different engines' };
  meter.spend(size >> 2);
  try {
    return { engine: RE2JS.compile(RE2JS.translateRegExp(pattern)) };
  } catch {
    return { problem: 'needs more than a linear search' };
  }
}

const isPattern = (pattern: string): boolean =>
  ['u', ''].some((flags) => {
    try {
      // Is parsed here, never run.
      return new RegExp(pattern, flags).flags === flags;
    } catch {
      return false;
    }
  });

/** An upper estimate of the size when counted repetitions are written out. */
function sizeOf(pattern: string): number {
  let repetitions = 1;
  for (const [, least = '0', most = least] of pattern.matchAll(/\{(\d{1,9})(?:,(\d{1,9})?)?\}/g))
    repetitions += Math.max(Number(least), Number(most));
  return pattern.length * repetitions;
}
