// Keeps a download cache from growing for ever. It is only a convenience: it goes as a whole, and fills again.
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageStore } from './package-store.ts';

/** Removes the cache when it holds more than `maxBytes`, unless an installer may be using it: then the next time. */
export const trimCache = async (
  folder: string,
  maxBytes: number,
  store: Pick<PackageStore, 'isIdle' | 'throwAway'>,
): Promise<void> => {
  if ((await folderBytes(folder)) <= maxBytes) return;
  if (store.isIdle()) await store.throwAway(folder);
};

const folderBytes = async (root: string): Promise<number> => {
  let bytes = 0;
  const folders = [root];
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      // It may go while we look.
      else
        bytes += await lstat(path).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        );
    }
  }
  return bytes;
};
