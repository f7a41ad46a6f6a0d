// Control groups, in folders that stand in for the kernel's.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { cpuQuotaUs } from './cgroup.ts';
import { findCgroups, parseOwnGroups } from './cgroup-find.ts';
import { createCgroupsV1 } from './cgroup-v1.ts';
import { createCgroupsV2 } from './cgroup-v2.ts';

const limits = { memoryBytes: 536_870_912, cpus: 0.5, pids: 256 };
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cgroup-'));
  onTestFinished(() => rm(root, { recursive: true }));
});

const read = (...path: string[]): Promise<string> => readFile(join(root, ...path), 'utf8');

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};

it('turns cores into quotas that the kernel takes', () => {
  expect([cpuQuotaUs(1), cpuQuotaUs(0.25), cpuQuotaUs(0.001)]).toEqual([100_000, 25_000, 1000]);
});

it('parses our own groups', () => {
  expect(parseOwnGroups('4:memory:/a/b:c\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/user.slice\n')).toEqual([
    { controllers: ['memory'], path: '/a/b:c' },
    { controllers: ['cpu', 'cpuacct'], path: '/' },
    { controllers: ['name=systemd'], path: '/' },
    { controllers: [], path: '/user.slice' },
  ]);
});

describe('version 1', () => {
  const parents = () =>
    new Map([
      ['memory', join(root, 'memory')],
      ['cpu', join(root, 'cpu,cpuacct')],
      ['cpuacct', join(root, 'cpu,cpuacct')],
      ['pids', join(root, 'pids')],
    ] as const);

  it('limits memory with swap, CPU and processes', async () => {
    const group = await createCgroupsV1(parents()).make('one', limits);
    expect(await read('memory/one/memory.limit_in_bytes')).toBe('536870912');
    expect(await read('memory/one/memory.memsw.limit_in_bytes')).toBe('536870912');
    expect(await read('cpu,cpuacct/one/cpu.cfs_quota_us')).toBe('50000');
    expect(await read('cpu,cpuacct/one/cpu.cfs_period_us')).toBe('100000');
    expect(await read('pids/one/pids.max')).toBe('256');
    expect(await read('cpu,cpuacct/one/cpu.shares')).toBe('102');
    await group.settle();
    expect(await read('cpu,cpuacct/one/cpu.shares')).toBe('1024');
    expect(group.procsFiles).toEqual(
      ['memory', 'cpu,cpuacct', 'pids'].map((name) => join(root, name, 'one/cgroup.procs')),
    );
  });

  it('reads what was used', async () => {
    const cgroups = createCgroupsV1(parents());
    const group = await cgroups.make('one', limits);
    await put('memory/one/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n');
    await put('cpu,cpuacct/one/cpuacct.usage', '1500000000\n');
    await put('memory/one/cgroup.procs', '12\n345\n');
    expect(await group.oomKills()).toBe(3);
    expect(await group.cpuSeconds()).toBe(1.5);
    expect(await group.pids()).toEqual([12, 345]);
    expect(await cgroups.names()).toEqual(['one']);
    expect(await cgroups.open('two').pids()).toEqual([]);
  });
});

