// The clock and the identifiers of a real machine.
import type { Clock, Ids } from '@insightloop/core';
import { createHash, randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** SHA-256 in hexadecimal digits. */
export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal ? { signal } : {});
  },
};

/** Crockford's base 32: sorts as its numbers do, and has no letters that are taken for digits. */
const digits = '0123456789abcdefghjkmnpqrstvwxyz';

/** 48 bits: they last until the year 10889. */
function encodeTime(ms: number): string {
  let rest = ms;
  let text = '';
  for (let place = 0; place < 10; place += 1) {
    text = (digits[rest % 32] ?? '') + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** As ULIDs: 48 bits of milliseconds, 80 of randomness; within a millisecond the randomness counts up, so order holds. */
export function createIds(clock: Clock): Ids {
  let lastMs = -1;
  let time = '';
  /** One digit each. Every request has an id, and no big numbers are made for it. */
  const random = new Uint8Array(16);
  return {
    next(prefix) {
      const now = Math.max(clock.now(), lastMs);
      if (now === lastMs) countUp(random);
      else {
        lastMs = now;
        time = encodeTime(now);
        randomFillSync(random);
      }
      let text = `${prefix}-${time}`;
      for (const digit of random) text += digits[digit % 32] ?? '';
      return text;
    },
  };
}

function countUp(number: Uint8Array): void {
  for (let place = number.length - 1; place >= 0; place -= 1) {
    const digit = (number[place] ?? 0) % 32;
    number[place] = (digit + 1) % 32;
    if (digit < 31) return;
  }
}
