// Which host paths may be mounted.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMountRoots } from './index.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mount roots-'));
  await mkdir(join(home, 'open', 'inner'), { recursive: true });
  await mkdir(join(home, 'open-not'));
  await writeFile(join(home, 'open', 'file'), '');
});
afterEach(() => rm(home, { recursive: true }));

describe('mount roots', () => {
  const check = (path: string, roots = [join(home, 'open')]) => createMountRoots(roots).check(path);

  it('allows what lies under a root, and the root itself', async () => {
    for (const name of ['open', 'open/inner', 'open/inner/..'])
      expect(await check(join(home, name))).toMatchObject({ ok: true, kind: 'directory' });
    expect(await check(join(home, 'open', 'file'))).toMatchObject({ ok: true, kind: 'file' });
  });

  it('refuses what lies elsewhere, is missing, or is no plain absolute path', async () => {
    for (const path of [
      join(home, 'open-not'),
      join(home, 'open', '..', 'open-not'),
      home,
      '/',
      join(home, 'open', 'missing'),
      'open',
      '',
      `${join(home, 'open')}\0`,
    ])
      expect(await check(path), path).toMatchObject({ ok: false });
  });

  it('follows links before it judges: out of a root is out, into a root is in', async () => {
    await symlink(join(home, 'open-not'), join(home, 'open', 'way-out'));
    await symlink(join(home, 'open', 'inner'), join(home, 'way-in'));
    expect(await check(join(home, 'open', 'way-out'))).toMatchObject({ ok: false });
    expect(await check(join(home, 'way-in'))).toMatchObject({
      ok: true,
      realPath: join(home, 'open', 'inner'),
    });
  });

  it('says the same of what is missing and of what is forbidden', async () => {
    const reason = async (path: string) => {
      const checked = await check(path);
      return checked.ok ? null : checked.reason.replace(path, '');
    };
    expect(await reason(join(home, 'open-not'))).toBe(await reason(join(home, 'nowhere')));
  });

  it('allows nothing without roots, and no socket', async () => {
    expect(await check(home, [])).toMatchObject({ ok: false });
    const server = createServer().listen(join(home, 'open', 'socket'));
    expect(await check(join(home, 'open', 'socket'))).toMatchObject({ ok: false });
    await new Promise((resolve) => server.close(resolve));
  });
});
