// Where installed packages lie: a folder for each, complete once its marker is there, removed when nobody uses it.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@insightloop/core';
import { z } from 'zod';
import { removeTree, sealFolder } from './package-seal.ts';

/** What makes two installations the same one. */
export interface PackageKey {
  name: string;
  /** Exact. */
  version: string;
  allowScripts: boolean;
}

const marker = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string().nullable(),
  allow_scripts: z.boolean(),
  installed_at: z.string(),
});

export interface InstalledPackage extends PackageKey {
  /** The name of its folder. */
  id: string;
  folder: string;
  /** Of the package itself, such as npm's integrity; null where the registry gives none. */
  digest: string | null;
}

export interface PackageStore {
  idOf(key: PackageKey): string;
  /** The installation, where it is complete. */
  find(key: PackageKey): Promise<InstalledPackage | null>;
  /** An empty folder at the place of the installation, for the installer. */
  begin(key: PackageKey): Promise<string>;
  /** Seals the folder and makes it count. Until then a crash leaves only what `sweep` removes. */
  commit(key: PackageKey, digest: string | null): Promise<InstalledPackage>;
  discard(key: PackageKey): Promise<void>;
  /** Says that the installation is used now. */
  touch(id: string): Promise<void>;
  /** A folder for one run of an installer; what is secret in it must be so by itself. */
  openRun(): Promise<{ folder: string; close(): Promise<void> }>;
  /** Whether no installer runs, or is about to. */
  isIdle(): boolean;
  /** Takes a folder away before it returns to the event loop, and removes it in its own time. */
  throwAway(folder: string): Promise<void>;
  /**
   * Removes what was unused for long, and what an earlier life of ours left unfinished; never what is in `inUse`.
   * Returns how many installations went.
   */
  sweep(inUse: ReadonlySet<string>): Promise<number>;
}

export interface PackageStoreOptions {
  /** Ours alone: one process at a time works in it. */
  folder: string;
  unusedAfterMs: number;
  clock: Pick<Clock, 'now'>;
}

const markerName = 'install.json';

export const createPackageStore = ({
  folder: root,
  unusedAfterMs,
  clock,
}: PackageStoreOptions): PackageStore => {
  const installs = join(root, 'packages');
  const runs = join(root, 'runs');
  // Being installed by this process: not finished, and not to be swept.
  const open = new Set<string>();
  const openRuns = new Set<string>();

  const read = async (id: string): Promise<z.infer<typeof marker> | null> => {
    const text = await readFile(join(installs, id, markerName), 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      return marker.parse(JSON.parse(text));
    } catch {
      return null;
    }
  };

  const isUnused = async (id: string): Promise<boolean> => {
    const stats = await stat(join(installs, id, markerName)).catch(() => null);
    return stats === null || (await read(id)) === null || clock.now() - stats.mtimeMs > unusedAfterMs;
  };

  const store: PackageStore = {
    idOf: ({ name, version, allowScripts }) => {
      // Code that scripts built fits one version of Node; the rest fits one kind of machine.
      const machine = [process.platform, process.arch, allowScripts ? process.versions.modules : ''];
      const hash = createHash('sha256').update(JSON.stringify([name, version, allowScripts, ...machine]));
      const readable = `${name.slice(name.indexOf('/') + 1)}-${version}`
        .replace(/[^A-Za-z0-9._-]/g, '_')
        .slice(0, 80);
      return `${readable}-${hash.digest('hex').slice(0, 16)}`;
    },

    async find(key) {
      const id = store.idOf(key);
      const found = await read(id);
      if (
        found?.name !== key.name ||
        found.version !== key.version ||
        found.allow_scripts !== key.allowScripts
      )
        return null;
      return { ...key, id, folder: join(installs, id), digest: found.digest };
    },

    async begin(key) {
      const id = store.idOf(key);
      open.add(id);
      const folder = join(installs, id);
      await removeTree(folder);
      await mkdir(folder, { recursive: true, mode: 0o755 });
      return folder;
    },

    async commit(key, digest) {
      const id = store.idOf(key);
      const folder = join(installs, id);
      await sealFolder(folder);
      const content: z.input<typeof marker> = {
        name: key.name,
        version: key.version,
        digest,
        allow_scripts: key.allowScripts,
        installed_at: new Date(clock.now()).toISOString(),
      };
      // A new file, then renamed: what stands there may be a link that the package made.
      const draft = join(folder, `.${randomUUID()}`);
      await writeFile(draft, JSON.stringify(content), { flag: 'wx', mode: 0o644 });
      await rm(join(folder, markerName), { recursive: true, force: true });
      await rename(draft, join(folder, markerName));
      await store.touch(id);
      open.delete(id);
      return { ...key, id, folder, digest };
    },

    async discard(key) {
      const id = store.idOf(key);
      await removeTree(join(installs, id));
      open.delete(id);
    },

    async touch(id) {
      const now = new Date(clock.now());
      await utimes(join(installs, id, markerName), now, now);
    },

    async openRun() {
      const name = randomUUID();
      const folder = join(runs, name);
      openRuns.add(name);
      // Passable, not readable: where sandboxes have no view of their own, the installer goes through here.
      await mkdir(folder, { recursive: true, mode: 0o711 });
      return {
        folder,
        async close() {
          await removeTree(folder);
          openRuns.delete(name);
        },
      };
    },

    isIdle: () => open.size === 0 && openRuns.size === 0,

    async throwAway(folder) {
      mkdirSync(runs, { recursive: true, mode: 0o711 });
      const away = join(runs, randomUUID());
      renameSync(folder, away);
      await removeTree(away);
    },

    async sweep(inUse) {
      for (const name of await namesIn(runs)) if (!openRuns.has(name)) await removeTree(join(runs, name));
      let removed = 0;
      for (const id of await namesIn(installs)) {
        if (open.has(id) || inUse.has(id) || !(await isUnused(id))) continue;
        // Nobody finds it any more from here on; removing takes a while.
        await rm(join(installs, id, markerName), { recursive: true, force: true });
        await removeTree(join(installs, id));
        removed += 1;
      }
      return removed;
    },
  };
  return store;
};

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
