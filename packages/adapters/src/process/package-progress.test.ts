// Progress messages: few, but never silence.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createInstallProgress } from './package-progress.ts';

describe('createInstallProgress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('tells of many downloads in one message, and of silence now and then', () => {
    const messages: string[] = [];
    const progress = createInstallProgress({
      subject: 'x@1',
      download: /^got /,
      report: (message) => messages.push(message),
    });
    for (let count = 0; count < 500; count += 1) progress.line('got it');
    progress.line('something else');
    vi.advanceTimersByTime(12_000);
    progress.end();
    expect(messages).toEqual([
      'installing x@1',
      'installing x@1: 500 downloads, 1 s',
      'installing x@1: 500 downloads, 11 s',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
