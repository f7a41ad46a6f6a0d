// Lines out of bytes: split characters, long lines, carriage returns, the last line.
import { describe, expect, it } from 'vitest';
import { createLineReader, cutMark, maxLineBytes } from './output-lines.ts';

const linesOf = (chunks: Buffer[]): string[] => {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return lines;
};

const byteByByte = (text: string): Buffer[] => [...Buffer.from(text)].map((byte) => Buffer.from([byte]));

describe('createLineReader', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = 'één\n\n🙂 two\r\nlast';
    const expected = ['één', '', '🙂 two', 'last'];
    expect(linesOf([Buffer.from(text)])).toEqual(expected);
    expect(linesOf(byteByByte(text))).toEqual(expected);
  });

  it('has no empty last line after a final newline', () => {
    expect(linesOf([Buffer.from('one\n')])).toEqual(['one']);
  });

  it('shows what a terminal would show of a progress bar', () => {
    expect(linesOf([Buffer.from(' 1%\r50%\r'), Buffer.from('99%\rdone\n')])).toEqual(['done']);
    expect(linesOf([Buffer.from('50%\r\r\n')])).toEqual(['50%']);
  });

  it('cuts a line that never ends, at once and between characters, and goes on with the next', () => {
    const lines: string[] = [];
    const reader = createLineReader((line) => lines.push(line));
    const chunk = Buffer.from('€'.repeat(1000));
    for (let sent = 0; sent < 20; sent += 1) reader.push(chunk);
    expect(lines).toEqual(['€'.repeat(Math.floor(maxLineBytes / 3)) + cutMark]);
    reader.push(Buffer.from('still the same line\nnext\n'));
    reader.end();
    expect(lines.slice(1)).toEqual(['next']);
  });

  it('does not cut a line of exactly the greatest length', () => {
    const line = 'x'.repeat(maxLineBytes);
    expect(linesOf([Buffer.from(`${line}\n`)])).toEqual([line]);
    expect(linesOf([Buffer.from(`${line}x\n`)])).toEqual([line + cutMark]);
  });
});
