// The runtime between an installer and a sandbox of the test: what it hands over, and what it refuses before it begins.
import { PassThrough } from 'node:stream';
import type {
  ExitReason,
  LaunchPlan,
  Prepared,
  Runtime,
  Sandbox,
  SandboxedProcess,
  SandboxRequest,
} from '@insightloop/core';
import { describe, expect, it } from 'vitest';
import type { PackageRequest } from './package-installer.ts';
import type { InstalledPackage } from './package-store.ts';
import { createProcessRuntime } from './runtime.ts';

const limits = { memoryBytes: 1000, cpus: 0.5, pids: 10, diskBytes: 1000 };
const enforced = { memory: 'cgroup', cpu: false, pids: true, disk: false } as const;
const record = {
  instanceId: 'instance',
  deploymentId: 'deploy-1',
  pid: 42,
  startTime: '1234',
  bootId: 'boot',
  cgroup: '/group',
  uid: 70_001,
};
const installed: InstalledPackage = {
  id: 'server-1.0.0-abc',
  folder: '/installs/server',
  name: 'server',
  version: '1.0.0',
  digest: 'sha512-x',
  allowScripts: false,
};
const plan: LaunchPlan = {
  deploymentId: 'deploy-1',
  serverId: 'server',
  method: 'npx',
  identifier: 'server',
  version: null,
  digest: null,
  bin: null,
  args: ['--flag'],
  environment: { KEY: 'value' },
  secretInputs: [],
  transport: 'stdio',
  port: null,
  path: null,
  limits,
  mounts: [{ source: '/data', target: '/data', readOnly: true }],
  allowScripts: false,
  allowUnisolated: false,
};

class Bench {
  readonly requests: PackageRequest[] = [];
  readonly started: SandboxRequest[] = [];
  readonly swept: unknown[] = [];
  readonly uses: number[] = [];
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly #over = Promise.withResolvers<ExitReason>();
  readonly runtime: Runtime;

  constructor(isolation: 'user' | 'none' = 'user', isThere = true) {
    const child: SandboxedProcess = {
      record,
      isolation,
      enforced,
      stdin: new PassThrough(),
      stdout: this.stdout,
      stderr: this.stderr,
      stats: () =>
        Promise.resolve({ memoryBytes: 7, residentBytes: 9, cpuSeconds: 2, processes: 1, diskBytes: 0 }),
      stop: () => {
        this.end({ kind: 'stopped' });
        return Promise.resolve();
      },
      exited: this.#over.promise,
    };
    const reason = isolation === 'none' ? 'no namespaces' : null;
    const sandbox: Sandbox = {
      available: () => Promise.resolve({ isolation, enforced, reason }),
      start: (request) => {
        this.started.push(request);
        return Promise.resolve(child);
      },
      owned: () => Promise.resolve([record]),
      sweep: (found) => {
        this.swept.push(found);
        return Promise.resolve();
      },
      ownsUid: () => false,
    };
    this.runtime = createProcessRuntime({
      method: 'npx',
      installer: {
        available: () => Promise.resolve({ ok: true }),
        install: (request) => {
          this.requests.push(request);
          return Promise.resolve(installed);
        },
        program: () => Promise.resolve({ command: ['/node', '/installs/server/x.js'], readOnly: ['/node'] }),
      },
      store: { find: () => Promise.resolve(isThere ? installed : null), touch: () => Promise.resolve() },
      sandbox,
      clock: { now: () => 1_000 },
      onUse: (_, change) => this.uses.push(change),
    });
  }

  end(reason: ExitReason): void {
    this.stdout.end();
    this.stderr.end();
    this.#over.resolve(reason);
  }

  prepare(changes: Partial<LaunchPlan> = {}): Promise<Prepared> {
    const { signal } = new AbortController();
    return this.runtime.prepare({ ...plan, ...changes }, { signal, onProgress: () => {} });
  }

  async start(changes: Partial<LaunchPlan> = {}) {
    return this.runtime.start(await this.prepare(changes), new AbortController().signal);
  }
}

