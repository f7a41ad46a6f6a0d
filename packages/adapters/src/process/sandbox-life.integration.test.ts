// The life of sandboxes: many of them, under another user, after we were killed, and after others like us.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isReachable } from '../../../../tests/support/reach.ts';
import { z } from 'zod';
import { isRunning } from './proc-files.ts';
import { pidsOfUid, readProcessTable } from './proc-table.ts';
import { createProcessSandbox } from './sandbox.ts';
import type { OwnerPlan } from './testing/sandbox-owner.ts';
import {
  firstLineOf,
  leftovers,
  linesOf,
  nodeCommand,
  openSandboxSite,
  ordinaryLimits,
} from './testing/sandbox-site.ts';

const ownerProgram = fileURLToPath(new URL('testing/sandbox-owner.ts', import.meta.url));

interface Owner {
  process: ChildProcess;
  next(): Promise<unknown>;
}

const openFolder = async (uid?: number): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-life-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o711);
  if (uid !== undefined) await chown(folder, uid, uid);
  return folder;
};

const startOwner = (plan: OwnerPlan, uid?: number): Owner => {
  const switching =
    uid === undefined ? [] : ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  const [command, ...args] = [...switching, process.execPath, ownerProgram, JSON.stringify(plan)];
  const owner = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  onTestFinished(() => {
    owner.kill('SIGKILL');
  });
  const next = linesOf(owner.stdout);
  return {
    process: owner,
    async next() {
      const line = await next();
      if (line === null) throw new Error('the owner has ended');
      const said: unknown = JSON.parse(line);
      return said;
    },
  };
};

const started = z.object({
  record: z.object({
    instanceId: z.string(),
    deploymentId: z.string(),
    pid: z.number(),
    startTime: z.string(),
    bootId: z.string(),
    cgroup: z.string().nullable(),
    uid: z.number().nullable(),
  }),
  line: z.string().nullable(),
});

/** Far more than it takes. */
const patience = { timeout: 20_000 };

const pidsOf = async (uid: number | null): Promise<number[]> =>
  pidsOfUid(await readProcessTable(), uid ?? -1);

const planIn = (folder: string, change: Partial<OwnerPlan>): OwnerPlan => ({
  folder: join(folder, 'sandboxes'),
  lockFolder: join(folder, 'locks'),
  instanceId: randomUUID(),
  without: [],
  programs: [['daemonize', 'stay'], ['stubborn']],
  stay: true,
  ...change,
});

const successorOf = ({ folder, lockFolder, instanceId, without }: OwnerPlan) =>
  createProcessSandbox({
    folder,
    lockFolder,
    instanceId,
    without,
    logger: {
      warn: (fields, message) => {
        throw new Error(message, { cause: fields });
      },
    },
  });

describe('after we were killed', () => {
  const uidAlone = [
    { name: 'a uid alone', without: ['namespaces' as const] },
    { name: 'a uid alone, without cgroups', without: ['namespaces' as const, 'cgroups' as const] },
  ];
  it.each([{ name: 'all walls', without: [] }, ...(isReachable ? uidAlone : [])])(
    'nothing runs behind $name, and the next one of us cleans up',
    async ({ without }) => {
      const folder = await openFolder();
      const plan = planIn(folder, { without });
      const owner = startOwner(plan);
      expect(await owner.next()).toMatchObject({ isolation: 'user' });
      const { record: first } = started.parse(await owner.next());
      const { record: second } = started.parse(await owner.next());
      expect(first.uid).not.toBe(second.uid);
      await expect.poll(async () => (await pidsOf(first.uid)).length, patience).toBeGreaterThan(1);
      owner.process.kill('SIGKILL');
      for (const { pid, startTime, uid } of [first, second]) {
        await expect.poll(() => isRunning(pid, startTime), patience).toBe(false);
        await expect.poll(() => pidsOf(uid), patience).toEqual([]);
      }
      const successor = successorOf(plan);
      expect(await successor.owned()).toEqual([]);
      expect(await readdir(plan.folder)).toEqual([]);
      expect(await leftovers(plan.instanceId)).toEqual([]);
    },
  );

  it('what has no walls may live on, is found, and is ended', async () => {
    const folder = await openFolder();
    const plan = planIn(folder, { without: ['namespaces', 'uid'], programs: [['stubborn']] });
    const owner = startOwner(plan);
    expect(await owner.next()).toMatchObject({ isolation: 'none' });
    const { record } = started.parse(await owner.next());
    owner.process.kill('SIGKILL');
    const stranger = successorOf({ ...plan, instanceId: randomUUID(), folder: join(folder, 'others') });
    expect(await stranger.owned()).toEqual([]);
    await stranger.sweep(record);
    expect(await isRunning(record.pid, record.startTime)).toBe(true);
    const successor = successorOf(plan);
    expect(await successor.owned()).toEqual([record]);
    await successor.sweep({ ...record, startTime: '1' });
    expect(await isRunning(record.pid, record.startTime)).toBe(true);
    await successor.sweep(record);
    expect(await isRunning(record.pid, record.startTime)).toBe(false);
    expect(await successor.owned()).toEqual([]);
    expect(await readdir(plan.folder)).toEqual([]);
    expect(await leftovers(plan.instanceId)).toEqual([]);
  });
});

