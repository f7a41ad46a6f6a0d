// Takes a finished installation out of the installer's hands: ours, readable by all, writable by nobody else.
import type { Stats } from 'node:fs';
import { chmod, lchown, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deploymentFailed } from '@insightloop/core';

/**
 * Everything below `folder`, and itself, becomes ours; files 0644 or 0755, folders 0755, no setuid bits.
 * Call it when nothing runs in the folder any more.
 * @throws AppError DEPLOYMENT_FAILED when code out of the package left devices, sockets, or hard links that lead
 *   outside: their owner and mode would change with ours
 */
export const sealFolder = async (folder: string): Promise<void> => {
  const entries = await listTree(folder);
  refuseStrangeEntries(entries);
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  for (const { path, stats } of entries) {
    if (uid !== undefined && gid !== undefined && (stats.uid !== uid || stats.gid !== gid))
      await lchown(path, uid, gid);
    if (stats.isSymbolicLink()) continue;
    const mode = stats.isDirectory() || (stats.mode & 0o100) !== 0 ? 0o755 : 0o644;
    // chown takes setuid bits away by itself, but only where it had something to change.
    if ((stats.mode & 0o7777) !== mode) await chmod(path, mode);
  }
};

interface Entry {
  path: string;
  stats: Stats;
}

const listTree = async (folder: string): Promise<Entry[]> => {
  const entries: Entry[] = [{ path: folder, stats: await lstat(folder) }];
  for (const { path, stats } of entries) {
    if (!stats.isDirectory()) continue;
    if ((stats.mode & 0o700) !== 0o700) await chmod(path, 0o700);
    const names = await readdir(path);
    const below = names.map((name) => join(path, name));
    const found = await Promise.all(below.map(async (each) => ({ path: each, stats: await lstat(each) })));
    // The loop goes on over what is added here.
    for (const entry of found) entries.push(entry);
  }
  return entries;
};

const refuseStrangeEntries = (entries: Entry[]): void => {
  const seen = new Map<string, number>();
  for (const { stats } of entries) {
    if (!stats.isDirectory() && !stats.isFile() && !stats.isSymbolicLink()) {
      throw deploymentFailed(
        'The package left something in its installation that is neither a file nor a folder.',
      );
    }
    if (stats.isFile() && stats.nlink > 1) seen.set(inodeOf(stats), (seen.get(inodeOf(stats)) ?? 0) + 1);
  }
  const leadsOutside = entries.some(
    ({ stats }) => stats.isFile() && stats.nlink > 1 && stats.nlink !== seen.get(inodeOf(stats)),
  );
  if (leadsOutside)
    throw deploymentFailed('The package left a hard link in its installation that leads outside of it.');
};

const inodeOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;

/** Removes a folder of ours, also where code out of a package has locked folders in it. */
export const removeTree = async (folder: string): Promise<void> => {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    // Not root: a folder without its bits cannot be emptied, even by its owner.
    await listTree(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 2 });
  }
};
