// Bytes of a process into lines of text: characters that arrive in pieces stay whole, lines have a greatest length.

/** Longer lines are cut, because nothing says that a line ever ends. */
export const maxLineBytes = 16 * 1024;
export const cutMark = ' … [cut: the line is longer than 16 KiB]';

const newline = 0x0a;
const carriageReturn = 0x0d;

export interface LineReader {
  push(chunk: Buffer): void;
  /** Hands out what came after the last newline. */
  end(): void;
}

/**
 * Calls `onLine` for each line, without its end (`\n` or `\r\n`). Text before a carriage return inside a line was
 * overwritten on a terminal, as progress bars do, and is left out. A line that is too long is handed out, cut and
 * marked, as soon as it is too long; the rest of it is dropped.
 */
export const createLineReader = (onLine: (text: string) => void): LineReader => {
  let pieces: Buffer[] = [];
  let held = 0;
  let cut = false;

  const add = (part: Buffer): void => {
    if (cut || part.length === 0) return;
    const room = maxLineBytes - held;
    pieces.push(part.length > room ? part.subarray(0, room) : part);
    held += Math.min(part.length, room);
    if (part.length <= room) return;
    onLine(visiblePart(withoutBrokenEnd(Buffer.concat(pieces))) + cutMark);
    cut = true;
    pieces = [];
  };

  const finish = (): void => {
    if (!cut) onLine(visiblePart(Buffer.concat(pieces)));
    pieces = [];
    held = 0;
    cut = false;
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
        add(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      // A copy: a small slice would keep the whole chunk alive until its line ends.
      if (from < chunk.length) add(from === 0 ? chunk : Buffer.from(chunk.subarray(from)));
    },
    end() {
      if (held > 0 && !cut) finish();
    },
  };
};

const visiblePart = (line: Buffer): string => {
  let end = line.length;
  while (end > 0 && line[end - 1] === carriageReturn) end -= 1;
  const start = line.subarray(0, end).lastIndexOf(carriageReturn) + 1;
  return line.toString('utf8', start, end);
};

/** Takes off the first bytes of a UTF-8 character whose last ones were cut away. */
const withoutBrokenEnd = (bytes: Buffer): Buffer => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return wanted > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
};
