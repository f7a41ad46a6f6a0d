// The last lines of a workload until their one reader takes them: writing never waits, memory has an end.
import type { OutputLine } from '@insightloop/core';

export interface OutputRing {
  write(line: OutputLine): void;
  /** Nothing follows: the reader ends after the lines that are held. */
  end(): void;
  /** @throws Error for a second reader: the lines are handed out once */
  read(): AsyncIterable<OutputLine>;
}

/** At 16 KiB a line at most, 1,000 lines hold 16 MiB in the worst case. */
export const createOutputRing = (maxLines = 1000): OutputRing => {
  let lines: OutputLine[] = [];
  let dropped = 0;
  let ended = false;
  let taken = false;
  let wake = (): void => {};

  const take = (): OutputLine[] => {
    const batch = lines;
    const first = batch[0];
    if (dropped > 0 && first !== undefined) {
      const text = `[${dropped} earlier lines were dropped: they came faster than they were read]`;
      batch.unshift({ timestamp: first.timestamp, stream: 'stderr', text });
    }
    lines = [];
    dropped = 0;
    return batch;
  };

  async function* generate(): AsyncGenerator<OutputLine> {
    for (;;) {
      const batch = take();
      if (batch.length > 0) yield* batch;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    write(line) {
      lines.push(line);
      if (lines.length > maxLines) {
        lines.shift();
        dropped += 1;
      }
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    read() {
      if (taken) throw new Error('The output of a workload has one reader.');
      taken = true;
      return generate();
    },
  };
};
