// The queue of lines: what finds no room, and what could not be written, is counted where it is missing.
import { archivedLine as line } from '@insightloop/core/testing';
import { describe, expect, it } from 'vitest';
import { createLineQueue, type LineQueue } from './line-queue.ts';

const told = (queue: LineQueue): string[] =>
  queue.take().lines.map((bytes) => {
    const { number, message }: { number: number; message: string } = JSON.parse(bytes.toString());
    return `${number} ${message}`;
  });

describe('createLineQueue', () => {
  it('hands out what was pushed, once', () => {
    const queue = createLineQueue(10_000);
    expect(queue.empty).toBe(true);
    queue.push(line(1));
    queue.push(line(2));
    expect(queue.empty).toBe(false);
    expect(told(queue)).toEqual(['1 line 1', '2 line 2']);
    expect(queue.empty).toBe(true);
    expect(told(queue)).toEqual([]);
  });

  it('says how many found no room, in their place', () => {
    const queue = createLineQueue(1);
    for (const number of [1, 2, 3, 4]) queue.push(line(number));
    expect(told(queue)).toEqual(['1 line 1', expect.stringMatching(/^4 \[3 lines are missing here/)]);
    queue.push(line(5));
    expect(told(queue)).toEqual(['5 line 5']);
  });

  it('says how many could not be written, before what came meanwhile, and adds them up', () => {
    const queue = createLineQueue(10_000);
    for (const number of [1, 2, 3]) queue.push(line(number));
    const first = queue.take();
    queue.push(line(4));
    queue.giveBack(first);
    expect(queue.empty).toBe(false);
    const second = queue.take();
    expect(second.lines).toHaveLength(2);
    queue.giveBack(second);
    queue.push(line(5));
    expect(told(queue)).toEqual([expect.stringMatching(/^4 \[4 lines are missing/), '5 line 5']);
  });

  it('counts a gap in a batch that is given back once', () => {
    const queue = createLineQueue(1);
    for (const number of [1, 2, 3]) queue.push(line(number));
    queue.giveBack(queue.take());
    queue.push(line(4));
    queue.push(line(5));
    expect(told(queue)).toEqual([
      expect.stringMatching(/^3 \[3 lines are missing/),
      expect.stringMatching(/^5 \[2 lines are missing/),
    ]);
  });
});
