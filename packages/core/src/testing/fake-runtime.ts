// A runtime whose programs are functions of the test: nothing is installed, nothing is spawned, everything can go wrong.
import { deploymentFailed } from '../errors.ts';
import type { LaunchPlan } from '../deployments/launch-plan.ts';
import type {
  Availability,
  Prepared,
  PrepareProgress,
  Runtime,
  WorkloadRecord,
} from '../deployments/runtime.ts';
import type { ExitReason } from '../deployments/sandbox.ts';
import type { Clock } from '../platform/clock.ts';
import type { LaunchMethod } from '../servers/launch-recipe.ts';
import { FakeWorkload, type FakeProgram } from './fake-workload.ts';

export interface FakePackage {
  /** The last is the newest. */
  versions: string[];
  program: FakeProgram;
}

export interface FakeRuntimeOptions {
  clock: Clock;
  packages: Record<string, FakePackage>;
  method?: LaunchMethod;
  instanceId?: string;
}

export type FakeStage = 'prepare' | 'start' | 'stop';

/** A place where the runtime waits until the test lets it go on. */
export interface Hold {
  /** Resolves when something waits there. */
  readonly reached: Promise<void>;
  release(): void;
}

interface Fault {
  stage: FakeStage;
  deploymentId: string | null;
  reached: () => void;
  released: Promise<void>;
}

export class FakeRuntime implements Runtime {
  readonly method: LaunchMethod;
  /** Answered by `available`; a test may change it at any time. */
  availability: Availability = { ok: true };
  readonly packages: Map<string, FakePackage>;
  /** Downloads that were made: preparing what is installed already makes none. */
  downloads = 0;
  /** How many workloads were ever started. */
  starts = 0;
  readonly #clock: Clock;
  readonly #instanceId: string;
  readonly #installed = new Set<string>();
  readonly #live = new Set<FakeWorkload>();
  readonly #mostAtOnce = new Map<string, number>();
  readonly #leftovers = new Map<string, WorkloadRecord>();
  readonly #holds: Fault[] = [];
  readonly #failures: { stage: FakeStage; error: Error }[] = [];
  #nextPid = 1000;

  constructor({ clock, packages, method = 'npx', instanceId = 'fake-instance' }: FakeRuntimeOptions) {
    this.#clock = clock;
    this.method = method;
    this.#instanceId = instanceId;
    this.packages = new Map(Object.entries(packages));
  }

  /** The workloads that run now, of one deployment or of all. */
  live(deploymentId?: string): FakeWorkload[] {
    return [...this.#live].filter(
      ({ record }) => deploymentId === undefined || record.deploymentId === deploymentId,
    );
  }

