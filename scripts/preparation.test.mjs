// The preparation does each step when it is needed and only then, in a small project with a stand-in for pnpm.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepare } from './preparation.mjs';

let root;

async function write(file, content) {
  const path = join(root, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
}

/** Writes down how it was called and makes what the real one would make. */
const pnpm = `import { appendFileSync, mkdirSync } from 'node:fs';
  appendFileSync(process.env.PNPM_LOG, process.argv[2] + '\\n');
  if (process.argv[2] === 'install') for (const folder of ['.', 'packages/one', 'app']) mkdirSync(folder + '/node_modules', { recursive: true });
  else mkdirSync('dist', { recursive: true });`;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'insightloop preparation '));
  process.env.PNPM_LOG = join(root, 'calls');
  await write('calls', '');
  await write('package.json', { packageManager: 'pnpm@1.2.3', devDependencies: { a: '1' } });
  await write('pnpm-workspace.yaml', `packages:\n  - packages/*\n  - 'app'\n\nnodeVersion: 24.0.0\n`);
  await write('pnpm-lock.yaml', 'a lock');
  await write('packages/one/package.json', { dependencies: { a: '1' } });
  await write('packages/client/package.json', {});
  await write('packages/client/src/index.ts', '// The client.');
  await write('app/package.json', { dependencies: { a: '1' } });
  await write('.toolchain/node_modules/pnpm/package.json', { version: '1.2.3' });
  await write('.toolchain/node_modules/pnpm/bin/pnpm.mjs', pnpm);
});
afterEach(async () => {
  delete process.env.PNPM_LOG;
  await rm(root, { recursive: true });
});

const calls = async () => (await readFile(join(root, 'calls'), 'utf8')).split('\n').slice(0, -1);

describe('the packages', () => {
  it('are installed once', async () => {
    await prepare(root, ['install']);
    await prepare(root, ['install']);
    expect(await calls()).toEqual(['install']);
  });

  it.each([
    ['the lock file changed', () => write('pnpm-lock.yaml', 'another lock')],
    [
      'the workspace changed',
      () => write('pnpm-workspace.yaml', 'packages:\n  - app\nnodeVersion: 24.0.0\n'),
    ],
    ['a member changed', () => write('packages/one/package.json', { dependencies: { a: '2' } })],
    ['a member came', () => write('packages/two/package.json', {})],
    ['they were deleted', () => rm(join(root, 'node_modules'), { recursive: true })],
    ['those of a member were deleted', () => rm(join(root, 'app/node_modules'), { recursive: true })],
  ])('are installed again when %s', async (_, change) => {
    await prepare(root, ['install']);
    await change();
    await prepare(root, ['install']);
    expect(await calls()).toEqual(['install', 'install']);
  });

  it('are tried again after a failure, which says what to do', async () => {
    await write('.toolchain/node_modules/pnpm/bin/pnpm.mjs', `console.log('ENOTFOUND'); process.exit(1);`);
    await expect(prepare(root, ['install'])).rejects.toMatchObject({
      message: expect.stringMatching(/^Installing the packages: failed/),
      advice: expect.stringContaining('cannot be reached'),
    });
    await write('.toolchain/node_modules/pnpm/bin/pnpm.mjs', pnpm);
    await prepare(root, ['install']);
    expect(await calls()).toEqual(['install']);
  });

  it('are installed once by two launchers at the same time', async () => {
    const code = `import { prepare } from ${JSON.stringify(new URL('preparation.mjs', import.meta.url).href)};
      await prepare(process.argv[1], ['install']);`;
    const launchers = [1, 2].map(() => spawn(process.execPath, ['--input-type=module', '-e', code, root]));
    const exits = await Promise.all(launchers.map((launcher) => once(launcher, 'exit')));
    expect(exits).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(await calls()).toEqual(['install']);
  });
});

describe('the client package', () => {
  it('is built when a source changed, and not for a test', async () => {
    await prepare(root, ['sdk']);
    await write('packages/client/src/index.test.ts', '// A test.');
    await prepare(root, ['sdk']);
    expect(await calls()).toEqual(['run']);

    await write('packages/core/src/errors.ts', '// Part of what the client is built from.');
    await prepare(root, ['sdk']);
    expect(await calls()).toEqual(['run', 'run']);
  });
});

it('puts the toolchain and the tools first on the PATH', async () => {
  const { env, node } = await prepare(root, []);
  expect(env.PATH.split(':').slice(0, 3)).toEqual([
    dirname(node),
    join(root, '.toolchain/node_modules/.bin'),
    join(root, 'node_modules/.bin'),
  ]);
});
