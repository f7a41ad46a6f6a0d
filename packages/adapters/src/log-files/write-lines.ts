// Writing lines to the end of a file that is put aside when it is full.
import { open, rename, stat } from 'node:fs/promises';

const newline = 0x0a;

export interface RotatingFile {
  path: string;
  /** Where a full file is moved to, over the one that was moved there before. */
  fullPath: string;
  maxBytes: number;
}

/** @param lines each with its newline; only a single one that is longer makes a file larger than `maxBytes` */
export async function writeLines(
  { path, fullPath, maxBytes }: RotatingFile,
  lines: readonly Buffer[],
): Promise<void> {
  let size = await sizeOf(path);
  let portion: Buffer[] = [];
  for (const line of lines) {
    if (size > 0 && size + line.length > maxBytes) {
      await append(path, portion);
      await rename(path, fullPath);
      portion = [];
      size = 0;
    }
    portion.push(line);
    size += line.length;
  }
  await append(path, portion);
}

async function append(path: string, lines: readonly Buffer[]): Promise<void> {
  if (lines.length === 0) return;
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const last = size > 0 ? await file.read({ buffer: Buffer.alloc(1), position: size - 1 }) : null;
    // A crash, or a full disk, has torn the last line: the next one must not be lost with it.
    const torn = last !== null && last.buffer[0] !== newline;
    await file.appendFile(Buffer.concat(torn ? [Buffer.of(newline), ...lines] : lines));
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
