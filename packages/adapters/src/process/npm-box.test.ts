// npm in a box: which settings it gets, where they lie, and that they are gone before a package's code runs.
import { access, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNpmrcLocator, openNpmBox, type NpmBoxOptions } from './npm-box.ts';
import { findNpm } from './npm-executable.ts';
import type { InstallSession } from './package-installer.ts';

let root = '';
let hidden: string[] = [];

/** An npm that only knows where its configuration is. */
const standIn = (cli: string): string => `#!/usr/bin/env node
if (process.argv[2] === 'root') console.log(${JSON.stringify(cli)});
else console.log('userconfig=' + process.env.HOME + '/.npmrc\\nglobalconfig=' + process.env.HOME + '/global');
`;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'npm-box-')));
  hidden = [];
  await mkdir(join(root, 'lib/npm/bin'), { recursive: true });
  await mkdir(join(root, 'private'));
  await writeFile(join(root, 'lib/npm/package.json'), '{"name":"npm","version":"11.0.0"}');
  await writeFile(join(root, 'lib/npm/bin/npm-cli.js'), standIn(join(root, 'lib')), { mode: 0o755 });
  await writeFile(join(root, 'ca.pem'), 'EXTRA');
  await writeFile(
    join(root, 'global'),
    'registry=https://global.example/\n@corp:registry=https://corp.example/\n',
  );
  await writeFile(
    join(root, '.npmrc'),
    'registry=https://user.example/\n//user.example/:_authToken=${TOKEN}\n',
  );
});
afterEach(() => rm(root, { recursive: true }));

const options = (changes: NpmBoxOptions['environment'] = {}): NpmBoxOptions => {
  const environment = {
    PATH: `relative:${root}/bin:/usr/bin:/bin`,
    HOME: root,
    TOKEN: 'operators-token',
    NODE_EXTRA_CA_CERTS: join(root, 'ca.pem'),
    HTTPS_PROXY: 'http://user:password@proxy:1',
    HTTP_PROXY: 'http://proxy:2',
    CANARY_KEY: 'canary',
    ...changes,
  };
  return {
    environment,
    nodePath: process.execPath,
    cacheFolder: join(root, 'cache'),
    installTimeoutMs: 1000,
    locate: createNpmrcLocator(environment),
  };
};

const session = (): InstallSession => ({
  signal: new AbortController().signal,
  limits: { memoryBytes: 1, cpus: 1, pids: 1, diskBytes: 1 },
  privateFolder: join(root, 'private'),
  report: () => {},
  hide: (secrets) => void hidden.push(...secrets),
  run: () => Promise.reject(new Error('nothing runs here')),
  output: () => [],
});

const installNpm = async (): Promise<void> => {
  await mkdir(join(root, 'bin'), { recursive: true });
  await writeFile(
    join(root, 'bin/npm'),
    `#!/bin/sh\nexec "${process.execPath}" "${root}/lib/npm/bin/npm-cli.js" "$@"\n`,
    {
      mode: 0o755,
    },
  );
};

describe('findNpm', () => {
  const { signal } = new AbortController();

  it('finds the real npm behind the stand-in of a version manager', async () => {
    await installNpm();
    expect(await findNpm(options().environment, signal)).toEqual({
      path: join(root, 'bin/npm'),
      cli: join(root, 'lib/npm/bin/npm-cli.js'),
      folder: join(root, 'lib/npm'),
      version: '11.0.0',
    });
  });

  it('finds none where there is none', async () => {
    expect(await findNpm({ PATH: `${root}/bin:relative` }, signal)).toBeNull();
    expect(await findNpm({}, signal)).toBeNull();
  });

  it('says so where what is called npm is something else', async () => {
    await installNpm();
    await writeFile(join(root, 'lib/npm/package.json'), '{"name":"other","version":"1.0.0"}');
    await expect(findNpm(options().environment, signal)).rejects.toMatchObject({ infrastructure: true });
  });
});

describe('openNpmBox', () => {
  beforeEach(installNpm);

  it('gives npm the settings of the operator, strongest last, in a file for nobody else', async () => {
    const npm = await openNpmBox(session(), options());
    const command = npm.trusted(({ npmrc, cache }) => [npmrc, cache], join(root, 'install'));
    const [node, cli, npmrc = '', cache] = command.command;
    expect([node, cli, cache]).toEqual([
      process.execPath,
      join(root, 'lib/npm/bin/npm-cli.js'),
      join(root, 'cache'),
    ]);
    const lines = (await readFile(npmrc, 'utf8')).trim().split('\n');
    expect(lines.slice(-4)).toEqual([
      '"registry"="https://global.example/"',
      '"@corp:registry"="https://corp.example/"',
      '"registry"="https://user.example/"',
      '"//user.example/:_authToken"="operators-token"',
    ]);
    expect(lines).toContain('"fetch-timeout"="1000"');
    expect(((await stat(npmrc)).mode & 0o777).toString(8)).toBe('600');
    expect(command.writable).toEqual([
      join(root, 'install'),
      join(root, 'private/closed'),
      join(root, 'cache'),
    ]);
    expect(command.readOnly).toEqual([join(root, 'lib/npm'), process.execPath]);
    expect(hidden).toEqual(expect.arrayContaining(['operators-token', 'user:password']));
  });

  it('passes nothing of our environment on', async () => {
    const npm = await openNpmBox(session(), options());
    const { environment } = npm.trusted(() => []);
    expect(Object.keys(environment)).toEqual(['PATH', 'NODE_EXTRA_CA_CERTS']);
    expect(await readFile(environment['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8')).toBe('EXTRA');
    expect(JSON.stringify(environment)).not.toContain('canary');
  });

  it('takes the credentials away before the code of packages runs', async () => {
    const npm = await openNpmBox(session(), options());
    const trusted = npm.trusted(({ npmrc }) => [npmrc]);
    const command = await npm.untrusted(({ npmrc, cache }) => [npmrc, cache], join(root, 'install'));
    const [, , npmrc = '', cache = ''] = command.command;
    await expect(access(trusted.command[2] ?? '')).rejects.toThrow('ENOENT');
    const settings = await readFile(npmrc, 'utf8');
    expect(settings).toContain('user.example');
    expect(settings + JSON.stringify(command.environment)).not.toMatch(/operators-token|password/);
    expect(command.environment).toMatchObject({ HTTP_PROXY: 'http://proxy:2' });
    expect(command.identity).toBe('scripts');
    expect(command.writable).toEqual([join(root, 'install'), join(root, 'private/open')]);
    expect(cache.startsWith(join(root, 'private/open'))).toBe(true);
  });

  it('says what is wrong with the surroundings', async () => {
    const missing = options({ NODE_EXTRA_CA_CERTS: join(root, 'nowhere.pem') });
    await expect(openNpmBox(session(), missing)).rejects.toMatchObject({ infrastructure: true });
    await rm(join(root, 'bin'), { recursive: true });
    const none = options({ PATH: join(root, 'bin') });
    await expect(openNpmBox(session(), none)).rejects.toThrow(/npm is not on the PATH/);
  });
});
