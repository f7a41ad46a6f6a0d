// What an installer leaves behind becomes ours and harmless, or is refused.
import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree, sealFolder } from './package-seal.ts';

let root = '';
let folder = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'package-seal-'));
  folder = join(root, 'install');
  await mkdir(join(folder, 'inner'), { recursive: true });
  await writeFile(join(folder, 'inner', 'file'), 'x');
});
afterEach(() => removeTree(root));

const modeOf = async (path: string): Promise<string> =>
  ((await stat(join(folder, path))).mode & 0o7777).toString(8);

describe('sealFolder', () => {
  it('leaves only us the right to write, and everybody the right to read', async () => {
    await writeFile(join(folder, 'program'), 'x');
    await chmod(join(folder, 'program'), 0o6777);
    await chmod(join(folder, 'inner', 'file'), 0o600);
    await chmod(join(folder, 'inner'), 0o300);
    await chmod(folder, 0o777);
    await sealFolder(folder);
    expect(await modeOf('.')).toBe('755');
    expect(await modeOf('inner')).toBe('755');
    expect(await modeOf('inner/file')).toBe('644');
    expect(await modeOf('program')).toBe('755');
  });

  it('takes links as they are and does not follow them', async () => {
    await writeFile(join(root, 'outside'), 'x', { mode: 0o600 });
    await symlink('../outside', join(folder, 'link'));
    await sealFolder(folder);
    expect(((await stat(join(root, 'outside'))).mode & 0o777).toString(8)).toBe('600');
  });

  it('takes two names of one file inside', async () => {
    await link(join(folder, 'inner', 'file'), join(folder, 'again'));
    await sealFolder(folder);
    expect(await modeOf('again')).toBe('644');
  });

  it('refuses a hard link to something outside, and changes nothing of it', async () => {
    await writeFile(join(root, 'outside'), 'x');
    await chmod(join(root, 'outside'), 0o600);
    await link(join(root, 'outside'), join(folder, 'inside'));
    await expect(sealFolder(folder)).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(((await stat(join(root, 'outside'))).mode & 0o777).toString(8)).toBe('600');
  });

  it('refuses what is neither file nor folder', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(sealFolder(folder)).rejects.toThrow(/neither a file nor a folder/);
  });
});

describe('removeTree', () => {
  it('removes what was locked', async () => {
    await chmod(join(folder, 'inner'), 0o000);
    await removeTree(folder);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('does not mind what is not there', async () => {
    await removeTree(join(root, 'nothing'));
    await rm(folder, { recursive: true });
  });
});
