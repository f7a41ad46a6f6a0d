// What every LogArchive must do: give back what it was given, in order, whole, and of one deployment only.
import { afterEach, describe, expect, it } from 'vitest';
import type { LogArchive } from '../telemetry/log-archive.ts';
import type { LogLine } from '../telemetry/log-line.ts';

export interface LogArchiveSubject {
  archive: LogArchive;
  end(): void | Promise<void>;
}

/** Against hanging only. */
const timeout = 60_000;

/** A line of deployment `deploy-a`. */
export const archivedLine = (number: number, message = `line ${number}`): LogLine => ({
  number,
  timestamp: new Date(1_700_000_000_000 + number),
  level: number % 2 === 0 ? 'info' : 'error',
  message,
  source: 'mcp-server',
  server_id: 'a',
  deployment_id: 'deploy-a',
});

const lines = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, index) => archivedLine(from + index));

export function describeLogArchive(name: string, open: () => Promise<LogArchiveSubject>): void {
  describe(`the log archive contract: ${name}`, { timeout }, () => {
    const subjects: LogArchiveSubject[] = [];
    const opened = async (): Promise<LogArchive> => {
      const subject = await open();
      subjects.push(subject);
      return subject.archive;
    };

    afterEach(async () => {
      for (const { end } of subjects.splice(0)) await end();
    });

    it('knows nothing of a deployment that it was told nothing of', async () => {
      const archive = await opened();
      expect(await archive.tail('deploy-a', 10)).toEqual([]);
      await archive.remove('deploy-a');
    });

    it('gives back the last lines, oldest first, with what was appended just now', async () => {
      const archive = await opened();
      archive.append('deploy-a', lines(1, 3));
      archive.append('deploy-a', []);
      for (const line of lines(4, 500)) archive.append('deploy-a', [line]);
      expect(await archive.tail('deploy-a', 10)).toEqual(lines(491, 500));
      expect(await archive.tail('deploy-a', 10_000)).toEqual(lines(1, 500));
      expect(await archive.tail('deploy-a', 0)).toEqual([]);
      archive.append('deploy-a', lines(501, 501));
      expect(await archive.tail('deploy-a', 2)).toEqual(lines(500, 501));
    });

    it('keeps any text as it is', async () => {
      const archive = await opened();
      const texts = [
        '',
        '{"json": true}',
        'tab\tand "quotes" \\',
        'Grüße, 世界 🎉'.repeat(2_000),
        '\u2028\u0000\r\n',
      ];
      const written = texts.map((text, index) => archivedLine(index + 1, text));
      archive.append('deploy-a', written);
      expect(await archive.tail('deploy-a', 10)).toEqual(written);
    });

    it('keeps deployments apart, and forgets one without the other', async () => {
      const archive = await opened();
      archive.append('deploy-a', lines(1, 3));
      archive.append('deploy-ab', [{ ...archivedLine(1), deployment_id: 'deploy-ab' }]);
      expect(await archive.tail('deploy-a', 10)).toEqual(lines(1, 3));
      await archive.remove('deploy-a');
      expect(await archive.tail('deploy-a', 10)).toEqual([]);
      expect(await archive.tail('deploy-ab', 10)).toHaveLength(1);
    });

    it('is asked by many at once', async () => {
      const archive = await opened();
      const tails = Array.from({ length: 20 }, (_, index) => {
        archive.append('deploy-a', [archivedLine(index + 1)]);
        return archive.tail('deploy-a', 100);
      });
      for (const [index, tail] of (await Promise.all(tails)).entries())
        expect(tail.slice(0, index + 1)).toEqual(lines(1, index + 1));
    });
  });
}
