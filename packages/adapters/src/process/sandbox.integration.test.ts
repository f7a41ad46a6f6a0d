// Hostile programs in the real sandbox: what they try fails, and nothing of them is left.
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isReachable } from '../../../../tests/support/reach.ts';
import type { SandboxedProcess } from '@insightloop/core';
import { pidsOfUid, readProcessTable } from './proc-table.ts';
import type { Without } from './sandbox-detect.ts';
import {
  firstLineOf,
  linesOf,
  mebibyte,
  nodeCommand,
  openSandboxSite,
  ordinaryLimits,
  type SandboxSite,
} from './testing/sandbox-site.ts';

const canary = 'canary-5b1f7c0e';

/** Where this project or its Node lies in /tmp, the box's own /tmp has the empty folders on the way there. */
const ownWayThroughTmp = (): string[] => [
  ...new Set(
    [process.execPath, import.meta.dirname].flatMap((path) => /^\/tmp\/([^/]+)/.exec(path)?.[1] ?? []),
  ),
];

/** What must stay ours: as files, and as sockets that we listen on. */
const layOutSecrets = async (
  folder: string,
): Promise<{ files: string[]; sockets: string[]; close(): Promise<void> }> => {
  const closed = join(folder, 'postgres');
  await mkdir(closed, { mode: 0o700 });
  const key = join(folder, 'key');
  await writeFile(key, canary, { mode: 0o600 });
  const open = join(folder, 'readable-by-all');
  await writeFile(open, canary);
  await chmod(open, 0o666);
  const run = await mkdtemp('/run/sandbox-test-');
  await chmod(run, 0o755);
  const sockets = [join(closed, 'socket'), join(folder, 'socket'), join(run, 'docker.sock')];
  const servers: Server[] = [];
  for (const path of sockets) {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((accept) => server.listen(path, accept));
    await chmod(path, 0o777);
    servers.push(server);
  }
  return {
    files: [key, open],
    sockets,
    async close() {
      for (const server of servers) await new Promise((accept) => server.close(accept));
      await rm(run, { recursive: true });
    },
  };
};

const all = (names: string[], result: string): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, result]));

const serverPids = async ({ record }: SandboxedProcess): Promise<number[]> =>
  pidsOfUid(await readProcessTable(), record.uid ?? -1);

const walls: { name: string; without: Without }[] = [
  { name: 'all walls', without: [] },
  { name: 'namespaces without cgroups and images', without: ['cgroups', 'image'] },
];

