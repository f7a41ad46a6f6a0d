// The ring: what is held, what its readers are told, and that none of them is left behind.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBell } from './bell.ts';
import { createRing, type Ring, type RingReading } from './ring.ts';

interface Item {
  name: string;
}

const item = (name: number | string): Item => ({ name: String(name) });

const ringOf = (capacity: number, names: number): Ring<Item> => {
  const ring = createRing<Item>({ capacity });
  for (let name = 1; name <= names; name += 1) ring.append(item(name));
  return ring;
};

const reading = (number: number): RingReading<Item> => ({ number, item: item(number) });

/** Reads `count` readings, then leaves. */
async function take(ring: Ring<Item>, after: number | null, count: number): Promise<RingReading<Item>[]> {
  const aborter = new AbortController();
  const readings: RingReading<Item>[] = [];
  for await (const next of ring.read({ after, signal: aborter.signal })) {
    readings.push(next);
    if (readings.length === count) break;
  }
  aborter.abort();
  return readings;
}

describe('what is held', () => {
  it('numbers from 1 and forgets the oldest', () => {
    const ring = ringOf(3, 0);
    expect([ring.oldest, ring.last]).toEqual([1, 0]);
    expect([1, 2, 3, 4].map((name) => ring.append(item(name)))).toEqual([1, 2, 3, 4]);
    expect([ring.oldest, ring.last]).toEqual([2, 4]);
    expect([0, 1, 2, 4, 5].map((number) => ring.at(number)?.name)).toEqual([
      undefined,
      undefined,
      '2',
      '4',
      undefined,
    ]);
  });

  it('goes on behind the numbers of an earlier ring', () => {
    const ring = createRing<Item>({ capacity: 2, lastNumber: 10 });
    expect([ring.oldest, ring.last]).toEqual([11, 10]);
    expect(ring.next(7)).toEqual({ gap: 3 });
    expect(ring.append(item('x'))).toBe(11);
    expect(ring.next(10)).toEqual({ number: 11, item: item('x') });
  });

  it('has a limit in bytes too, above which only the newest is held', () => {
    const ring = createRing<Item>({ capacity: 100, bytes: { limit: 10, of: ({ name }) => name.length } });
    for (const name of ['aaaa', 'bbbb', 'cc']) ring.append(item(name));
    expect(ring.oldest).toBe(1);
    ring.append(item('d'));
    expect(ring.oldest).toBe(2);
    ring.append(item('e'.repeat(50)));
    expect([ring.oldest, ring.last]).toEqual([5, 5]);
    ring.append(item('f'));
    expect([ring.oldest, ring.at(6)?.name]).toEqual([6, 'f']);
  });

  it('forgets by bytes and by count at once without losing track', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat({ max: 12 }), { maxLength: 50 }),
        (capacity, limit, sizes) => {
          const ring = createRing<Item>({ capacity, bytes: { limit, of: ({ name }) => name.length } });
          sizes.forEach((size, index) => {
            ring.append(item('x'.repeat(size)));
            const kept = sizes.slice(0, index + 1).slice(-capacity);
            while (kept.length > 1 && kept.reduce((sum, bytes) => sum + bytes, 0) > limit) kept.shift();
            const held = Array.from({ length: ring.last - ring.oldest + 1 }, (_, n) =>
              ring.at(ring.oldest + n),
            );
            expect(held.map((one) => one?.name.length)).toEqual(kept);
          });
        },
      ),
    );
  });
});

