// The ring of output lines: order, end, and what happens to lines that nobody reads.
import type { OutputLine } from '@insightloop/core';
import { describe, expect, it } from 'vitest';
import { createOutputRing } from './output-lines-ring.ts';

const line = (text: string): OutputLine => ({ timestamp: new Date(0), stream: 'stderr', text });

const textsOf = async (lines: AsyncIterable<OutputLine>): Promise<string[]> => {
  const texts: string[] = [];
  for await (const { text } of lines) texts.push(text);
  return texts;
};

describe('createOutputRing', () => {
  it('hands out what was written before and after the reader came, then ends', async () => {
    const ring = createOutputRing();
    ring.write(line('before'));
    const read = textsOf(ring.read());
    await Promise.resolve();
    ring.write(line('after'));
    ring.end();
    expect(await read).toEqual(['before', 'after']);
  });

  it('keeps the last lines when nobody reads, and says how many are gone', async () => {
    const ring = createOutputRing(2);
    for (const text of ['1', '2', '3', '4', '5']) ring.write(line(text));
    ring.end();
    expect(await textsOf(ring.read())).toEqual([expect.stringContaining('3 earlier lines'), '4', '5']);
  });

  it('has one reader', () => {
    const ring = createOutputRing();
    ring.read();
    expect(() => ring.read()).toThrow('one reader');
  });
});
