// Which program of a package is run, and how, by the packages that are easily got wrong.
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { npmProgram, packageFolder } from './npm-program.ts';
import type { InstalledPackage } from './package-store.ts';

const node = process.execPath;
let root = '';
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'npm-program-')));
});
afterEach(() => rm(root, { recursive: true }));

interface Made {
  name?: string;
  manifest?: object;
  files?: Record<string, string>;
}

const script = '#!/usr/bin/env node\n';

const make = async ({
  name = '@scope/server',
  manifest = {},
  files = {},
}: Made): Promise<InstalledPackage> => {
  const installed = { id: 'id', folder: root, name, version: '1.0.0', digest: null, allowScripts: false };
  const all = { 'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }), ...files };
  for (const [path, content] of Object.entries(all)) {
    const file = join(packageFolder(installed), path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: 0o755 });
  }
  return installed;
};

const commandOf = async (made: Made, bin: string | null = null): Promise<string[]> => {
  const { command } = await npmProgram(await make(made), bin, node);
  return command.map((part) => part.replace(`${root}/node_modules/`, ''));
};

const failureOf = async (made: Made, bin: string | null = null): Promise<AppError> => {
  const error: unknown = await npmProgram(await make(made), bin, node).catch((thrown: unknown) => thrown);
  if (error instanceof AppError) return error;
  throw new Error('it did not fail as it should', { cause: error });
};

describe('the choice of a program', () => {
  const files = { 'a.js': script, 'b.js': script };

  it.each<[string, unknown, string | null, string]>([
    ['a string', './a.js', null, 'a.js'],
    ['the only one', { other: 'a.js' }, null, 'a.js'],
    ['the one named like the package', { other: 'a.js', server: 'b.js' }, null, 'b.js'],
    ['the one that is wanted', { other: 'a.js', server: 'b.js' }, 'other', 'a.js'],
    ['two names of one file', { other: 'a.js', another: 'a.js' }, null, 'a.js'],
    ['a string, wanted by the name it has', 'a.js', 'server', 'a.js'],
  ])('takes %s', async (_, bin, wanted, file) => {
    expect(await commandOf({ manifest: { bin }, files }, wanted)).toEqual([node, `@scope/server/${file}`]);
  });

  it.each<[string, object, string | null, RegExp]>([
    ['a package without a program', {}, null, /has no program/],
    ['an empty list', { bin: {} }, null, /has no program/],
    [
      'several without a name that fits',
      { bin: { one: 'a.js', two: 'b.js' } },
      null,
      /several programs: one, two/,
    ],
    ['one that is not there', { bin: { one: 'a.js' } }, 'two', /no program "two", only one/],
    ['a name of every object', { bin: { one: 'a.js' } }, 'constructor', /no program "constructor"/],
    ['a file that is not there', { bin: 'c.js' }, null, /not in the package/],
    ['a file outside', { bin: '../../../../../etc/passwd' }, null, /outside of the package/],
    ['an absolute file', { bin: '/bin/sh' }, null, /outside of the package/],
    ['the folder of the package', { bin: '.' }, null, /outside of the package/],
    ['nonsense', { bin: 42 }, null, /package.json .* cannot be used/],
    ['another version', { version: '2.0.0', bin: 'a.js' }, null, /holds 2.0.0/],
  ])('refuses %s', async (_, manifest, wanted, message) => {
    const error = await failureOf({ manifest, files }, wanted);
    expect(error).toMatchObject({ code: 'DEPLOYMENT_FAILED', infrastructure: false });
    expect(error.message).toMatch(message);
  });

  it('refuses a link that leads outside', async () => {
    const installed = await make({ manifest: { bin: 'link.js' } });
    await symlink('/bin/sh', join(packageFolder(installed), 'link.js'));
    await expect(npmProgram(installed, null, node)).rejects.toThrow(/outside of the package/);
  });

  it('refuses a package that is a link outside', async () => {
    const installed = await make({ name: 'server', manifest: { bin: 'a.js' }, files });
    await rm(packageFolder(installed), { recursive: true });
    await symlink('/usr', packageFolder(installed));
    await expect(npmProgram(installed, null, node)).rejects.toThrow(/outside of its own installation/);
  });

  it('reads no file of ours in the place of its own', async () => {
    const installed = await make({ name: 'server' });
    await writeFile(join(root, 'outside.json'), '{"name":"server","version":"1.0.0","bin":"a.js"}');
    await rm(join(packageFolder(installed), 'package.json'));
    await symlink(join(root, 'outside.json'), join(packageFolder(installed), 'package.json'));
    await expect(npmProgram(installed, null, node)).rejects.toThrow(/package.json .* cannot be used/);
  });

  it('says so where the installation is gone', async () => {
    const installed = await make({});
    await rm(join(root, 'node_modules'), { recursive: true });
    await expect(npmProgram(installed, null, node)).rejects.toThrow(/not complete/);
  });
});

describe('the interpreter', () => {
  const run = (first: string, file = 'a'): Promise<string[]> =>
    commandOf({ name: 'server', manifest: { bin: file }, files: { [file]: `${first}\nrest\n` } });

  it.each<[string, string[]]>([
    ['#!/usr/bin/env node', []],
    ['#!/usr/bin/env node\r', []],
    ['#! /usr/local/bin/node', []],
    ['#!/usr/bin/env -S node --no-warnings --enable-source-maps', ['--no-warnings', '--enable-source-maps']],
  ])('of %j is our own Node', async (first, flags) => {
    expect(await run(first)).toEqual([node, ...flags, 'server/a']);
  });

  it('of a JavaScript file without a first line is our own Node, too', async () => {
    expect(await run('import "x"', 'a.mjs')).toEqual([node, 'server/a.mjs']);
  });

  it('of another program is found on the system, never through a shell', async () => {
    const sh = await realpath('/bin/sh');
    expect(await run('#!/bin/sh')).toEqual([sh, 'server/a']);
    expect(await run('#!/usr/bin/env sh')).toEqual([sh, 'server/a']);
  });

  it('may come with the package', async () => {
    const installed = await make({
      name: 'server',
      manifest: { bin: 'a.ts' },
      files: { 'a.ts': '#!/usr/bin/env tsx\n', '../tsx/cli.js': script },
    });
    await mkdir(join(root, 'node_modules', '.bin'));
    await symlink('../tsx/cli.js', join(root, 'node_modules', '.bin', 'tsx'));
    const { command } = await npmProgram(installed, null, node);
    expect(command).toEqual([
      node,
      join(root, 'node_modules/tsx/cli.js'),
      join(root, 'node_modules/server/a.ts'),
    ]);
  });

  it.each(['#!/usr/bin/env no-such-thing', '#!/no/such/thing', '#!../up', '#!', 'no first line'])(
    'of %j is missing, and that is said',
    async (first) => {
      await expect(run(first)).rejects.toThrow(/does not have|not executable/);
    },
  );

  it('is none for machine code', async () => {
    const installed = await make({ name: 'server', manifest: { bin: 'tool' } });
    const file = join(packageFolder(installed), 'tool');
    await writeFile(file, Buffer.from('7f454c4602010100', 'hex'));
    await chmod(file, 0o755);
    expect(await npmProgram(installed, null, node)).toEqual({ command: [file], readOnly: [] });
  });

  it('does not follow interpreters for ever', async () => {
    await expect(
      commandOf({
        name: 'server',
        manifest: { bin: 'a' },
        files: { a: `#!${root}/node_modules/server/a\n` },
      }),
    ).rejects.toThrow(/does not have/);
  });
});
