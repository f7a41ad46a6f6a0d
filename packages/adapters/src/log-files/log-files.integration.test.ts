// Logs in real files: the contract, rotation, crashes, floods and disks that fail.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger, LogLine } from '@insightloop/core';
import { archivedLine as line, describeLogArchive } from '@insightloop/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { openLogFiles, type LogFiles, type LogFilesOptions } from './log-files.ts';

const folders: string[] = [];

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'log-files-'));
  folders.push(folder);
  return folder;
};

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function opened(options: Partial<LogFilesOptions> = {}): Promise<{ files: LogFiles; folder: string }> {
  const folder = options.folder ?? join(await newFolder(), 'data', 'logs');
  return { folder, files: await openLogFiles({ logger: silent, folder, ...options }) };
}

describeLogArchive('files', async () => {
  const { files } = await opened();
  return { archive: files, end: () => files.close() };
});

const lines = (from: number, to: number, message?: string): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index, message));

const numbers = (tail: LogLine[]): number[] => tail.map(({ number }) => number);

describe('files', () => {
  it('are open to us alone', async () => {
    const { files, folder } = await opened();
    files.append('deploy-a', [line(1)]);
    await files.close();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'deploy-a.jsonl'))).mode & 0o777).toBe(0o600);
  });

  it('close a folder that stood open', async () => {
    const folder = await newFolder();
    await mkdir(join(folder, 'logs'), { mode: 0o755 });
    await opened({ folder: join(folder, 'logs') });
    expect((await stat(join(folder, 'logs'))).mode & 0o777).toBe(0o700);
  });

  it('hold one line of JSON each, and outlive us', async () => {
    const { files, folder } = await opened();
    files.append('deploy-a', lines(1, 3));
    await files.close();
    files.append('deploy-a', [line(4)]);
    const text = await readFile(join(folder, 'deploy-a.jsonl'), 'utf8');
    expect(text.split('\n')).toHaveLength(4);
    const again = await opened({ folder });
    expect(await again.files.tail('deploy-a', 10)).toEqual(lines(1, 3));
    again.files.append('deploy-a', [line(4)]);
    expect(await again.files.tail('deploy-a', 10)).toEqual(lines(1, 4));
    await again.files.close();
  });

  it('are two of a limited size, whatever the size of what comes at once', async () => {
    const maxFileBytes = 5_000;
    const { files, folder } = await opened({ maxFileBytes });
    files.append('deploy-a', lines(1, 1_000));
    for (let number = 1_001; number <= 1_200; number += 1) {
      files.append('deploy-a', [line(number)]);
      if (number % 7 === 0) await files.tail('deploy-a', 1);
    }
    const tail = await files.tail('deploy-a', 10_000);
    expect(numbers(tail)).toEqual(numbers(lines(1_201 - tail.length, 1_200)));
    for (const name of ['deploy-a.jsonl', 'deploy-a.1.jsonl'])
      expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(maxFileBytes);
    expect(await readdir(folder)).toHaveLength(2);
    expect(tail.length).toBeGreaterThan(20);
    await files.remove('deploy-a');
    expect(await readdir(folder)).toEqual([]);
    await files.close();
  });

  it('have names that cannot climb', async () => {
    const { files } = await opened();
    for (const id of ['', '..', '../x', 'a/b', 'a.1', 'a\0', 'A', '-a', 'a'.repeat(101)]) {
      expect(() => files.append(id, [line(1)]), id).toThrow('no such deployment');
      expect(() => files.tail(id, 1), id).toThrow('no such deployment');
      expect(() => files.remove(id), id).toThrow('no such deployment');
    }
    await files.close();
  });

  it('are refused where the folder cannot be made', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(opened({ folder: join(folder, 'file', 'logs') })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: expect.stringContaining('INSIGHTLOOP_DATA_DIR'),
    });
  });
});

