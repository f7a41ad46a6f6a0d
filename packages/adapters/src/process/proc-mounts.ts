// The mounts of this process, out of /proc/self/mountinfo.

export interface Mount {
  /** Which part of its file system is mounted: "/" for the whole. */
  root: string;
  mountPoint: string;
  /** Of this mount: ro, nosuid, noexec, … */
  options: string[];
  type: string;
  /** Of the file system: for cgroup v1 the names of its controllers. */
  superOptions: string[];
}

/** The kernel writes space, tab, newline and backslash in paths as three octal digits. */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** @param text proc(5), /proc/<pid>/mountinfo */
export const parseMounts = (text: string): Mount[] =>
  text.split('\n').flatMap((line) => {
    const [ours, theirs] = line.split(' - ');
    const [, , , root, mountPoint, options] = ours?.split(' ') ?? [];
    const [type, , superOptions] = theirs?.split(' ') ?? [];
    if (root === undefined || mountPoint === undefined || options === undefined || type === undefined)
      return [];
    return {
      root: unescapePath(root),
      mountPoint: unescapePath(mountPoint),
      options: options.split(','),
      type,
      superOptions: superOptions?.split(',') ?? [],
    };
  });

export const isWithin = (path: string, folder: string): boolean =>
  path === folder || folder === '/' || path.startsWith(`${folder}/`);

/** The mount that a path lies on; later mounts cover earlier ones. */
export const mountOf = (mounts: readonly Mount[], path: string): Mount | null => {
  let found: Mount | null = null;
  for (const mount of mounts) {
    if (!isWithin(path, mount.mountPoint)) continue;
    if (found === null || mount.mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
};