describe('createProcessRuntime', () => {
  it('pins what it prepared', async () => {
    const bench = new Bench();
    const prepared = await bench.prepare();
    expect(prepared).toEqual({
      plan: { ...plan, version: '1.0.0', digest: 'sha512-x' },
      resolvedVersion: '1.0.0',
      digest: 'sha512-x',
      artifact: { install: installed.id },
    });
    await bench.prepare(prepared.plan);
    expect(bench.requests.at(-1)).toMatchObject({ name: 'server', version: '1.0.0', digest: 'sha512-x' });
  });

  it('hands no environment to the installer', async () => {
    const bench = new Bench();
    await bench.prepare();
    expect(JSON.stringify(bench.requests)).not.toContain('value');
  });

  it('starts the program with arguments, environment, limits, mounts and what it must be able to read', async () => {
    const bench = new Bench();
    const workload = await bench.start();
    expect(bench.started).toEqual([
      {
        deploymentId: 'deploy-1',
        command: ['/node', '/installs/server/x.js', '--flag'],
        environment: { KEY: 'value' },
        limits,
        mounts: plan.mounts,
        readOnly: ['/installs/server', '/node'],
        allowUnisolated: false,
      },
    ]);
    expect(workload).toMatchObject({
      isolation: 'user',
      enforced,
      containerId: null,
      endpoint: { transport: 'stdio' },
    });
    expect(workload.record.handle).toEqual({
      pid: 42,
      start_time: '1234',
      boot_id: 'boot',
      cgroup: '/group',
      uid: 70_001,
    });
  });

  it.each([
    ['streamable-http', null, 'http://127.0.0.1:5000/mcp'],
    ['sse', null, 'http://127.0.0.1:5000/sse'],
    ['streamable-http', '/api/mcp', 'http://127.0.0.1:5000/api/mcp'],
  ] as const)('reaches a server over %s at %s', async (transport, path, url) => {
    const bench = new Bench();
    const workload = await bench.start({ transport, path, port: 5000 });
    expect(workload.endpoint).toEqual({ transport, url, isOurs: true });
    expect(bench.started[0]?.environment).toEqual({ PORT: '5000', KEY: 'value' });
  });

  it('lets the plan say another PORT', async () => {
    const bench = new Bench();
    await bench.start({ transport: 'sse', port: 5000, environment: { PORT: '6000' } });
    expect(bench.started[0]?.environment).toEqual({ PORT: '6000' });
  });

  it('tells what is used until it is over', async () => {
    const bench = new Bench();
    const workload = await bench.start();
    expect(await workload.stats()).toEqual({
      memoryBytes: 7,
      memoryLimitBytes: 1000,
      cpuSeconds: 2,
      cpuLimit: null,
    });
    expect(bench.uses).toEqual([1]);
    bench.end({ kind: 'exit', code: 0 });
    await workload.exited;
    expect(await workload.stats()).toBeNull();
    expect(bench.uses).toEqual([1, -1]);
  });

  it('takes stdout for a log only where it is not the protocol', async () => {
    const read = async (changes: Partial<LaunchPlan>): Promise<string[]> => {
      const bench = new Bench();
      const workload = await bench.start(changes);
      bench.stdout.write('out\n');
      bench.stderr.write('err\n');
      bench.end({ kind: 'exit', code: 0 });
      const lines: string[] = [];
      for await (const { stream, text } of workload.logs()) lines.push(`${stream} ${text}`);
      return lines.sort();
    };
    expect(await read({})).toEqual(['stderr err']);
    expect(await read({ transport: 'sse', port: 5000 })).toEqual(['stderr err', 'stdout out']);
  });

  it('refuses a machine without walls before anything is installed, unless that is allowed', async () => {
    const bench = new Bench('none');
    await expect(bench.prepare()).rejects.toMatchObject({
      infrastructure: true,
      message: expect.stringContaining('no namespaces'),
    });
    expect(bench.requests).toEqual([]);
    expect((await bench.start({ allowUnisolated: true })).isolation).toBe('none');
  });

  it('refuses HTTP without a port', async () => {
    await expect(new Bench().prepare({ transport: 'sse' })).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
  });

  it('says so where the installation has gone since', async () => {
    const bench = new Bench('user', false);
    await expect(bench.start()).rejects.toThrow(/must be prepared again/);
    expect(bench.started).toEqual([]);
  });

  it('sweeps what an earlier life left by its record, and what is no record of its own not at all', async () => {
    const bench = new Bench();
    const [owned] = await bench.runtime.owned();
    if (owned === undefined) return expect.unreachable();
    await bench.runtime.sweep(owned);
    await bench.runtime.sweep({ ...owned, handle: { container: 'x' } });
    expect(bench.swept).toEqual([record]);
  });

  it('sweeps what runs now by stopping it', async () => {
    const bench = new Bench();
    const workload = await bench.start();
    await bench.runtime.sweep(workload.record);
    expect(await workload.exited).toEqual({ kind: 'stopped' });
    expect(bench.swept).toEqual([]);
  });
});