describe('reading the end', () => {
  it('works wherever blocks of the file begin, inside characters too', async () => {
    const { files } = await opened();
    const written = Array.from({ length: 300 }, (_, index) => line(index + 1, '€🎉'.repeat(index * 2)));
    files.append('deploy-a', written);
    for (const count of [1, 17, 299, 300, 301])
      expect(await files.tail('deploy-a', count)).toEqual(written.slice(-count));
    await files.close();
  });

  it('reads a line that is longer than several blocks', async () => {
    const { files } = await opened();
    const written = [line(1), line(2, 'ä'.repeat(300_000)), line(3)];
    files.append('deploy-a', written);
    expect(await files.tail('deploy-a', 10)).toEqual(written);
    await files.close();
  });

  it('passes over a last line that a crash has torn, and loses nothing that comes after it', async () => {
    const folder = await newFolder();
    const path = join(folder, 'deploy-a.jsonl');
    const { files } = await opened({ folder });
    files.append('deploy-a', [line(1), line(2, 'Grüße 🎉')]);
    await files.close();
    const whole = await readFile(path);
    const firstLength = whole.indexOf(0x0a) + 1;
    for (let size = whole.length - 1; size >= firstLength; size -= 1) {
      await writeFile(path, whole);
      await truncate(path, size);
      const again = await opened({ folder });
      // Without its newline only, the line is still whole.
      const kept = size === whole.length - 1 ? [1, 2] : [1];
      expect(numbers(await again.files.tail('deploy-a', 10))).toEqual(kept);
      again.files.append('deploy-a', [line(3)]);
      expect(numbers(await again.files.tail('deploy-a', 10))).toEqual([...kept, 3]);
      await again.files.close();
    }
  });

  it('passes over what is no line of ours', async () => {
    const { files, folder } = await opened();
    files.append('deploy-a', [line(1)]);
    await files.tail('deploy-a', 1);
    await writeFile(join(folder, 'deploy-a.jsonl'), '\n\nnonsense\n{"number":1}\nnull\n', { flag: 'a' });
    files.append('deploy-a', [line(2)]);
    expect(numbers(await files.tail('deploy-a', 10))).toEqual([1, 2]);
    expect(numbers(await files.tail('deploy-a', 2))).toEqual([1, 2]);
    await files.close();
  });
});

describe('a disk', () => {
  it('that is slower than the lines costs lines, and the log says how many', async () => {
    const { files } = await opened({ maxWaitingBytes: 20_000 });
    files.append('deploy-a', lines(1, 5_000));
    expect(await files.tail('deploy-a', 1)).toHaveLength(1);
    files.append('deploy-a', lines(5_001, 5_010));
    const tail = await files.tail('deploy-a', 10_000);
    const marker = tail.findIndex(({ source }) => source === 'insightloop');
    expect(numbers(tail.slice(0, marker))).toEqual(numbers(lines(1, marker)));
    expect(tail[marker]).toMatchObject({ number: 5_000, level: 'warn', deployment_id: 'deploy-a' });
    expect(tail[marker]?.message).toContain(`${5_000 - marker} lines are missing`);
    expect(numbers(tail.slice(marker + 1))).toEqual(numbers(lines(5_001, 5_010)));
    await files.close();
  });

  it('that fails is told of once, and its lines are counted when it works again', async () => {
    const told: object[] = [];
    const { files, folder } = await opened({ logger: { ...silent, error: (fields) => told.push(fields) } });
    const path = join(folder, 'deploy-a.jsonl');
    await mkdir(path);
    for (let number = 1; number <= 100; number += 1) {
      files.append('deploy-a', [line(number)]);
      if (number % 10 === 0)
        await expect(files.tail('deploy-a', 1)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    }
    files.append('deploy-b', [line(1)]);
    expect(await files.tail('deploy-b', 1)).toHaveLength(1);
    expect(told).toEqual([expect.objectContaining({ deployment_id: 'deploy-a' })]);
    await rm(path, { recursive: true });
    files.append('deploy-a', [line(101)]);
    const tail = await files.tail('deploy-a', 10);
    expect(tail.map(({ number, message }) => [number, message.split(' ')[0]])).toEqual([
      [100, '[100'],
      [101, 'line'],
    ]);
    await files.close();
  });
});
