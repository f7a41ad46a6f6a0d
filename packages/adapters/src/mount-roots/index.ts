// The host paths that servers may be given: what lies, links resolved, under a root that the operator opened.
import type { MountCheck, MountRoots } from '@insightloop/core';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';

/** @param roots absolute paths, as in INSIGHTLOOP_MOUNT_ROOTS; without any, nothing is allowed */
export function createMountRoots(roots: readonly string[]): MountRoots {
  return {
    async check(path): Promise<MountCheck> {
      const refuse = (reason: string): MountCheck => ({ ok: false, reason });
      const shown = JSON.stringify(path);
      if (path.includes('\0') || !isAbsolute(path)) return refuse(`${shown} is not an absolute path`);
      const real = await realPathOf(path);
      const open = await Promise.all(roots.map(realPathOf));
      // One answer for what is missing and what is forbidden: it must not tell what the disk holds elsewhere.
      if (real === null || !open.some((root) => root !== null && lies(real, root)))
        return refuse(`${shown} is not an existing path under one of INSIGHTLOOP_MOUNT_ROOTS`);
      const info = await stat(real);
      if (info.isDirectory()) return { ok: true, realPath: real, kind: 'directory' };
      if (info.isFile()) return { ok: true, realPath: real, kind: 'file' };
      return refuse(`${shown} is neither a file nor a directory`);
    },
  };
}

const lies = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

async function realPathOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    return null;
  }
}