describe('reading', () => {
  it('replays, then goes on live', async () => {
    const ring = ringOf(10, 3);
    const read = take(ring, 1, 4);
    await Promise.resolve();
    ring.append(item(4));
    ring.append(item(5));
    expect(await read).toEqual([2, 3, 4, 5].map(reading));
  });

  it('begins with what is appended after the call, even before the first read', async () => {
    const ring = ringOf(10, 3);
    const read = ring.read({ after: null, signal: AbortSignal.timeout(10_000) });
    ring.append(item(4));
    for await (const next of read) {
      expect(next).toEqual(reading(4));
      break;
    }
  });

  it('says exactly how much is gone', async () => {
    expect(await take(ringOf(3, 10), 2, 4)).toEqual([{ gap: 5 }, ...[8, 9, 10].map(reading)]);
    expect(await take(ringOf(3, 10), 6, 2)).toEqual([{ gap: 1 }, reading(8)]);
    expect(await take(ringOf(3, 10), 7, 1)).toEqual([reading(8)]);
  });

  it('tells a slow reader of the gap and holds nothing for it', async () => {
    const ring = ringOf(3, 0);
    const aborter = new AbortController();
    const read = ring.read({ after: 0, signal: aborter.signal })[Symbol.asyncIterator]();
    ring.append(item(1));
    expect(await read.next()).toEqual({ done: false, value: reading(1) });
    for (let name = 2; name <= 9; name += 1) ring.append(item(name));
    expect(await read.next()).toEqual({ done: false, value: { gap: 5 } });
    expect(await read.next()).toEqual({ done: false, value: reading(7) });
    aborter.abort();
    expect(await read.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses a position that never was', () => {
    const ring = ringOf(3, 5);
    const { signal } = new AbortController();
    for (const after of [6, -1, 1.5, Number.NaN])
      expect(() => ring.read({ after, signal })).toThrow(RangeError);
  });
});

describe('the end of reading', () => {
  it('leaves nobody behind when the signal aborts', async () => {
    const bell = createBell();
    const ring = createRing<Item>({ capacity: 3, bell });
    const aborter = new AbortController();
    const ends = Array.from({ length: 100 }, async () => {
      for await (const next of ring.read({ after: null, signal: aborter.signal }))
        expect(next).toEqual(reading(1));
    });
    expect([ring.readers, bell.waiting]).toEqual([100, 100]);
    ring.append(item(1));
    await Promise.resolve();
    aborter.abort();
    await Promise.all(ends);
    expect([ring.readers, bell.waiting]).toEqual([0, 0]);
  });

  it('leaves nobody behind when the reader leaves, or never came', async () => {
    const ring = ringOf(3, 2);
    ring.read({ after: 0, signal: new AbortController().signal });
    expect(ring.readers).toBe(0);
    await take(ring, 0, 1);
    expect(ring.readers).toBe(0);
  });
});

describe('whatever happens', () => {
  /** A number appends so many items; a reader reads so many, and comes back with its position when it is cut. */
  const step = fc.oneof(
    fc.record({ append: fc.nat({ max: 8 }) }),
    fc.record({ read: fc.nat({ max: 8 }) }),
    fc.constant('cut' as const),
  );

  it('loses and doubles nothing that is held, and counts exactly what is not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(step, { maxLength: 40 }),
        async (capacity, steps) => {
          const bell = createBell();
          const ring = createRing<Item>({ capacity, bell });
          let seen = 0;
          let aborter = new AbortController();
          let reader = ring.read({ after: 0, signal: aborter.signal })[Symbol.asyncIterator]();
          const readOne = async (): Promise<void> => {
            const gap = Math.max(0, ring.oldest - 1 - seen);
            const { value } = await reader.next();
            expect(value).toEqual(gap > 0 ? { gap } : reading(seen + 1));
            seen += gap || 1;
          };
          for (const action of [...steps, { read: Infinity }]) {
            if (action === 'cut') {
              aborter.abort();
              expect(await reader.next()).toHaveProperty('done', true);
              aborter = new AbortController();
              reader = ring.read({ after: seen, signal: aborter.signal })[Symbol.asyncIterator]();
            } else if ('append' in action) {
              for (let count = 0; count < action.append; count += 1) ring.append(item(ring.last + 1));
            } else {
              for (let count = 0; count < action.read && seen < ring.last; count += 1) await readOne();
            }
          }
          expect(seen).toBe(ring.last);
          aborter.abort();
          await reader.next();
          expect([ring.readers, bell.waiting]).toEqual([0, 0]);
        },
      ),
    );
  });
});