  /** The greatest number of workloads that one deployment ever had at the same time: never more than 1, if all is well. */
  mostAtOnce(deploymentId?: string): number {
    if (deploymentId !== undefined) return this.#mostAtOnce.get(deploymentId) ?? 0;
    return Math.max(0, ...this.#mostAtOnce.values());
  }

  /** The next time that this stage comes (of this deployment, or of any), it waits. */
  hold(stage: FakeStage, deploymentId: string | null = null): Hold {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#holds.push({ stage, deploymentId, reached: reached.resolve, released: released.promise });
    return { reached: reached.promise, release: released.resolve };
  }

  /** The next `times` times, this stage throws. */
  fail(stage: 'prepare' | 'start', error: Error, times = 1): void {
    for (let count = 0; count < times; count += 1) this.#failures.push({ stage, error });
  }

  /** Ends the workloads of a deployment from outside, as a crash does; returns how many there were. */
  crash(deploymentId: string, reason: ExitReason = { kind: 'signal', signal: 'SIGKILL' }): number {
    const found = this.live(deploymentId);
    for (const workload of found) workload.end(reason);
    return found.length;
  }

  /** Something that an earlier life of ours left running. */
  leave(deploymentId: string): WorkloadRecord {
    const record = this.#record(deploymentId);
    this.#leftovers.set(keyOf(record), record);
    return record;
  }

  available(): Promise<Availability> {
    return Promise.resolve(this.availability);
  }

  async prepare(
    plan: LaunchPlan,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: PrepareProgress) => void },
  ): Promise<Prepared> {
    signal.throwIfAborted();
    onProgress({ phase: 'resolve', message: `looking up ${plan.identifier}` });
    const found = this.packages.get(plan.identifier);
    const version = plan.version ?? found?.versions.at(-1);
    const installed = (): boolean => this.#installed.has(`${plan.identifier}@${version}`);
    if (!installed()) onProgress({ phase: 'install', message: `installing ${plan.identifier}@${version}` });
    await this.#pass('prepare', plan.deploymentId, signal);
    if (found === undefined || version === undefined || !found.versions.includes(version)) {
      throw deploymentFailed(`There is no package ${plan.identifier}@${version}.`, { output: ['E404'] });
    }
    const digest = `sha512-${plan.identifier}@${version}`;
    if (plan.digest !== null && plan.digest !== digest)
      throw deploymentFailed('The content has changed.', { digest });
    if (!installed()) this.downloads += 1;
    this.#installed.add(`${plan.identifier}@${version}`);
    return { plan: { ...plan, version, digest }, resolvedVersion: version, digest, artifact: {} };
  }

  async start({ plan, resolvedVersion }: Prepared, signal: AbortSignal): Promise<FakeWorkload> {
    signal.throwIfAborted();
    await this.#pass('start', plan.deploymentId, signal);
    const found = this.packages.get(plan.identifier);
    if (found === undefined || !this.#installed.has(`${plan.identifier}@${resolvedVersion}`)) {
      throw deploymentFailed(`${plan.identifier}@${resolvedVersion} is not installed.`);
    }
    const workload = new FakeWorkload({
      plan,
      program: found.program,
      record: this.#record(plan.deploymentId),
      clock: this.#clock,
      beforeStop: () => this.#pass('stop', plan.deploymentId),
    });
    this.#live.add(workload);
    void workload.exited.then(() => this.#live.delete(workload));
    this.starts += 1;
    const { deploymentId } = plan;
    this.#mostAtOnce.set(
      deploymentId,
      Math.max(this.mostAtOnce(deploymentId), this.live(deploymentId).length),
    );
    return workload;
  }

  adopt(): Promise<null> {
    return Promise.resolve(null);
  }

  owned(): Promise<WorkloadRecord[]> {
    return Promise.resolve([...this.#leftovers.values(), ...this.live().map(({ record }) => record)]);
  }

  sweep(record: WorkloadRecord): Promise<void> {
    this.#leftovers.delete(keyOf(record));
    for (const workload of this.live()) {
      if (keyOf(workload.record) === keyOf(record)) workload.end({ kind: 'stopped' });
    }
    return Promise.resolve();
  }

  #record(deploymentId: string): WorkloadRecord {
    const pid = this.#nextPid;
    this.#nextPid += 1;
    return { method: this.method, deploymentId, instanceId: this.#instanceId, handle: { pid } };
  }

  async #pass(stage: FakeStage, deploymentId: string, signal?: AbortSignal): Promise<void> {
    const at = this.#holds.findIndex(
      (hold) => hold.stage === stage && (hold.deploymentId === null || hold.deploymentId === deploymentId),
    );
    const [hold] = at === -1 ? [] : this.#holds.splice(at, 1);
    hold?.reached();
    if (hold !== undefined) await orAborted(hold.released, signal);
    const failing = this.#failures.findIndex((failure) => failure.stage === stage);
    const [failure] = failing === -1 ? [] : this.#failures.splice(failing, 1);
    if (failure !== undefined) throw failure.error;
  }
}

const keyOf = ({ instanceId, handle }: WorkloadRecord): string => `${instanceId}/${String(handle['pid'])}`;

const orAborted = async (promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> => {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const leave = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', leave);
  }
};
