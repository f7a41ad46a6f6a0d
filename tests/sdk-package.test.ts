// The published package: packed, inspected, and used by a stranger outside of the workspace.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from './support/running-server.ts';

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL('../packages/client', import.meta.url));
const consumerSources = fileURLToPath(new URL('consumer', import.meta.url));
const compilers = {
  'TypeScript 5.9': 'typescript-5.9',
  'TypeScript 6.0': 'typescript',
  'TypeScript 7.0': 'typescript-7.0',
};

let folder: string;
let tarball: string;
/** Where the stranger has installed it. */
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insightloop-sdk-'));
  await run('pnpm', ['pack', '--pack-destination', folder], { cwd: packageFolder });
  const [packed] = await readdir(folder);
  if (packed === undefined) throw new Error('nothing was packed');
  tarball = join(folder, packed);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: { '@insightloop/client': `file:${tarball}` },
      devDependencies: {
        '@types/node': '^24',
        typescript: '~6.0.0',
        'typescript-5.9': 'npm:typescript@~5.9.0',
        'typescript-7.0': 'npm:typescript@~7.0.0',
      },
    }),
  );
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: folder,
  });
  installed = join(folder, 'node_modules/@insightloop/client');
  for (const file of await readdir(consumerSources))
    await copyFile(join(consumerSources, file), join(folder, file));
  await writeConfigs();
}, 300_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function writeConfigs(): Promise<void> {
  const strict = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  };
  const node = {
    ...strict,
    module: 'nodenext',
    lib: ['es2023'],
    types: ['node'],
    rootDir: '.',
    outDir: 'built',
  };
  const bundler = {
    ...strict,
    module: 'esnext',
    moduleResolution: 'bundler',
    // tRPC's declarations speak of Disposable, which is otherwise there through Node's.
    lib: ['es2023', 'dom', 'esnext.disposable'],
    types: [],
    noEmit: true,
  };
  const configs = {
    'nodenext.json': { compilerOptions: node, files: ['main.mts', 'main.cts', 'types.ts'] },
    'bundler.json': { compilerOptions: bundler, files: ['types.ts'] },
  };
  for (const [name, config] of Object.entries(configs))
    await writeFile(join(folder, name), JSON.stringify(config));
}

const compile = (compiler: string, config: string): Promise<unknown> =>
  run(process.execPath, [join(folder, 'node_modules', compiler, 'bin/tsc'), '-p', config], {
    cwd: folder,
  }).catch((error: unknown) => {
    throw new Error(error instanceof Error && 'stdout' in error ? String(error.stdout) : 'tsc failed', {
      cause: error,
    });
  });

/** Every module that a file names, in `import`, `export … from`, `import()`, `require` and `import('…')` types. */
async function importsOf(file: string): Promise<string[]> {
  const { importedFiles } = ts.preProcessFile(await readFile(join(installed, file), 'utf8'), true, true);
  return [...new Set(importedFiles.map(({ fileName }) => fileName))].sort();
}

async function identifiersOf(file: string): Promise<Set<string>> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, await readFile(join(installed, file), 'utf8'), ts.ScriptTarget.Latest));
  return names;
}

describe('the tarball', () => {
  it('holds what a user needs and nothing else', async () => {
    expect((await readdir(installed, { recursive: true })).sort()).toEqual(
      [
        ...['LICENSE', 'README.md', 'package.json', 'dist'],
        ...['dist/index.cjs', 'dist/index.d.cts', 'dist/index.d.ts', 'dist/index.js'],
        ...['dist/websocket.cjs', 'dist/websocket.d.cts', 'dist/websocket.d.ts', 'dist/websocket.js'],
      ].sort(),
    );
  });

  it('says in its manifest what it is, and pins nothing to the workspace', async () => {
    const manifest: unknown = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      name: '@insightloop/client',
      license: 'MIT',
      sideEffects: false,
      engines: { node: expect.any(String) },
      dependencies: {
        '@trpc/client': expect.stringMatching(/^\d+\.\d+\.\d+$/),
        '@trpc/server': expect.stringMatching(/^\d+\.\d+\.\d+$/),
        'eventsource-parser': expect.stringMatching(/^\d/),
        superjson: expect.stringMatching(/^\d/),
      },
    });
    expect(JSON.stringify(manifest)).not.toMatch(/"(workspace|catalog):|\.\/src\//);
  });

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages).toEqual([]);
  });

  it('has types that resolve as they run, in every module format', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))));
    expect(result).toMatchObject({ types: { kind: 'included' } });
    const problems = 'problems' in result ? result.problems : [];
    // The way of Node 10 knows no subpaths, and no Node that we support goes it.
    const known = { kind: 'NoResolution', entrypoint: './websocket', resolutionKind: 'node10' };
    expect(problems).toEqual([known]);
  });

  it.each(['dist/index.d.ts', 'dist/index.d.cts'])('%s names no package but tRPC’s', async (file) => {
    const imports = await importsOf(file);
    expect(imports).toContain('@trpc/server');
    expect(imports.filter((name) => !name.startsWith('@trpc/'))).toEqual([]);
  });

  it.each(['dist/websocket.d.ts', 'dist/websocket.d.cts'])('%s names no package at all', async (file) => {
    expect(await importsOf(file)).toEqual([]);
  });

  it.each(['dist/websocket.js', 'dist/websocket.cjs'])('%s needs one dependency', async (file) => {
    expect(await importsOf(file)).toEqual(['superjson']);
  });

  it.each(['dist/index.js', 'dist/index.cjs'])(
    '%s needs its dependencies and nothing of Node',
    async (file) => {
      expect(await importsOf(file)).toEqual(['@trpc/client', 'eventsource-parser', 'superjson']);
      const names = await identifiersOf(file);
      expect(names).toContain('AbortController');
      expect(['process', 'Buffer', 'global', 'setImmediate'].filter((name) => names.has(name))).toEqual([]);
    },
  );
});

describe('a stranger', () => {
  describe.each(Object.entries(compilers))('with %s', (_name, compiler) => {
    it('compiles it strictly for Node, both module formats, library checks on', async () => {
      await compile(compiler, 'nodenext.json');
    });

    it('compiles it strictly for a bundler and a browser, library checks on', async () => {
      await compile(compiler, 'bundler.json');
    });
  });

  it('registers, looks, fails, watches and resumes against a running server, both module formats', async () => {
    await using server = await startServer();
    await compile('typescript-7.0', 'nodenext.json');
    for (const [file, words] of [
      ['built/main.mjs', 'told as an ES module'],
      ['built/main.cjs', 'told with require'],
    ] as const) {
      const { stdout, stderr } = await run(process.execPath, [file, server.baseUrl], { cwd: folder });
      expect(stdout.trim()).toBe(words);
      expect(stderr).toBe('');
    }
  });
});
