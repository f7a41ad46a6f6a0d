// A sandbox without walls and without processes: functions of the test in the place of programs.
import { PassThrough } from 'node:stream';
import type {
  Enforced,
  ExitReason,
  IsolationLevel,
  ProcessRecord,
  Sandbox,
  SandboxedProcess,
  SandboxRequest,
  SandboxStats,
} from '../deployments/sandbox.ts';
import { deploymentFailed, deploymentUnavailable } from '../errors.ts';

export interface FakeSandboxProcess {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  /** Aborts where a process would get SIGTERM. */
  readonly terminated: AbortSignal;
}

/** Runs until the process ends, and says how. */
export type FakeSandboxProgram = (process: FakeSandboxProcess) => Promise<ExitReason>;

export interface FakeSandboxOptions {
  /** By the path of the program. */
  programs: Readonly<Record<string, FakeSandboxProgram>>;
  isolation?: IsolationLevel;
  instanceId?: string;
  firstUid?: number;
}

const enforced: Enforced = { memory: 'cgroup', cpu: true, pids: true, disk: true };
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

export class FakeSandbox implements Sandbox {
  /** Every request that was started, in order. */
  readonly requests: SandboxRequest[] = [];
  readonly #options: Required<FakeSandboxOptions>;
  readonly #running = new Map<string, FakeSandboxedProcess>();
  #count = 0;

  constructor(options: FakeSandboxOptions) {
    this.#options = { isolation: 'user', instanceId: 'fake', firstUid: 900_000, ...options };
  }

  available(): Promise<{ isolation: IsolationLevel; enforced: Enforced; reason: string | null }> {
    const { isolation } = this.#options;
    return Promise.resolve({ isolation, enforced, reason: isolation === 'none' ? 'it is a fake' : null });
  }

  async start(request: SandboxRequest, signal: AbortSignal): Promise<SandboxedProcess> {
    const { deploymentId, command, environment, allowUnisolated } = request;
    const { programs, isolation, instanceId, firstUid } = this.#options;
    signal.throwIfAborted();
    if (isolation === 'none' && !allowUnisolated) throw deploymentUnavailable('The fake cannot isolate.');
    if (this.#running.has(deploymentId)) throw deploymentUnavailable(`"${deploymentId}" still runs.`);
    for (const [name, value] of Object.entries(environment))
      if (!variableName.test(name) || value.includes('\0'))
        throw deploymentFailed(`"${name}" is no variable.`);
    const [path = '', ...args] = command;
    const program = programs[path];
    if (program === undefined) throw deploymentFailed(`"${path}" cannot be started.`);
    this.requests.push(request);
    this.#count += 1;
    const record: ProcessRecord = {
      instanceId,
      deploymentId,
      pid: 1000 + this.#count,
      startTime: String(this.#count),
      bootId: 'fake-boot',
      cgroup: null,
      uid: firstUid + this.#count,
    };
    const child = new FakeSandboxedProcess({
      record,
      isolation,
      args,
      environment: { LANG: 'C.UTF-8', PATH: '/bin', ...environment, HOME: '/home/server', TMPDIR: '/tmp' },
      program,
    });
    this.#running.set(deploymentId, child);
    void child.exited.then(() => this.#running.delete(deploymentId));
    await Promise.resolve();
    return child;
  }

  owned(): Promise<ProcessRecord[]> {
    return Promise.resolve([...this.#running.values()].map(({ record }) => record));
  }

  /** All that runs is of this life. */
  sweep(): Promise<void> {
    return Promise.resolve();
  }

  ownsUid(uid: number): boolean {
    return uid > this.#options.firstUid && uid <= this.#options.firstUid + this.#count;
  }
}

interface FakeStart {
  record: ProcessRecord;
  isolation: IsolationLevel;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  program: FakeSandboxProgram;
}

class FakeSandboxedProcess implements SandboxedProcess {
  readonly record: ProcessRecord;
  readonly isolation: IsolationLevel;
  readonly enforced = enforced;
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exited: Promise<ExitReason>;
  readonly #over = Promise.withResolvers<ExitReason>();
  readonly #terminated = new AbortController();
  #verdict: ExitReason | null = null;
  #stopping: Promise<void> | null = null;

  constructor({ record, isolation, args, environment, program }: FakeStart) {
    this.record = record;
    this.isolation = isolation;
    this.exited = this.#over.promise;
    const { stdin, stdout, stderr } = this;
    // A program may write on when its process is over.
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
    const terminated = this.#terminated.signal;
    void program({ args, environment, stdin, stdout, stderr, terminated }).then(
      (reason) => this.#end(reason),
      (error: unknown) => {
        stderr.write(`${String(error)}\n`);
        this.#end({ kind: 'exit', code: 1 });
      },
    );
  }

  stats(): Promise<SandboxStats> {
    const memoryBytes = 50_000_000;
    return Promise.resolve({
      memoryBytes,
      residentBytes: memoryBytes,
      cpuSeconds: 0.5,
      processes: 1,
      diskBytes: 0,
    });
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#verdict ??= { kind: 'stopped' };
    this.stdin.end();
    if (graceMs > 0 && (await this.#endsWithin(graceMs / 2))) return;
    this.#terminated.abort();
    if (graceMs > 0 && (await this.#endsWithin(graceMs / 2))) return;
    this.#end({ kind: 'stopped' });
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ms);
    void this.exited.then(() => resolve(true));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #end(reason: ExitReason): void {
    this.stdout.end();
    this.stderr.end();
    this.#over.resolve(this.#verdict ?? reason);
  }
}