describe.runIf(isReachable)('without root', () => {
  const nobodyElse = 12_345;

  it('a process has walls too', async () => {
    const folder = await openFolder(nobodyElse);
    const secret = join(folder, 'sandboxes');
    const programs = [
      ['list', secret, '/root', '/home'],
      ['kill', String(process.pid)],
      ['privileges'],
      ['daemonize', 'stay'],
      ['forkBomb'],
      ['hog'],
      ['dial', '127.0.0.1', 'stay'],
    ];
    const owner = startOwner(planIn(folder, { programs, stay: false }), nobodyElse);
    expect(await owner.next()).toMatchObject({ isolation: 'user', enforced: { pids: true } });
    const lines: unknown[] = [];
    const exits: unknown[] = [];
    const peers: unknown[] = [];
    while (exits.length < programs.length) {
      const said = await owner.next();
      const start = started.safeParse(said);
      if (start.success) lines.push(start.data.line);
      else if (z.object({ peer: z.unknown() }).safeParse(said).success) peers.push(said);
      else exits.push(said);
    }
    expect(JSON.parse(String(lines[0]))).toEqual({
      [secret]: 'ENOENT',
      '/root': 'ENOENT',
      '/home': ['server'],
    });
    expect(JSON.parse(String(lines[1]))).toEqual({ [process.pid]: 'ESRCH' });
    const { status, descriptors, oomScore, ...attempts } = z
      .looseObject({})
      .parse(JSON.parse(String(lines[2])));
    expect(status).toContain('CapBnd:\t0000000000000000');
    expect(status).toContain('NoNewPrivs:\t1');
    expect(descriptors).toBeLessThan(25);
    expect(oomScore).toBe('500');
    for (const [name, result] of Object.entries(attempts)) expect([name, result]).not.toEqual([name, 'ok']);
    expect(Number(lines[4])).toBeLessThan(ordinaryLimits.pids);
    const stopped = { exit: { kind: 'stopped' }, owned: [] };
    for (const [index, exit] of exits.entries())
      expect(exit).toMatchObject(
        programs[index]?.[0] === 'hog' ? { exit: { kind: 'out_of_memory' } } : stopped,
      );
    // Its uid is ours, so that the socket itself must tell.
    expect(peers).toEqual([{ peer: nobodyElse, owned: true }]);
    expect(await readdir(join(folder, 'sandboxes'))).toEqual([]);
    await expect.poll(() => pidsOf(nobodyElse), patience).toEqual([]);
  });
});

describe('without walls', () => {
  it('nothing is started unless it is allowed', async () => {
    const site = await openSandboxSite({ without: ['namespaces', 'uid'] });
    onTestFinished(() => site.end());
    await expect(site.start({ command: ['/bin/cat'] })).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      infrastructure: true,
      message: expect.stringContaining('allow_unisolated') as string,
    });
    const child = await site.start({ command: ['/bin/cat'], allowUnisolated: true });
    expect(child.isolation).toBe('none');
    await child.stop(0);
  });

  it('a child that escapes does not hold us up', async () => {
    const site = await openSandboxSite({ without: ['namespaces', 'uid', 'cgroups'] });
    onTestFinished(() => site.end());
    const child = await site.start({ ...nodeCommand('holdOutput', '3'), allowUnisolated: true });
    expect(await firstLineOf(child.stdout)).toBe('ready');
    expect(await child.exited).toEqual({ kind: 'exit', code: 0 });
  });
});

it('forty starts and stops, four at a time, leave nothing', async () => {
  const site = await openSandboxSite({ without: [] });
  onTestFinished(() => site.end());
  await site.sandbox.available();
  const descriptors = (await readdir('/proc/self/fd')).length;
  const uids = new Set<number | null>();
  const cycle = async (grace: number): Promise<void> => {
    const child = await site.start({ command: ['/bin/sh', '-c', 'setsid sleep 4321 & cat; sleep 4321'] });
    uids.add(child.record.uid);
    await child.stop(grace);
  };
  for (let round = 0; round < 10; round += 1) await Promise.all([0, 0, 20, 40].map(cycle));
  expect(uids.size).toBe(40);
  expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(descriptors + 2);
  for (const uid of uids) expect(await pidsOf(uid)).toEqual([]);
  expect(await site.sandbox.owned()).toEqual([]);
});
