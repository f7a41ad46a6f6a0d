// The last lines of a deployment's files, read from their end and no further than needed.
import { open, type FileHandle } from 'node:fs/promises';
import { logLine, type LogLine } from '@insightloop/core';
import { z } from 'zod';

const newline = 0x0a;
const blockBytes = 64 * 1024;

const storedLine = logLine.extend({ timestamp: z.coerce.date() });

/**
 * The last `count` lines, oldest first. What is no line is passed over: the last one may be torn by a crash.
 * @param paths newest file first; one that is missing holds nothing
 */
export async function readTail(paths: readonly string[], count: number): Promise<LogLine[]> {
  const newestFirst: LogLine[] = [];
  for (const path of paths) {
    if (newestFirst.length >= count) break;
    for await (const bytes of linesBackwards(path)) {
      const line = parseLine(bytes);
      if (line) newestFirst.push(line);
      if (newestFirst.length >= count) break;
    }
  }
  return newestFirst.reverse();
}

function parseLine(bytes: Buffer): LogLine | null {
  if (bytes.length === 0) return null;
  try {
    return storedLine.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

async function* linesBackwards(path: string): AsyncGenerator<Buffer> {
  const file = await openExisting(path);
  if (!file) return;
  try {
    /** The end of a line whose beginning lies in a block that is not read yet; the last piece first. */
    let pieces: Buffer[] = [];
    for await (const block of blocksBackwards(file)) {
      let end = block.length;
      for (
        let at = block.lastIndexOf(newline);
        at !== -1;
        at = at > 0 ? block.lastIndexOf(newline, at - 1) : -1
      ) {
        yield Buffer.concat([block.subarray(at + 1, end), ...pieces.reverse()]);
        pieces = [];
        end = at;
      }
      pieces.push(block.subarray(0, end));
    }
    yield Buffer.concat(pieces.reverse());
  } finally {
    await file.close();
  }
}

async function* blocksBackwards(file: FileHandle): AsyncGenerator<Buffer> {
  let { size: end } = await file.stat();
  while (end > 0) {
    const start = Math.max(0, end - blockBytes);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(end - start), position: start });
    if (bytesRead < end - start)
      throw new Error(`${end - start - bytesRead} bytes before ${end} cannot be read`);
    yield buffer;
    end = start;
  }
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
