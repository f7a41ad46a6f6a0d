// Who has a socket open, by its inode.
import { readdir, readlink } from 'node:fs/promises';

const linkOf = (path: string): Promise<string | null> => readlink(path).catch(() => null);
const namesIn = (path: string): Promise<string[]> => readdir(path).catch(() => []);

/**
 * Whether a process in our own pid namespace has the socket. False also where nobody is found: a socket can be on its
 * way from one process to another. About 10 µs for each open file of the processes that we may look at.
 */
export const isOutside = async (inode: string): Promise<boolean> => {
  const ours = await linkOf('/proc/self/ns/pid');
  const wanted = `socket:[${inode}]`;
  for (const pid of (await namesIn('/proc')).filter((name) => /^\d+$/.test(name))) {
    if ((await linkOf(`/proc/${pid}/ns/pid`)) !== ours) continue;
    for (const descriptor of await namesIn(`/proc/${pid}/fd`)) {
      if ((await linkOf(`/proc/${pid}/fd/${descriptor}`)) === wanted) return true;
    }
  }
  return false;
};
