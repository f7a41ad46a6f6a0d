// A workload of the fake runtime: a function of the test in the place of a process.
import { PassThrough } from 'node:stream';
import type { LaunchPlan } from '../deployments/launch-plan.ts';
import type { OutputLine, Workload, WorkloadRecord, WorkloadStats } from '../deployments/runtime.ts';
import type { ExitReason } from '../deployments/sandbox.ts';
import type { McpEndpoint } from '../mcp/connector.ts';
import type { Clock } from '../platform/clock.ts';
import { lineQueue } from './line-queue.ts';

/** What a program of the fake has of a process. */
export interface FakeProcess {
  readonly plan: LaunchPlan;
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  /** Aborts when the process is told to end. A program that does not care is killed after its grace. */
  readonly signal: AbortSignal;
}

/** Runs until the process ends, and says how; a throw is exit code 1 with the message on stderr. */
export type FakeProgram = (process: FakeProcess) => Promise<ExitReason>;

export interface FakeWorkloadOptions {
  plan: LaunchPlan;
  program: FakeProgram;
  record: WorkloadRecord;
  clock: Clock;
  beforeStop(): Promise<void>;
}

export class FakeWorkload implements Workload {
  readonly record: WorkloadRecord;
  readonly endpoint: McpEndpoint;
  readonly isolation = 'user';
  readonly enforced = { memory: 'cgroup', cpu: true, pids: true, disk: true } as const;
  readonly containerId = null;
  readonly exited: Promise<ExitReason>;
  readonly plan: LaunchPlan;
  /** Answered by `stats` while it runs. */
  usage: Pick<WorkloadStats, 'memoryBytes' | 'cpuSeconds'> = { memoryBytes: 50_000_000, cpuSeconds: 0.5 };
  readonly #process: FakeProcess;
  readonly #abort = new AbortController();
  readonly #lines = lineQueue<OutputLine>();
  readonly #options: FakeWorkloadOptions;
  readonly #over = Promise.withResolvers<ExitReason>();
  #stopping: Promise<void> | null = null;
  #stoppedByUs = false;
  #ended = false;

  constructor(options: FakeWorkloadOptions) {
    const { plan, record } = options;
    this.#options = options;
    this.plan = plan;
    this.record = record;
    this.exited = this.#over.promise;
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
    this.#process = { plan, stdin, stdout, stderr, signal: this.#abort.signal };
    this.endpoint =
      plan.transport === 'stdio'
        ? { transport: 'stdio', stdin, stdout }
        : { transport: plan.transport, url: `http://127.0.0.1:${plan.port ?? 0}${plan.path ?? '/mcp'}` };
    this.#log('stderr', stderr);
    if (plan.transport !== 'stdio') this.#log('stdout', stdout);
    void this.#run(options.program);
  }

  logs(): AsyncIterable<OutputLine> {
    return this.#lines.read();
  }

  stats(): Promise<WorkloadStats | null> {
    const { memoryBytes, cpus } = this.plan.limits;
    return Promise.resolve(
      this.#ended ? null : { ...this.usage, memoryLimitBytes: memoryBytes, cpuLimit: cpus },
    );
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  /** Ends it from outside: its streams close, whatever the program still does. */
  end(reason: ExitReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#abort.abort(new Error('The process has ended.'));
    const { stdin, stdout, stderr } = this.#process;
    stdin.destroy();
    stdout.end();
    stderr.end();
    this.#over.resolve(reason);
  }

  async #stop(graceMs: number): Promise<void> {
    await this.#options.beforeStop();
    if (this.#ended) return;
    this.#process.stdin.end();
    const timer = new AbortController();
    const grace = this.#options.clock.sleep(graceMs, timer.signal).then(
      () => this.end({ kind: 'stopped' }),
      () => {},
    );
    this.#stoppedByUs = true;
    this.#abort.abort(new Error('The process is told to end.'));
    await Promise.race([this.exited, grace]);
    timer.abort();
  }

  async #run(program: FakeProgram): Promise<void> {
    // Not before the caller has the workload in hand.
    await Promise.resolve();
    try {
      const reason = await program(this.#process);
      this.end(this.#stoppedByUs ? { kind: 'stopped' } : reason);
    } catch (error) {
      if (!this.#ended) this.#process.stderr.write(`${String(error)}\n`);
      this.end(this.#stoppedByUs ? { kind: 'stopped' } : { kind: 'exit', code: 1 });
    }
  }

  #log(name: 'stdout' | 'stderr', stream: PassThrough): void {
    let rest = '';
    const write = (text: string): void => {
      this.#lines.write({ timestamp: new Date(this.#options.clock.now()), stream: name, text });
    };
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) write(line);
    });
    stream.on('end', () => {
      if (rest !== '') write(rest);
      if (name === 'stderr') this.#lines.end();
    });
  }
}
