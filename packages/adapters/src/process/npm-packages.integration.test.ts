// What npm packages may do and may not, and what becomes of registries that fail: real npm, real sandbox.
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import {
  AppError,
  type LaunchPlan,
  type Prepared,
  type PrepareProgress,
  type Workload,
} from '@insightloop/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegistryFault } from '../../../../tests/support/npm-registry.ts';
import {
  openNpxSite,
  planFor,
  program,
  runtimesOf,
  talkTo,
  token,
  type NpxSite,
} from './testing/npx-site.ts';

const { signal: never } = new AbortController();

describe('npx', { timeout: 60_000 }, () => {
  let site: NpxSite;
  let messages: string[] = [];
  const workloads: Workload[] = [];
  beforeEach(async () => {
    site = await openNpxSite();
    messages = [];
  });
  afterEach(async () => {
    for (const workload of workloads.splice(0)) await workload.stop(0);
    expect(await site.sandbox.owned()).toEqual([]);
    await site.close();
  });

  const onProgress = ({ message }: PrepareProgress): void => void messages.push(message);
  const prepare = (changes: Partial<LaunchPlan> = {}, runtimes = site.runtimes): Promise<Prepared> =>
    runtimes.npx.prepare(planFor(changes), { signal: never, onProgress });
  const start = async (changes: Partial<LaunchPlan> = {}, runtimes = site.runtimes): Promise<Workload> => {
    const workload = await runtimes.npx.start(await prepare(changes, runtimes), never);
    workloads.push(workload);
    return workload;
  };
  const failure = async (changes: Partial<LaunchPlan>, runtimes = site.runtimes): Promise<AppError> => {
    const error: unknown = await prepare(changes, runtimes).catch((thrown: unknown) => thrown);
    if (error instanceof AppError) return error;
    throw new Error('it did not fail as it should', { cause: error });
  };
  const installFolder = ({ artifact }: Prepared): string =>
    join(site.folder, 'installs/npx/packages', artifact['install'] ?? '');

  describe('what a package can do', () => {
    it('cannot change its installation, nor see the cache and the other folders of ours', async () => {
      const prepared = await prepare();
      const talk = talkTo(await start());
      const folder = join(installFolder(prepared), 'node_modules/@test/program');
      expect(JSON.parse(await talk(`see ${folder}`))).toContain('program.js');
      expect(await talk(`write ${folder}/program.js`)).toMatch(/^(?:EROFS|EACCES)$/);
      expect(await talk(`see ${site.folder}/installs/npm-cache`)).toMatch(/^(?:ENOENT|EACCES)$/);
      expect(await talk(`see ${site.folder}/installs/npx/runs`)).toMatch(/^(?:ENOENT|EACCES)$/);
      expect(await talk(`see ${site.folder}/sandboxes`)).toMatch(/^(?:ENOENT|EACCES)$/);
    });

    /** Leaves beside itself what it found out. */
    const curious = `
      const fs = require('node:fs');
      const tell = (action) => { try { return action(); } catch (error) { return error.code; } };
      fs.writeFileSync('found.json', JSON.stringify({
        uid: process.getuid(),
        environment: process.env,
        npmrc: tell(() => fs.readFileSync(process.env.npm_config_userconfig, 'utf8')),
        cache: tell(() => fs.readdirSync(process.env.INSTALLS + '/npm-cache')),
        outside: tell(() => fs.writeFileSync('/etc/insightloop-was-here', 'x')),
        neighbour: tell(() => fs.readdirSync('SANDBOXES')),
        parent: tell(() => fs.readFileSync('/proc/1/environ', 'utf8')),
      }));`;
    const publishCurious = (): void => {
      const script = curious
        .replace('process.env.INSTALLS', JSON.stringify(join(site.folder, 'installs')))
        .replace('SANDBOXES', join(site.folder, 'sandboxes'));
      site.registry.publish({
        manifest: { name: 'curious', version: '1.0.0', scripts: { postinstall: 'node look.js' } },
        files: { 'look.js': script },
      });
      site.registry.publish({
        manifest: {
          name: '@test/scripted',
          version: '1.0.0',
          bin: 'program.js',
          dependencies: { curious: '1.0.0' },
        },
        files: { 'program.js': program },
      });
    };

    it('runs no script while it is installed', async () => {
      publishCurious();
      const prepared = await prepare({ identifier: '@test/scripted' });
      const curiousFolder = join(installFolder(prepared), 'node_modules/curious');
      expect((await readdir(curiousFolder)).sort()).toEqual(['look.js', 'package.json']);
    });

    it('runs its scripts where that is allowed, and they find nothing', async () => {
      publishCurious();
      const identifier = '@test/scripted';
      const prepared = await prepare({
        identifier,
        allowScripts: true,
        environment: { MINE: 'plan-secret' },
      });
      const file = join(installFolder(prepared), 'node_modules/curious/found.json');
      const text = await readFile(file, 'utf8');
      const found = JSON.parse(text) as Record<string, unknown>;
      expect(found['uid']).not.toBe(process.getuid?.());
      expect(found['cache']).toMatch(/^(?:ENOENT|EACCES)$/);
      expect(found['outside']).toMatch(/^(?:EROFS|EACCES)$/);
      expect(found['neighbour']).toMatch(/^(?:ENOENT|EACCES)$/);
      expect(found['npmrc']).toContain(site.registry.url);
      expect(text).not.toContain(token);
      expect(text).not.toContain('plan-secret');
      expect((await stat(file)).uid).toBe(process.getuid?.());
      expect(messages).toContain('running the scripts of @test/scripted@1.0.0');
      // With and without scripts are two installations.
      const without = await prepare({ identifier });
      expect(without.artifact['install']).not.toBe(prepared.artifact['install']);
    });

    it('fails with the last lines of a script that fails, however much it printed', async () => {
      const flood =
        'for (let n = 0; n < 200000; n += 1) console.log("line " + n + " x".repeat(100)); process.exitCode = 3;';
      site.registry.publish({
        manifest: { name: 'flood', version: '1.0.0', bin: 'x.js', scripts: { postinstall: 'node flood.js' } },
        files: { 'x.js': program, 'flood.js': flood },
      });
      const { details, infrastructure } = await failure({ identifier: 'flood', allowScripts: true });
      const output = (details?.['output'] ?? []) as string[];
      expect(infrastructure).toBe(false);
      expect(output.length).toBeLessThanOrEqual(40);
      expect(output.join()).toContain('line 199999');
      expect(await readdir(join(site.folder, 'installs/npx/packages'))).toEqual([]);
    });

    it('must have a program, inside of itself', async () => {
      site.registry.publish({ manifest: { name: 'no-bin', version: '1.0.0', main: 'x.js' } });
      site.registry.publish({
        manifest: { name: 'outside', version: '1.0.0', bin: { outside: '../../../etc/passwd' } },
      });
      expect((await failure({ identifier: 'no-bin' })).message).toMatch(/has no program/);
      expect((await failure({ identifier: 'outside' })).message).toMatch(
        /outside of the package|not in the package/,
      );
      expect((await failure({ bin: 'other' })).message).toMatch(/no program "other", only program/);
    });

    it('cannot bring git repositories along', async () => {
      const dependencies = { evil: 'git+https://127.0.0.1:1/evil.git' };
      site.registry.publish({ manifest: { name: 'with-git', version: '1.0.0', bin: 'x.js', dependencies } });
      expect(await failure({ identifier: 'with-git' })).toMatchObject({ infrastructure: false });
    });
  });

  describe('the registry', () => {
    it('gets the credentials of the operator, and nobody else does', async () => {
      site.registry.token = token;
      const prepared = await prepare();
      const talk = talkTo(await start(prepared.plan));
      expect(await talk('env npm_config_registry')).toBe('');
      expect(await filesWith(join(site.folder, 'installs'), token)).toEqual([]);
      expect(messages.join()).not.toContain(token);
      site.registry.token = 'another-one';
      const refused = await failure({ version: '7.0.0' });
      expect(refused).toMatchObject({
        infrastructure: true,
        message: expect.stringContaining('credentials'),
      });
      expect(JSON.stringify(refused.details)).not.toContain(token);
    });

    it.each<[string, RegistryFault, boolean, RegExp]>([
      ['is out of order', { kind: 'status', status: 500 }, true, /could not be reached .*E500/],
      ['breaks off', { kind: 'cut' }, true, /could not be reached/],
      ['sends something else', { kind: 'wrong-content' }, false, /not what it promised/],
      ['has lost the file', { kind: 'status', status: 404 }, false, /E404/],
    ])('%s, and that is said', async (_, fault, infrastructure, message) => {
      site.registry.breakWith('@test/program.tgz', fault);
      const error = await failure({ version: '1.0.0' });
      expect(error.infrastructure).toBe(infrastructure);
      expect(error.message).toMatch(message);
      expect(await readdir(join(site.folder, 'installs/npx/packages'))).toEqual([]);
    });

    it('is not needed for what is installed', async () => {
      const { plan } = await prepare();
      await site.registry.close();
      expect(await prepare(plan)).toMatchObject({ resolvedVersion: '1.0.0' });
      expect(await failure({ identifier: '@test/other' })).toMatchObject({
        infrastructure: true,
        message: expect.stringContaining('ECONNREFUSED'),
      });
    });

    it('may take its time, up to a limit', async () => {
      const slow = runtimesOf(site, { installTimeoutMs: 3_000 });
      const hold = site.registry.hold('@test/program');
      const error = await failure({ version: '1.0.0' }, slow);
      hold.release();
      expect(error.message).toMatch(/took longer than 3 s/);
      expect(await readdir(join(site.folder, 'installs/npx/packages'))).toEqual([]);
    });
  });

  it('serves HTTP where the plan says so, and then logs stdout too', async () => {
    const server = `#!/usr/bin/env node
      require('node:http').createServer((request, response) => response.end(request.url))
        .listen(process.env.PORT, '127.0.0.1', () => console.log('listening'));`;
    const local = join(site.folder, 'local');
    await mkdir(join(local, 'bin'), { recursive: true });
    await writeFile(join(local, 'package.json'), '{ "name": "http", "version": "1.0.0", "bin": "bin/x.js" }');
    await writeFile(join(local, 'bin/x.js'), server);
    await site.registry.publishFolder(local);
    const port = await freePort();
    const plan = { identifier: 'http', transport: 'streamable-http', port, path: '/here' } as const;
    const workload = await start(plan);
    for await (const { stream, text } of workload.logs()) {
      expect({ stream, text }).toEqual({ stream: 'stdout', text: 'listening' });
      break;
    }
    const { endpoint } = workload;
    if (endpoint.transport === 'stdio') return expect.unreachable();
    expect(endpoint.url).toBe(`http://127.0.0.1:${port}/here`);
    expect(await (await fetch(endpoint.url)).text()).toBe('/here');
    await expect(failure({ ...plan, port: null })).resolves.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });

  it('forgets installations that nobody has used for long, but none that runs', async () => {
    let now = Date.now();
    const runtimes = runtimesOf(site, { clock: { now: () => now } });
    site.publish('2.0.0');
    site.publish('3.0.0');
    const [old, wanted] = [
      await prepare({ version: '1.0.0' }, runtimes),
      await prepare({ version: '2.0.0' }, runtimes),
    ];
    const running = await start({ version: '3.0.0' }, runtimes);
    now += 15 * 24 * 60 * 60 * 1000;
    expect(await runtimes.sweepInstalls([wanted])).toBe(1);
    await expect(runtimes.npx.start(old, never)).rejects.toThrow(/must be prepared again/);
    expect(await talkTo(running)('say still here')).toBe('still here');
    await running.stop(1000);
    expect(await runtimes.sweepInstalls([])).toBe(2);
  });
});

const filesWith = async (folder: string, text: string): Promise<string[]> => {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};