describe.each(walls)('a hostile program behind $name', ({ without }) => {
  let site: SandboxSite;
  let secrets: Awaited<ReturnType<typeof layOutSecrets>>;

  beforeAll(async () => {
    site = await openSandboxSite({ without });
    secrets = await layOutSecrets(site.folder);
  });
  afterAll(async () => {
    await secrets.close();
    await site.end();
  });

  it('sees no file of ours, no socket, and no other home', async () => {
    const { files, sockets } = secrets;
    expect(await site.ask('read', ...files)).toEqual(all(files, 'ENOENT'));
    expect(await site.ask('write', ...files)).toEqual(all(files, 'ENOENT'));
    expect(await site.ask('connect', ...sockets)).toEqual(all(sockets, 'ENOENT'));
    // The project itself may lie there.
    const home = isReachable ? ['/root'] : [];
    const hidden = [...home, '/sys', '/boot', '/var/lib', '/etc/shadow', '/var/run/docker.sock'];
    expect(await site.ask('list', ...hidden)).toEqual(all(hidden, 'ENOENT'));
    expect(await site.ask('list', '/home', '/home/server', '/tmp', '/run', '/.old')).toEqual({
      '/home': ['server'],
      '/home/server': [],
      '/tmp': ownWayThroughTmp(),
      '/run': [],
      '/.old': [],
    });
    for (const path of files) expect(await readFile(path, 'utf8')).toBe(canary);
  });

  it('sees no process but its own, and can signal none', async () => {
    const sibling = await site.start(nodeCommand('stubborn'));
    await firstLineOf(sibling.stdout);
    const targets = [process.pid, process.ppid, ...(await serverPids(sibling))].map(String);
    expect(targets.length).toBeGreaterThan(2);
    const environs = targets.map((pid) => `/proc/${pid}/environ`);
    expect(await site.ask('read', ...environs)).toEqual(all(environs, 'ENOENT'));
    expect(await site.ask('kill', ...targets)).toEqual(all(targets, 'ESRCH'));
    const pids = (await site.ask('list', '/proc')) as Record<string, string[]>;
    // The keeper's shell and its cat, and the program itself.
    expect(pids['/proc']?.filter((name) => /^\d+$/.test(name))).toHaveLength(3);
    const mass = await site.start(nodeCommand('killEverybody'));
    await firstLineOf(mass.stdout);
    await mass.stop(0);
    expect((await sibling.stats()).processes).toBe(1);
    await sibling.stop(0);
  });

  it('has no privilege, and gets none', async () => {
    const found = (await site.ask('privileges')) as Record<string, unknown>;
    const { status, descriptors, oomScore, ...attempts } = found;
    expect(oomScore).toBe('500');
    expect(status).toEqual(
      expect.arrayContaining([
        ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}:\t0000000000000000`),
        'NoNewPrivs:\t1',
        'Seccomp:\t2',
      ]),
    );
    // The three, the listed folder, and what Node itself opens.
    expect(descriptors).toBeLessThan(25);
    for (const [name, result] of Object.entries(attempts)) expect([name, result]).not.toEqual([name, 'ok']);
    expect(attempts['userNamespace']).toMatch(/No space left|Operation not permitted/);
  });

  it('cannot write what is installed, nor the system, nor a device', async () => {
    const installed = nodeCommand('').readOnly.map((folder) => join(folder, 'hostile'));
    expect(await site.ask('write', ...installed, process.execPath)).toEqual(
      all([...installed, process.execPath], 'EROFS'),
    );
    const system = [
      '/hostile',
      '/usr/hostile',
      '/etc/passwd',
      '/dev/hostile',
      '/run/hostile',
      '/home/hostile',
    ];
    const written = (await site.ask('write', ...system)) as Record<string, string>;
    for (const path of system) expect(written[path]).toMatch(/EROFS|EACCES/);
  });

  it('cannot fork beyond its limit, and all of it ends', async () => {
    const bomb = await site.start(nodeCommand('forkBomb'));
    expect(Number(await firstLineOf(bomb.stdout))).toBeLessThan(ordinaryLimits.pids);
    const shells = await site.start(nodeCommand('shellBomb'));
    await firstLineOf(shells.stdout);
    for (let round = 0; round < 20; round += 1)
      expect((await shells.stats()).processes).toBeLessThanOrEqual(ordinaryLimits.pids);
    await Promise.all([bomb.stop(100), shells.stop(100)]);
    expect([...(await serverPids(bomb)), ...(await serverPids(shells))]).toEqual([]);
  });

  it('takes no more memory than it may, and we are told', async () => {
    const hog = await site.start(nodeCommand('hog'));
    expect(await hog.exited).toEqual({ kind: 'out_of_memory' });
    const parent = await site.start(nodeCommand('hogChild'));
    expect(await parent.exited).toEqual({ kind: 'out_of_memory' });
    expect(await serverPids(parent)).toEqual([]);
  });

  it('does not outlive its stop, whatever it has forked', async () => {
    const daemon = await site.start(nodeCommand('daemonize', 'stay'));
    await firstLineOf(daemon.stdout);
    await expect.poll(async () => (await daemon.stats()).processes, { timeout: 20_000 }).toBeGreaterThan(1);
    await daemon.stop(100);
    expect(await serverPids(daemon)).toEqual([]);
    const gone = await site.start(nodeCommand('daemonize'));
    expect(await gone.exited).toEqual({ kind: 'exit', code: 0 });
    expect(await serverPids(gone)).toEqual([]);
  });

  it('is over when it ends, also where somebody holds its pipes', async () => {
    const holder = await site.start(nodeCommand('holdOutput'));
    const next = linesOf(holder.stdout);
    expect(await next()).toBe('ready');
    expect(await holder.exited).toEqual({ kind: 'exit', code: 0 });
    expect(await next()).toBeNull();
  });

  it('does not escape by standing still', async () => {
    const still = await site.start(nodeCommand('stopItself'));
    await firstLineOf(still.stdout);
    await still.stop(100);
    expect(await still.exited).toEqual({ kind: 'stopped' });
  });

  it('leaves no zombies in its own house', async () => {
    const parent = await site.start(nodeCommand('orphans', '50'));
    expect(Number(await firstLineOf(parent.stdout))).toBeLessThan(10);
    await parent.stop(0);
  });

  it('shows what was asked for, where it was asked for, and no more', async () => {
    const shared = await mkdtemp(join(site.folder, 'shared-'));
    await writeFile(join(shared, 'file'), 'hello', { mode: 0o600 });
    const mounts = [
      { source: shared, target: '/projects/shared', readOnly: true },
      { source: shared, target: '/tmp/here', readOnly: false },
      { source: join(shared, 'file'), target: '/home/server/a b/#file', readOnly: true },
    ];
    const ask = async (...args: string[]): Promise<unknown> => {
      const child = await site.start({ ...nodeCommand(...args), mounts });
      const line = await firstLineOf(child.stdout);
      await child.stop(20_000);
      const said: unknown = JSON.parse(line ?? '');
      return said;
    };
    const parent = join(site.folder, 'data');
    expect(
      await ask('list', '/projects/shared', '/projects', '/tmp/here', '/home/server/a b', parent),
    ).toEqual({
      '/projects/shared': ['file'],
      '/projects': ['shared'],
      '/tmp/here': ['file'],
      '/home/server/a b': ['#file'],
      [parent]: 'ENOENT',
    });
    expect(await ask('read', '/projects/shared/file', '/home/server/a b/#file')).toEqual({
      '/projects/shared/file': 'ok',
      '/home/server/a b/#file': 'ok',
    });
    expect(await ask('write', '/projects/shared/new', '/projects/new', '/tmp/here/new')).toEqual({
      '/projects/shared/new': 'EROFS',
      '/projects/new': 'EROFS',
      '/tmp/here/new': 'ok',
    });
    // What it made there belongs to whom the folder belongs to.
    expect((await stat(join(shared, 'new'))).uid).toBe((await stat(shared)).uid);
  });

  it('is not given what would hide its walls', async () => {
    for (const target of ['/', '/proc', '/usr/bin', '/etc', '/home', '/tmp', 'relative', '/x/../etc'])
      await expect(
        site.start({ command: ['/bin/cat'], mounts: [{ source: site.folder, target, readOnly: true }] }),
      ).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
  });
});

describe.runIf(isReachable)('a hostile program with nothing but a uid of its own', () => {
  let site: SandboxSite;
  let secrets: Awaited<ReturnType<typeof layOutSecrets>>;

  beforeAll(async () => {
    site = await openSandboxSite({ without: ['namespaces'] });
    secrets = await layOutSecrets(site.folder);
  });
  afterAll(async () => {
    await secrets.close();
    await site.end();
  });

  it('reads and signals nobody, and enters no folder of ours', async () => {
    const sibling = await site.start(nodeCommand('stubborn'));
    await firstLineOf(sibling.stdout);
    const targets = [process.pid, ...(await serverPids(sibling))].map(String);
    const environs = targets.map((pid) => `/proc/${pid}/environ`);
    expect(await site.ask('read', ...environs)).toEqual(all(environs, 'EACCES'));
    expect(await site.ask('kill', ...targets)).toEqual(all(targets, 'EPERM'));
    const [key = ''] = secrets.files;
    expect(await site.ask('read', key)).toEqual({ [key]: 'EACCES' });
    const [closed = ''] = secrets.sockets;
    expect(await site.ask('connect', closed)).toEqual({ [closed]: 'EACCES' });
    expect(await site.ask('list', site.folder)).toEqual({ [site.folder]: 'EACCES' });
    const mass = await site.start(nodeCommand('killEverybody'));
    await mass.stop(0);
    expect((await sibling.stats()).processes).toBe(1);
    await sibling.stop(0);
  });

  it('writes neither what is installed nor the home of another', async () => {
    const sibling = await site.start({ command: ['/bin/cat'] });
    const home = join(site.folder, 'sandboxes', sibling.record.deploymentId, 'volume/home/hostile');
    const installed = nodeCommand('').readOnly.map((folder) => join(folder, 'hostile'));
    expect(await site.ask('write', home, ...installed)).toEqual(all([home, ...installed], 'EACCES'));
    await sibling.stop(0);
  });

  it('has no privilege, stays in its limits, and ends with all that it has forked', async () => {
    const found = (await site.ask('privileges')) as Record<string, unknown>;
    expect(found['status']).toEqual(expect.arrayContaining(['NoNewPrivs:\t1', 'CapBnd:\t0000000000000000']));
    expect(found['setuid']).toMatch(/EPERM|EINVAL/);
    expect(found['setuidBit']).toBe('EPERM');
    const daemon = await site.start(nodeCommand('daemonize', 'stay'));
    await firstLineOf(daemon.stdout);
    await daemon.stop(100);
    expect(await serverPids(daemon)).toEqual([]);
    const bomb = await site.start(nodeCommand('forkBomb'));
    expect(Number(await firstLineOf(bomb.stdout))).toBeLessThan(ordinaryLimits.pids);
    await bomb.stop(0);
    const hog = await site.start(nodeCommand('hog'));
    expect(await hog.exited).toEqual({ kind: 'out_of_memory' });
  });
});

it('says which folder keeps a uid out', async () => {
  const site = await openSandboxSite({ without: ['namespaces'] });
  onTestFinished(() => site.end());
  await chmod(site.folder, 0o700);
  expect(await site.sandbox.available()).toMatchObject({
    isolation: 'none',
    reason: expect.stringContaining(`"${site.folder}" (chmod o+x)`) as string,
  });
});

describe('the size of the private files', () => {
  it('is held by the kernel where there is an image, and told when it ended the process', async () => {
    const site = await openSandboxSite({ without: [] });
    onTestFinished(() => site.end());
    const child = await site.start(nodeCommand('fillDisk', '/tmp/big'));
    const { failure, written } = JSON.parse((await firstLineOf(child.stdout)) ?? '') as Record<
      string,
      unknown
    >;
    expect(failure).toBe('ENOSPC');
    expect(written).toBeLessThanOrEqual(ordinaryLimits.diskBytes);
    expect(await child.exited).toEqual({ kind: 'disk_full' });
    const many = await site.start(nodeCommand('fillInodes'));
    expect(JSON.parse((await firstLineOf(many.stdout)) ?? '')).toEqual({ failure: 'ENOSPC' });
  });

  it('is held by a watch where there is none, also for files without a name', async () => {
    const site = await openSandboxSite({ without: ['image'] });
    onTestFinished(() => site.end());
    const child = await site.start({ ...nodeCommand('fillUnseen', '/tmp', '8') });
    expect(await child.exited).toEqual({ kind: 'disk_full' });
    const big = await site.start(nodeCommand('fillDisk', '/tmp/big'));
    expect(JSON.parse((await firstLineOf(big.stdout)) ?? '')).toMatchObject({ failure: 'EFBIG' });
  });

  it('leaves a process with little memory and much to write alive', async () => {
    const site = await openSandboxSite({ without: [] });
    onTestFinished(() => site.end());
    const child = await site.start({
      ...nodeCommand('fillDisk', '/tmp/big'),
      limits: { ...ordinaryLimits, memoryBytes: 96 * mebibyte, diskBytes: 512 * mebibyte },
    });
    expect(JSON.parse((await firstLineOf(child.stdout)) ?? '')).toMatchObject({ failure: 'ENOSPC' });
    expect(await child.exited).toEqual({ kind: 'disk_full' });
  });
});
