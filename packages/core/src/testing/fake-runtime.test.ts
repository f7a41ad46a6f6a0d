// The fake runtime passes the contract, and does the wrong things that tests ask of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deploymentUnavailable } from '../errors.ts';
import type { LaunchPlan } from '../deployments/launch-plan.ts';
import type { ExitReason } from '../deployments/sandbox.ts';
import type { Clock } from '../platform/clock.ts';
import {
  failingProgram,
  garbageProgram,
  mcpProgram,
  programInTurn,
  silentProgram,
  stubbornProgram,
} from './fake-programs.ts';
import { FakeRuntime } from './fake-runtime.ts';
import type { FakeProcess, FakeProgram } from './fake-workload.ts';
import { describeRuntime } from './runtime-contract.ts';

const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

let deployments = 0;
const planFor = (changes: Partial<LaunchPlan> = {}): LaunchPlan => ({
  deploymentId: `deploy-${(deployments += 1)}`,
  serverId: 'server',
  method: 'npx',
  identifier: 'program',
  version: null,
  digest: null,
  bin: null,
  args: [],
  environment: {},
  secretInputs: [],
  transport: 'stdio',
  port: null,
  path: null,
  limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 64, diskBytes: 1024 ** 3 },
  mounts: [],
  allowScripts: false,
  allowUnisolated: false,
  ...changes,
});

/** What the contract asks of a program. */
const obedient: FakeProgram = (process) =>
  new Promise((resolve) => {
    let deaf = false;
    process.stderr.write('ready\n');
    process.signal.addEventListener('abort', () => {
      if (!deaf) resolve({ kind: 'exit', code: 0 });
    });
    let rest = '';
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) obey(process, line, { resolve, ignore: () => (deaf = true) });
    });
  });

interface Ways {
  resolve(reason: ExitReason): void;
  ignore(): void;
}

const obey = ({ plan, stdout, stderr }: FakeProcess, line: string, { resolve, ignore }: Ways): void => {
  const [command = '', rest = ''] = line.split(/ (.*)/s);
  if (command === 'say') stdout.write(`${rest}\n`);
  if (command === 'log') stderr.write(`${rest}\n`);
  if (command === 'mutter') stderr.write(rest);
  if (command === 'env') stdout.write(`${plan.environment[rest] ?? ''}\n`);
  if (command === 'args') stdout.write(`${JSON.stringify(plan.args)}\n`);
  if (command === 'exit') resolve({ kind: 'exit', code: Number(rest) });
  if (command === 'die') resolve({ kind: 'signal', signal: 'SIGKILL' });
  if (command !== 'ignore') return;
  ignore();
  stdout.write('ignoring\n');
};

describeRuntime('the fake', () => {
  const versions = ['1.0.0'];
  const runtime = new FakeRuntime({ clock, packages: { program: { versions, program: obedient } } });
  return Promise.resolve({
    runtime,
    plan: planFor,
    unknown: 'nowhere',
    newest: '1.0.0',
    publish() {
      versions.push('1.1.0');
      return Promise.resolve('1.1.0');
    },
    downloads: () => runtime.downloads,
    holdDownload: () => runtime.hold('prepare'),
    leftovers: () => Promise.resolve(runtime.live().map(({ record }) => record.deploymentId)),
    end: () => Promise.resolve(),
  });
});

const runtimeOf = (program: FakeProgram): FakeRuntime =>
  new FakeRuntime({ clock, packages: { program: { versions: ['1.0.0'], program } } });

const { signal } = new AbortController();

const run = async (runtime: FakeRuntime, plan = planFor()) => {
  const prepared = await runtime.prepare(plan, { signal, onProgress: () => {} });
  return runtime.start(prepared, signal);
};

describe('FakeRuntime', () => {
  it('counts what one deployment runs at the same time', async () => {
    const runtime = runtimeOf(silentProgram);
    const plan = planFor();
    const [first] = [await run(runtime, plan), await run(runtime, planFor())];
    expect(runtime.mostAtOnce()).toBe(1);
    const second = await run(runtime, plan);
    expect(runtime.live(plan.deploymentId)).toEqual([first, second]);
    expect([runtime.mostAtOnce(plan.deploymentId), runtime.live().length, runtime.starts]).toEqual([2, 3, 3]);
  });

  it('crashes on demand', async () => {
    const runtime = runtimeOf(mcpProgram());
    const workload = await run(runtime);
    expect(runtime.crash(workload.record.deploymentId, { kind: 'out_of_memory' })).toBe(1);
    expect(await workload.exited).toEqual({ kind: 'out_of_memory' });
    expect(runtime.live()).toEqual([]);
    expect(runtime.crash(workload.record.deploymentId)).toBe(0);
  });

  it('waits where a test holds it, for one deployment only', async () => {
    const runtime = runtimeOf(silentProgram);
    const [held, other] = [planFor(), planFor()];
    const hold = runtime.hold('start', held.deploymentId);
    const starting = run(runtime, held);
    await hold.reached;
    await run(runtime, other);
    expect(runtime.live().map(({ record }) => record.deploymentId)).toEqual([other.deploymentId]);
    hold.release();
    const workload = await starting;
    const stopHold = runtime.hold('stop');
    const stopping = workload.stop(1_000);
    await stopHold.reached;
    expect(runtime.live(held.deploymentId)).toHaveLength(1);
    stopHold.release();
    await stopping;
    expect(runtime.live(held.deploymentId)).toEqual([]);
  });

  it('fails so many times as a test says', async () => {
    const runtime = runtimeOf(silentProgram);
    runtime.fail('prepare', deploymentUnavailable('no registry'), 2);
    runtime.fail('start', deploymentUnavailable('no sandbox'));
    await expect(run(runtime)).rejects.toThrow('no registry');
    await expect(run(runtime)).rejects.toThrow('no registry');
    await expect(run(runtime)).rejects.toThrow('no sandbox');
    expect((await run(runtime)).plan.identifier).toBe('program');
  });

  it('owns what an earlier life left, until it is swept', async () => {
    const runtime = runtimeOf(silentProgram);
    const record = runtime.leave('deploy-earlier');
    expect(await runtime.owned()).toEqual([record]);
    await runtime.sweep(record);
    expect(await runtime.owned()).toEqual([]);
  });

  it('has a program for each way in which a server fails', async () => {
    const runtime = runtimeOf(programInTurn(failingProgram(7, 'no key'), garbageProgram, stubbornProgram));
    const failing = await run(runtime);
    expect(await failing.exited).toEqual({ kind: 'exit', code: 7 });
    const garbage = await run(runtime);
    const { endpoint } = garbage;
    if (endpoint.transport !== 'stdio') expect.unreachable();
    else
      for await (const chunk of endpoint.stdout) {
        expect(String(chunk)).toContain('Welcome');
        break;
      }
    await garbage.stop(1_000);
    const stubborn = await run(runtime);
    await stubborn.stop(10);
    expect(await stubborn.exited).toEqual({ kind: 'stopped' });
  });

  it('takes a throw of a program for a crash that says why', async () => {
    const workload = await run(runtimeOf(() => Promise.reject(new Error('cannot find module'))));
    expect(await workload.exited).toEqual({ kind: 'exit', code: 1 });
    const lines: string[] = [];
    for await (const { text } of workload.logs()) lines.push(text);
    expect(lines).toEqual(['Error: cannot find module']);
  });
});
