// The private files of a sandbox: its home and its temporary files, held to a size where the machine can.
import type { Dirent } from 'node:fs';
import { chmod, chown, lstat, mkdir, open, readdir, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Volume {
  folder: string;
  /** With an image the kernel refuses what is too much; else a watch sees it a little later. */
  image: string | null;
}

/** @param folder of the sandbox */
export const volumeIn = (folder: string, walls: { image: boolean }): Volume => ({
  folder: join(folder, 'volume'),
  image: walls.image ? join(folder, 'volume.img') : null,
});

/** What a new file system begins with. */
const seedOf = (image: string): string => join(dirname(image), 'seed');

export interface VolumeRequest {
  /** Whose the files are; null: ours. */
  uid: number | null;
  /** The size of the image. */
  bytes: number;
  /** Places inside on which something is mounted. */
  targets: readonly { path: string; kind: 'folder' | 'file' }[];
}

/** Of the file system, which must be a whole number of them. */
const blockBytes = 4096;
/** Below that there is no room for the file system itself. */
const minImageBytes = 8 * 1024 * 1024;

export const makeVolume = async (
  { folder, image }: Volume,
  { uid, bytes, targets }: VolumeRequest,
): Promise<void> => {
  await mkdir(folder);
  await chmod(folder, 0o711);
  const files = image === null ? folder : seedOf(image);
  await mkdir(join(files, 'tmp'), { recursive: true });
  await mkdir(join(files, 'home'));
  for (const { path, kind } of targets) {
    await mkdir(kind === 'folder' ? join(files, path) : dirname(join(files, path)), { recursive: true });
    if (kind === 'file') await writeFile(join(files, path), '');
  }
  if (uid !== null) {
    for (const path of [...targets.map((target) => target.path).flatMap(parentsOf), 'tmp', 'home'])
      await chown(join(files, path), uid, uid);
  }
  await chmod(join(files, 'tmp'), 0o1777);
  await chmod(join(files, 'home'), 0o700);
  if (image !== null) await makeImage(image, bytes);
};

/** "a/b/c" → "a/b/c", "a/b"; the first part is home or tmp. */
const parentsOf = (path: string): string[] => (path.includes('/') ? [path, ...parentsOf(dirname(path))] : []);

/** Sparse: takes from the disk only what the process has ever filled. The keeper makes a file system of it. */
const makeImage = async (image: string, bytes: number): Promise<void> => {
  const handle = await open(image, 'wx', 0o600);
  try {
    await handle.truncate(Math.max(minImageBytes, Math.floor(bytes / blockBytes) * blockBytes));
  } finally {
    await handle.close();
  }
};

export interface VolumeUse {
  usedBytes: number;
  /** Less than 2 % is left, of space or of inodes: with that, writing fails. */
  isFull: boolean;
}

/** @param path somewhere on the mounted image */
export const useOfImage = async (path: string): Promise<VolumeUse> => {
  const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(path);
  return { usedBytes: (blocks - bfree) * bsize, isFull: bavail * 50 < blocks || ffree * 50 < files };
};

/** So many entries are looked at: more of them are a misuse of the disk in any case. */
const maxEntries = 200_000;

/**
 * What the files in a folder take, and those that were deleted there but that one of `pids` has still open.
 * About 20 µs for each entry, and for each open file.
 */
export const useOfFolder = async (
  folder: string,
  { limitBytes, pids }: { limitBytes: number; pids: readonly number[] },
): Promise<VolumeUse> => {
  let usedBytes = await bytesOfDeleted((await lstat(folder)).dev, pids);
  let entries = 0;
  const open: string[] = [folder];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const entry of await entriesOf(path)) {
      entries += 1;
      const below = join(path, entry.name);
      if (entry.isDirectory()) open.push(below);
      usedBytes += await bytesOf(below);
      if (usedBytes > limitBytes || entries > maxEntries) return { usedBytes, isFull: true };
    }
  }
  return { usedBytes, isFull: usedBytes > limitBytes };
};

/** Files come and go while we look. */
const entriesOf = (path: string): Promise<Dirent[]> => readdir(path, { withFileTypes: true }).catch(() => []);

const bytesOf = async (path: string): Promise<number> => {
  try {
    return (await lstat(path)).blocks * bytesPerBlock;
  } catch {
    return 0;
  }
};

/** The unit of st_blocks, whatever the file system's own is. */
const bytesPerBlock = 512;

const bytesOfDeleted = async (device: number, pids: readonly number[]): Promise<number> => {
  const found = new Map<number, number>();
  for (const pid of pids) {
    for (const { name } of await entriesOf(`/proc/${pid}/fd`)) {
      const stats = await stat(`/proc/${pid}/fd/${name}`).catch(() => null);
      if (stats?.isFile() && stats.nlink === 0 && stats.dev === device)
        found.set(stats.ino, stats.blocks * bytesPerBlock);
    }
  }
  return [...found.values()].reduce((sum, bytes) => sum + bytes, 0);
};
