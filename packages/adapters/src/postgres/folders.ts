// The folders of an embedded PostgreSQL, open to our own user id only.
import { chmod, mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@insightloop/core';
import { socketPort } from './commands.ts';

/** @throws AppError SERVICE_UNAVAILABLE when it cannot be made or made ours */
export async function privateFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    return await realpath(path);
  } catch (cause) {
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      `The data directory ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        'Choose another with INSIGHTLOOP_DATA_DIR, or set DATABASE_URL.',
      { cause, infrastructure: true },
    );
  }
}

/** The longest path of a Unix socket in bytes: sun_path of Linux holds 108 with the closing NUL, that of macOS 104. */
const maxSocketPathBytes = process.platform === 'linux' ? 107 : 103;

/** Where the socket lies: in the home, or in a folder of its own where that path would be too long. */
export async function socketFolder(home: string): Promise<{ path: string; temporary: boolean }> {
  const path = join(home, 'socket');
  if (Buffer.byteLength(join(path, `.s.PGSQL.${socketPort}`)) <= maxSocketPathBytes)
    return { path: await privateFolder(path), temporary: false };
  return { path: await mkdtemp(join(tmpdir(), 'insightloop-')), temporary: true };
}