describe('version 2', () => {
  const all = (folder: string) =>
    createCgroupsV2({ folder, controllers: new Set(['memory', 'cpu', 'pids']) });

  it('limits memory without swap, CPU and processes', async () => {
    const group = await all(root).make('one', limits);
    expect(await read('one/memory.max')).toBe('536870912');
    expect(await read('one/memory.swap.max')).toBe('0');
    expect(await read('one/memory.oom.group')).toBe('1');
    expect(await read('one/cpu.max')).toBe('50000 100000');
    expect(await read('one/pids.max')).toBe('256');
    expect(await read('one/cpu.weight')).toBe('10');
    await group.settle();
    expect(await read('one/cpu.weight')).toBe('100');
  });

  it('settles nothing that is gone', async () => {
    const group = await all(root).make('one', limits);
    await rm(join(root, 'one'), { recursive: true });
    await group.settle();
    expect(await readdir(root)).toEqual([]);
  });

  it('touches only what it was given', async () => {
    const cgroups = createCgroupsV2({ folder: root, controllers: new Set(['pids']) });
    expect(cgroups.holds).toEqual({ memory: false, cpu: false, pids: true });
    await cgroups.make('one', limits);
    expect(await readdir(join(root, 'one'))).toEqual(['pids.max']);
  });

  it('reads what was used', async () => {
    const group = await all(root).make('one', limits);
    await put('one/memory.events', 'low 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n');
    await put('one/cpu.stat', 'usage_usec 2500000\nuser_usec 1\n');
    expect(await group.oomKills()).toBe(1);
    expect(await group.cpuSeconds()).toBe(2.5);
  });

  it('kills what is in it, by the file and one by one', async () => {
    const child = spawn('/bin/sleep', ['4321']);
    const group = await all(root).make('one', limits);
    await put('one/cgroup.procs', `${child.pid}\n`);
    child.once('exit', () => void put('one/cgroup.procs', ''));
    await group.kill();
    expect(await read('one/cgroup.kill')).toBe('1');
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('removes its folder, and does not mind when it is gone', async () => {
    const group = createCgroupsV2({ folder: root, controllers: new Set() }).open('one');
    await mkdir(join(root, 'one'));
    await group.remove();
    await group.remove();
    expect(await readdir(root)).toEqual([]);
  });
});

describe('finding a place', () => {
  /** The kernel removes its files with the folder; here the files of a trial go when it was joined. */
  const joined: string[] = [];
  const tryJoin = async (files: readonly string[]): Promise<boolean> => {
    for (const file of files) {
      joined.push(file.slice(root.length).replace(/insightloop\.trial\.[^/]+/, 'trial'));
      for (const name of await readdir(dirname(file))) await rm(join(dirname(file), name));
    }
    return true;
  };
  beforeEach(() => joined.splice(0));

  const mountV2 = '41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

  it('uses our own group where it hands its controllers down', async () => {
    await put('proc/self/cgroup', '0::/service\n');
    await put('proc/self/mountinfo', mountV2);
    await put('sys/fs/cgroup/service/cgroup.controllers', 'cpu memory pids io\n');
    await put('sys/fs/cgroup/service/cgroup.subtree_control', 'cpu memory pids\n');
    const found = await findCgroups({ root, tryJoin });
    expect(found?.holds).toEqual({ memory: true, cpu: true, pids: true });
    expect(joined).toEqual(['/sys/fs/cgroup/service/trial/cgroup.procs']);
  });

  it('goes up to where somebody hands them down', async () => {
    await put('proc/self/cgroup', '0::/user.slice/app.slice/terminal.scope\n');
    await put('proc/self/mountinfo', mountV2);
    await put('sys/fs/cgroup/user.slice/app.slice/terminal.scope/cgroup.controllers', 'memory pids\n');
    await put('sys/fs/cgroup/user.slice/app.slice/terminal.scope/cgroup.subtree_control', '');
    await put('sys/fs/cgroup/user.slice/app.slice/cgroup.controllers', 'memory pids\n');
    await put('sys/fs/cgroup/user.slice/app.slice/cgroup.subtree_control', 'memory pids\n');
    // A fake file takes whatever is written; the kernel would refuse while there are processes.
    await put('sys/fs/cgroup/user.slice/app.slice/terminal.scope/cgroup.procs', '1\n');
    const found = await findCgroups({ root, tryJoin });
    expect(found?.holds).toEqual({ memory: true, cpu: false, pids: true });
    expect(joined).toEqual(['/sys/fs/cgroup/user.slice/app.slice/trial/cgroup.procs']);
  });

  it('takes of version 1 what can be used, seen from inside a container', async () => {
    await put(
      'proc/self/cgroup',
      '4:memory:/docker/abc\n3:pids:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n',
    );
    await put(
      'proc/self/mountinfo',
      [
        '35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '36 31 0:33 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
        '37 31 0:34 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct',
        '',
      ].join('\n'),
    );
    const found = await findCgroups({
      root,
      tryJoin: async (files) => (await tryJoin(files)) && !files.some((file) => file.includes('/cpu/')),
    });
    expect(found?.holds).toEqual({ memory: true, cpu: false, pids: true });
    expect(joined).toContain('/sys/fs/cgroup/memory/trial/cgroup.procs');
  });

  it('finds none where nothing can be joined, or nothing is there', async () => {
    expect(await findCgroups({ root, tryJoin })).toBeNull();
    await put('proc/self/cgroup', '0::/\n');
    await put('proc/self/mountinfo', mountV2);
    await put('sys/fs/cgroup/cgroup.controllers', 'memory\n');
    await put('sys/fs/cgroup/cgroup.subtree_control', 'memory\n');
    const refuse = async (files: readonly string[]) => !(await tryJoin(files));
    expect(await findCgroups({ root, tryJoin: refuse })).toBeNull();
  });
});
