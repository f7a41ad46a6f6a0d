// Installations: complete or not there, found again, kept while they are used, gone when they are not.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trimCache } from './package-cache.ts';
import { createPackageStore, type PackageKey, type PackageStore } from './package-store.ts';

const day = 24 * 60 * 60 * 1000;
const key: PackageKey = { name: '@scope/server', version: '1.0.0', allowScripts: false };

let root = '';
let now = 0;
let store: PackageStore;
const reopen = (): PackageStore =>
  createPackageStore({ folder: root, unusedAfterMs: 14 * day, clock: { now: () => now } });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'package-store-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  store = reopen();
});
afterEach(() => rm(root, { recursive: true }));

const install = async (changes: Partial<PackageKey> = {}, digest: string | null = 'sha512-x') => {
  const folder = await store.begin({ ...key, ...changes });
  await writeFile(join(folder, 'content'), 'x');
  return store.commit({ ...key, ...changes }, digest);
};

describe('createPackageStore', () => {
  it('finds what was committed, also in a later life', async () => {
    const installed = await install();
    expect(await readdir(installed.folder)).toEqual(['content', 'install.json']);
    expect(await reopen().find(key)).toEqual(installed);
    expect(installed.digest).toBe('sha512-x');
  });

  it('does not find what was only begun', async () => {
    await store.begin(key);
    expect(await store.find(key)).toBeNull();
    expect(await reopen().find(key)).toBeNull();
  });

  it('keeps versions, and packages with and without scripts, apart', async () => {
    await install();
    expect(await store.find({ ...key, version: '1.0.1' })).toBeNull();
    expect(await store.find({ ...key, allowScripts: true })).toBeNull();
    expect(await store.find({ ...key, name: '@other/server' })).toBeNull();
  });

  it('does not believe a marker that says something else', async () => {
    const { folder } = await install();
    const marker = join(folder, 'install.json');
    const content = await readFile(marker, 'utf8');
    await writeFile(marker, content.replace('1.0.0', '6.6.6'));
    expect(await store.find(key)).toBeNull();
    await writeFile(marker, content.slice(0, 20));
    expect(await store.find(key)).toBeNull();
  });

  it('writes its marker over whatever the package put there', async () => {
    const folder = await store.begin(key);
    const outside = join(root, 'outside');
    await writeFile(outside, 'mine');
    await symlink(outside, join(folder, 'install.json'));
    await store.commit(key, null);
    expect(await readFile(outside, 'utf8')).toBe('mine');
    expect(await store.find(key)).toMatchObject({ digest: null });
  });

  it('begins with an empty folder, whatever an earlier life left there', async () => {
    await writeFile(join(await store.begin(key), 'half'), 'x');
    expect(await readdir(await reopen().begin(key))).toEqual([]);
  });

  it('sweeps what was unused for long, and nothing else', async () => {
    const [old, used, running] = [
      await install({ version: '1.0.0' }),
      await install({ version: '2.0.0' }),
      await install({ version: '3.0.0' }),
    ];
    now += 13 * day;
    await store.touch(used.id);
    expect(await store.sweep(new Set())).toBe(0);
    now += 2 * day;
    expect(await store.sweep(new Set([running.id]))).toBe(1);
    expect(await store.find({ ...key, version: '1.0.0' })).toBeNull();
    expect(await readdir(join(root, 'packages'))).toEqual([used.id, running.id].sort());
    expect(old.id).not.toBe(used.id);
  });

  it('sweeps what an earlier life left unfinished, and nothing that this one does', async () => {
    await store.begin(key);
    await store.openRun();
    const next = reopen();
    const open = await next.begin({ ...key, version: '2.0.0' });
    const run = await next.openRun();
    await next.sweep(new Set());
    expect(await readdir(join(root, 'packages'))).toEqual([next.idOf({ ...key, version: '2.0.0' })]);
    expect(await readdir(join(root, 'runs'))).toHaveLength(1);
    expect(open).toContain('2.0.0');
    await run.close();
    expect(await readdir(join(root, 'runs'))).toEqual([]);
  });

  it('has readable names that stay inside its folder', () => {
    expect(store.idOf(key)).toMatch(/^server-1\.0\.0-[0-9a-f]{16}$/);
    expect(store.idOf({ ...key, name: 'x'.repeat(214), version: '1.0.0+a/b' })).not.toContain('/');
  });
});

describe('trimCache', () => {
  const fill = async (): Promise<string> => {
    const cache = join(root, 'cache');
    await mkdir(join(cache, 'inner'), { recursive: true });
    await writeFile(join(cache, 'inner', 'file'), Buffer.alloc(100_000));
    return cache;
  };

  it('leaves a cache that is small enough', async () => {
    const cache = await fill();
    await trimCache(cache, 1_000_000, store);
    expect(await readdir(cache)).toEqual(['inner']);
  });

  it('removes one that is too large, but not while an installer may use it', async () => {
    const cache = await fill();
    const run = await store.openRun();
    await trimCache(cache, 10_000, store);
    expect(await readdir(cache)).toEqual(['inner']);
    await run.close();
    await trimCache(cache, 10_000, store);
    expect(await readdir(root)).toEqual(['runs']);
    expect(await readdir(join(root, 'runs'))).toEqual([]);
  });

  it('does not mind a cache that is not there', async () => {
    await trimCache(join(root, 'nothing'), 0, store);
  });
});
