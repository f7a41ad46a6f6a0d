// Lines come whole, whatever the chunks, and what is too long costs no memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.ts';

function read(
  chunks: Buffer[],
  maxBytes: number,
): { frames: string[]; tooLong: { head: string; tail: string }[] } {
  const frames: string[] = [];
  const tooLong: { head: string; tail: string }[] = [];
  const reader = new FrameReader(
    { onFrame: (text) => frames.push(text), onTooLong: (ends) => tooLong.push(ends) },
    maxBytes,
  );
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { frames, tooLong };
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

const line = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((text) => text.replaceAll('\n', ' ').toWellFormed());

describe('a frame reader', () => {
  it('finds the same lines in whatever chunks they come', () => {
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(), { maxLength: 30 }), (lines, places) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        expect(read(cut(bytes, places), 1_000_000).frames).toEqual(lines);
      }),
    );
  });

  it('splits nothing that belongs together when every byte comes alone', () => {
    const text = '{"text":"Grüße, 世界 🎉"}';
    const bytes = Buffer.from(`${text}\n${text}\n`);
    expect(
      read(
        [...bytes].map((byte) => Buffer.of(byte)),
        1_000,
      ).frames,
    ).toEqual([text, text]);
  });

  it('delivers a last line that lacks its newline', () => {
    expect(read([Buffer.from('one\ntwo')], 1_000).frames).toEqual(['one', 'two']);
    expect(read([Buffer.from('one\n')], 1_000).frames).toEqual(['one']);
  });

  it('skips exactly the lines that are longer than the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 60 }), { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (lengths, places) => {
          const lines = lengths.map((length, index) => String.fromCharCode(97 + (index % 26)).repeat(length));
          const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
          const { frames, tooLong } = read(cut(bytes, places), 30);
          expect(frames).toEqual(lines.filter((text) => text.length <= 30));
          const skipped = lines.filter((text) => text.length > 30);
          // Shorter than what is kept of each end, so both ends are the whole line.
          expect(tooLong).toEqual(skipped.map((text) => ({ head: text, tail: text })));
        },
      ),
    );
  });

  it('knows both ends of a long line, in whatever chunks it comes', () => {
    const line = Array.from({ length: 4_000 }, (_, index) => `${index},`).join('');
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), (places) => {
        const { tooLong } = read(cut(Buffer.from(`${line}\n`), places), 10_000);
        expect(tooLong).toEqual([{ head: line.slice(0, 4096), tail: line.slice(-4096) }]);
      }),
    );
  });

  it('keeps the two ends of a line that it skips, and nothing in between', () => {
    const frames: string[] = [];
    const ends: { head: string; tail: string }[] = [];
    const reader = new FrameReader(
      { onFrame: (text) => frames.push(text), onTooLong: (found) => ends.push(found) },
      1024 * 1024,
    );
    const chunk = Buffer.alloc(64 * 1024, 'x');
    reader.push(Buffer.from('the head '));
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 2_000; count++) reader.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    reader.push(Buffer.from(' the tail\nnext\n'));
    expect(ends).toHaveLength(1);
    expect(ends[0]?.head.startsWith('the head xxx')).toBe(true);
    expect(ends[0]?.tail.endsWith('xxx the tail')).toBe(true);
    expect(frames).toEqual(['next']);
  });

  it('delivers nothing more once it is stopped, not even what it was given', () => {
    const frames: string[] = [];
    const reader: FrameReader = new FrameReader(
      {
        onFrame: (text) => {
          frames.push(text);
          reader.stop();
        },
        onTooLong: () => {},
      },
      1_000,
    );
    reader.push(Buffer.from('one\ntwo\nthree'));
    reader.push(Buffer.from('\n'));
    reader.end();
    expect(frames).toEqual(['one']);
  });
});
