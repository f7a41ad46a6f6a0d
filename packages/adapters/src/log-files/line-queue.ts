// The lines of one deployment that wait to be written: bounded, and honest about those that found no room.
import { missingLine, type LogLine } from '@insightloop/core';

/** Lines that nobody will see, and the last of them. */
interface Missing {
  count: number;
  last: LogLine;
}

/** What is written at once. */
export interface Batch {
  lines: Buffer[];
  /** What is missing if it cannot be written. */
  stands: Missing | null;
}

export interface LineQueue {
  push(line: LogLine): void;
  /** Everything that waits; the queue is empty afterwards. */
  take(): Batch;
  /**
   * The batch could not be written: says so in its place, before everything that came after it. Counts all of it as
   * missing, also what the medium took before it failed.
   */
  giveBack(batch: Batch): void;
  readonly empty: boolean;
}

export function createLineQueue(maxBytes: number): LineQueue {
  let lines: Buffer[] = [];
  let bytes = 0;
  /** All that the queue stands for, those without room included. */
  let stands: Missing | null = null;
  /** Without room since the last line that had some. */
  let missing: Missing | null = null;

  const hold = (line: LogLine): void => {
    const encoded = encode(line);
    lines.push(encoded);
    bytes += encoded.length;
  };
  const closeGap = (): void => {
    if (missing) hold(missingLine(missing.last, missing.count));
    missing = null;
  };

  return {
    push(line) {
      stands = { count: (stands?.count ?? 0) + 1, last: line };
      if (bytes >= maxBytes) {
        missing = { count: (missing?.count ?? 0) + 1, last: line };
        return;
      }
      closeGap();
      hold(line);
    },
    take() {
      closeGap();
      const batch = { lines, stands };
      lines = [];
      bytes = 0;
      stands = null;
      return batch;
    },
    giveBack({ stands: lost }) {
      if (!lost) return;
      const marker = encode(missingLine(lost.last, lost.count));
      lines.unshift(marker);
      bytes += marker.length;
      stands = { count: lost.count + (stands?.count ?? 0), last: stands?.last ?? lost.last };
    },
    get empty() {
      return stands === null;
    },
  };
}

const encode = (line: LogLine): Buffer => Buffer.from(`${JSON.stringify(line)}\n`);
