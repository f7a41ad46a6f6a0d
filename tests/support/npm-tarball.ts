// Packs files as `npm pack` does: a gzipped tar in the ustar format.
import { gzipSync } from 'node:zlib';

export interface PackedFile {
  /** At most 100 bytes; npm takes off the first folder. */
  path: string;
  content: Buffer;
  executable: boolean;
}

const blockBytes = 512;

export const packTarball = (files: readonly PackedFile[]): Buffer => {
  const blocks = files.flatMap((file) => [
    headerOf(file),
    file.content,
    Buffer.alloc(padding(file.content.length)),
  ]);
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]));
};

const padding = (length: number): number => (blockBytes - (length % blockBytes)) % blockBytes;

const headerOf = ({ path, content, executable }: PackedFile): Buffer => {
  if (Buffer.byteLength(path) > 100) throw new Error(`The path ${path} is too long for this tar.`);
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  header.write(path, 0);
  octal(executable ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  header.write('        0', 148, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
};
