// What an installer printed: the last lines of it, without secrets, for the one who asked for the package.
import { createRedactor } from '@insightloop/core';
import { createLineReader } from './output-lines.ts';

/** So many last lines stand in an error's `details.output`. */
export const keptLines = 40;
const maxShownLength = 2000;
/** The answer of a look-up is far shorter. */
const maxStdoutBytes = 1024 * 1024;

export interface Transcript {
  push(stream: 'stdout' | 'stderr', chunk: Buffer): void;
  /** Nothing follows. */
  end(): void;
  /** The first of what went to stdout, as it is. */
  stdout(): string;
  /** The last lines of both streams, fit to be shown. */
  lines(): string[];
}

export const createTranscript = (
  redact: (text: string) => string,
  onLine: (line: string) => void = () => {},
): Transcript => {
  const kept: string[] = [];
  const stdout: Buffer[] = [];
  let stdoutBytes = 0;

  const readerOf = () =>
    createLineReader((line) => {
      if (line.trim() === '') return;
      kept.push(line);
      if (kept.length > keptLines) kept.shift();
      onLine(line);
    });
  const readers = { stdout: readerOf(), stderr: readerOf() };

  return {
    push(stream, chunk) {
      readers[stream].push(chunk);
      if (stream === 'stderr' || stdoutBytes >= maxStdoutBytes) return;
      stdout.push(chunk.subarray(0, maxStdoutBytes - stdoutBytes));
      stdoutBytes += chunk.length;
    },
    end() {
      readers.stdout.end();
      readers.stderr.end();
    },
    stdout: () => Buffer.concat(stdout).toString('utf8'),
    lines: () => kept.map((line) => redact(line).slice(0, maxShownLength)),
  };
};

/** Takes out secrets, and also what looks like one: whatever stands before the @ of an address, and tokens of npm. */
export const createOutputRedactor = (secrets: readonly string[]): ((text: string) => string) => {
  const redactor = createRedactor(secrets);
  return (text) =>
    redactor
      .text(text)
      .replace(/\/\/[^/@\s]+@/g, '//[redacted]@')
      .replace(/\bnpm_[A-Za-z0-9]{36}\b/g, '[redacted]');
};
