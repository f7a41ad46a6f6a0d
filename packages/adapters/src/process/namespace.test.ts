// What a sandboxed process may see: which requests are refused, and how the mounts are written down.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { pathInVolume, resolveBinds } from './namespace-binds.ts';
import { idmapOption, isToBeMapped, mappedFields } from './namespace-idmap.ts';
import { escapeField, mountTable } from './namespace-mounts.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'namespace-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'a/b'), { recursive: true });
  await writeFile(join(folder, 'a/file'), '');
  await symlink(join(folder, 'a'), join(folder, 'link'));
});

const mount = (source: string, target: string, readOnly = true) => ({
  source,
  target,
  readOnly,
  isMapped: false,
});

describe('what is shown', () => {
  it('is each thing once, without links, the outer before the inner', async () => {
    const binds = await resolveBinds(
      [join(folder, 'a/b'), join(folder, 'a'), '/usr/lib/node', '/bin'],
      [mount(join(folder, 'link'), '/data/'), mount(join(folder, 'a/file'), '/projects/x/file', false)],
    );
    expect(binds.map(({ source, target, readOnly, kind }) => [source, target, readOnly, kind])).toEqual([
      [join(folder, 'a'), '/data', true, 'folder'],
      [join(folder, 'a'), join(folder, 'a'), true, 'folder'],
      [join(folder, 'a/file'), '/projects/x/file', false, 'file'],
    ]);
  });

  it.each([
    '/',
    '/proc',
    '/proc/x',
    '/usr/x',
    '/etc/x',
    '/dev',
    '/home',
    '/home/server',
    '/var',
    '/tmp',
    'x',
    '/a/../etc',
  ])('is not shown at %s', async (target) => {
    await expect(resolveBinds([], [mount(folder, target)])).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
    });
  });

  it('is not mounted inside something else', async () => {
    const binds = resolveBinds([], [mount(folder, '/data'), mount(folder, '/data/inner')]);
    await expect(binds).rejects.toThrow('inside "/data"');
    const writable = resolveBinds(
      [join(folder, 'a')],
      [mount(join(folder, 'a/b'), join(folder, 'a/b'), false)],
    );
    await expect(writable).rejects.toThrow('inside');
  });

  it('is there, and is a file or a folder', async () => {
    await expect(resolveBinds([join(folder, 'nothing')], [])).rejects.toThrow('cannot be read');
    await expect(resolveBinds([], [mount('/dev/null', '/data')])).rejects.toThrow(
      'neither a file nor a folder',
    );
  });
});

it('knows which targets lie among the private files', () => {
  expect(
    ['/home/server/x/y', '/tmp/x', '/var/tmp/x', '/data', '/home/server', '/tmpx'].map(pathInVolume),
  ).toEqual(['home/x/y', 'tmp/x', 'tmp/x', null, null, null]);
});

describe('owners', () => {
  const owner = { uid: 1000, gid: 1000, mode: 0o40700 };
  const wanted = { source: '/data', readOnly: true, kind: 'folder', owner } as const;

  const all = { idMapping: 'mount', filter: 'setpriv' } as const;
  const unfiltered = { idMapping: 'mount', filter: null } as const;
  const unmapped = { idMapping: null, filter: 'setpriv' } as const;
  const root = { ...owner, uid: 0 };

  it('are mapped where that can be done', () => {
    expect(isToBeMapped(wanted, all)).toBe(true);
    expect(isToBeMapped({ ...wanted, readOnly: false }, unfiltered)).toBe(true);
    expect(isToBeMapped({ ...wanted, owner: root }, unfiltered)).toBe(true);
    expect(isToBeMapped({ ...wanted, readOnly: false, owner: root }, all)).toBe(true);
  });

  it('are not, where everybody may use the files anyway', () => {
    expect(isToBeMapped({ ...wanted, owner: { ...owner, mode: 0o40755 } }, unmapped)).toBe(false);
    const shared = { ...root, mode: 0o41777 };
    expect(isToBeMapped({ ...wanted, readOnly: false, owner: shared }, unfiltered)).toBe(false);
  });

  it('are missed where that cannot be done, or where it would make programs of root', () => {
    expect(() => isToBeMapped(wanted, unmapped)).toThrow('cannot read');
    expect(() => isToBeMapped({ ...wanted, readOnly: false, owner: root }, unfiltered)).toThrow(
      'belongs to root',
    );
  });

  it('are written down for either tool', () => {
    expect(idmapOption(owner, 7)).toBe('X-mount.idmap=u:1000:7:1 g:1000:7:1');
    expect(mappedFields(wanted, { target: '/t', own: 7 })).toBe('/data\0/t\x001\x001000\x001000\x007\0');
  });
});

describe('the table of mounts', () => {
  it('cannot be broken by a name', () => {
    expect(escapeField('/a b\tc\nd\\e#f"g')).toBe('/a\\040b\\011c\\012d\\134e\\043f\\042g');
  });

  it('shows the system read-only, and keeps what a mount must not lose', async () => {
    const owner = { uid: 1000, gid: 1000, mode: 0o40700 };
    const bind = {
      source: '/data',
      target: '/x y',
      readOnly: false,
      kind: 'folder',
      isMapped: true,
      owner,
    } as const;
    const table = await mountTable({
      root: '/box/root',
      systemFolders: ['/usr'],
      volume: { folder: '/box/volume', image: '/box/volume.img' },
      empty: '/box/empty',
      isPrivileged: true,
      binds: [bind],
      mappingOption: () => 'X-mount.idmap=u:1:2:1 g:1:2:1',
      mounts: [
        {
          root: '/',
          mountPoint: '/data',
          options: ['rw', 'noexec', 'noatime'],
          type: 'ext4',
          superOptions: [],
        },
      ],
    });
    const lines = table.trimEnd().split('\n');
    expect(lines[0]).toBe('/box/root /box/root none bind,nosuid,nodev,ro 0 0');
    expect(lines[1]).toBe('/usr /box/root/usr none bind,nosuid,nodev,ro 0 0');
    expect(lines[2]).toBe('/box/volume.img /box/volume ext4 loop,nosuid,nodev 0 0');
    expect(lines.at(-1)).toBe(
      '/data /box/root/x\\040y none bind,nosuid,nodev,X-mount.idmap=u:1:2:1\\040g:1:2:1,noexec 0 0',
    );
    expect(lines.every((line) => line.split(' ').length === 6)).toBe(true);
    expect(lines.every((line) => line.includes('nosuid'))).toBe(true);
  });
});
