// The key file: 32 random bytes in base64, made once, readable by us alone.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { keyBytes, keyOfText } from './key-text.ts';
import { SecretKeyError } from './secret-key-error.ts';

/** Far more than a key is long; a file that is larger is something else. */
const maxFileBytes = 1024;

/**
 * The key in the file; made when there is no file. A file appears under its name only when it is whole and on the disk,
 * so a crash leaves no half of a key, and of several processes at once one makes it and all read it.
 * @throws SecretKeyError when the file is open to others, holds no key, or cannot be made or read
 */
export async function openKeyFile(path: string): Promise<Buffer> {
  try {
    const known = await read(path);
    if (known) return known;
    await make(path);
    const made = await read(path);
    if (made) return made;
  } catch (cause) {
    if (cause instanceof SecretKeyError) throw cause;
    throw new SecretKeyError(
      `The key file ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        'Mend that, or set INSIGHTLOOP_SECRET_KEY.',
      { cause },
    );
  }
  throw new SecretKeyError(`The key file ${path} was removed while we started. Start again.`);
}

/** Null where there is no file. */
async function read(path: string): Promise<Buffer | null> {
  const file = await openExisting(path);
  if (!file) return null;
  try {
    const { mode, uid, size, isFile } = await statOf(file);
    if (!isFile) throw new SecretKeyError(`The key file ${path} is no regular file.`);
    const us = process.geteuid?.();
    if (us !== undefined && uid !== us)
      throw new SecretKeyError(
        `The key file ${path} belongs to user ${uid}, and we run as user ${us}. Run as that user, or give us the file: chown ${us} '${path}' — or set INSIGHTLOOP_SECRET_KEY.`,
      );
    if (us !== undefined && (mode & 0o077) !== 0)
      throw new SecretKeyError(
        `The key file ${path} is open to other users of this machine. Close it with: chmod 600 '${path}' — or, where the ` +
          'file system has no permissions, set INSIGHTLOOP_SECRET_KEY.',
      );
    const key = size <= maxFileBytes ? keyOfText((await file.readFile('utf8')).trim()) : null;
    if (!key)
      throw new SecretKeyError(
        `The key file ${path} holds no key (${keyBytes} bytes in base64). Restore it from a copy. If there is none, delete ` +
          'it: a new one is made, and the environments of deployments have to be given anew.',
      );
    return key;
  } finally {
    await file.close();
  }
}

async function statOf(
  file: FileHandle,
): Promise<{ mode: number; uid: number; size: number; isFile: boolean }> {
  const stats = await file.stat();
  return { mode: stats.mode, uid: stats.uid, size: stats.size, isFile: stats.isFile() };
}

/** Does nothing where another process was faster. */
async function make(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  try {
    await writeDraft(draft);
    await link(draft, path);
    await syncFolder(folder);
  } catch (error) {
    // EEXIST: another process has made the file. ENOENT: and has swept our draft away.
    if (!hasCode(error, 'EEXIST') && !hasCode(error, 'ENOENT')) throw error;
  } finally {
    await sweepDrafts(path);
  }
}

async function writeDraft(draft: string): Promise<void> {
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(keyBytes).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Ours, and those of starts that a crash ended; the file is there by now, so nobody needs one any more. */
async function sweepDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(prefix) && name.endsWith('.draft'))
      await rm(join(dirname(path), name), { force: true });
}

/** So that the name, too, survives a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
