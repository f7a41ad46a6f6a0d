// The life of one deployment: start, serve, fall, rise again, until it is told to stop or there is no hope.
// One loop owns the workload, so there are never two of them.
import { conflict, type AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { McpChannel } from '../mcp/channel.ts';
import { failureOf, type FallenRun, type RunEnd } from './failure.ts';
import type { Failure, StoredDeployment } from './deployment.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { restartDelay, wasGood, type RestartPolicy } from './restart-policy.ts';
import { isComing, isServing, mayFollow, type DeploymentStatus } from './status.ts';

/** What a run tells its life while it goes on. */
export interface RunHooks {
  /** Aborts when the run shall end. */
  signal: AbortSignal;
  /** The server serves. */
  onServing(channel: McpChannel): void;
  /** It misses answers, or gives them again. */
  onHealth(healthy: boolean): void;
  /** It has answered somebody. */
  onAnswer(): void;
  /** It serves no longer: told before the cleaning up, so that nobody is sent to a dead server. */
  onOver(): void;
}

export interface LifePorts {
  clock: Clock;
  random: () => number;
  policy: RestartPolicy;
  /**
   * One run from the first to the last moment of one workload. Never rejects; nothing of the workload is left when it
   * resolves.
   */
  run: (plan: LaunchPlan, hooks: RunHooks) => Promise<RunEnd>;
  /** The last lines that the server wrote. */
  lastOutput: () => string[];
  /** What to tell the one who waits for the first start. */
  errorOf: (end: FallenRun, failure: Failure) => AppError;
  /** Told of each change before anybody can act on it. */
  onChange: (changes: Partial<StoredDeployment>, previous: DeploymentStatus) => void;
}

export interface LifeOptions {
  id: string;
  plan: LaunchPlan;
  autoRestart: boolean;
  /** Whether a run that never served is tried again: not for a first deploy, where the caller waits for the verdict. */
  persistent: boolean;
  restarts: number;
}

export interface Life {
  readonly status: DeploymentStatus;
  /** What callers may use now; null while nothing serves. */
  readonly channel: McpChannel | null;
  /** Resolves when it serves for the first time; rejects with an AppError when it is over before that. */
  readonly served: Promise<void>;
  /** Resolves when it is over, with the status it ended in. */
  readonly over: Promise<'stopped' | 'failed'>;
  /** Resolves at the next change of status. */
  changed(): Promise<void>;
  /** Ends the workload and the life; `quietly` leaves the status for the next start of ours to go on from. */
  stop(quietly?: boolean): Promise<void>;
  /**
   * Ends the workload and starts a new one, without waiting and without counting it as a failure.
   * @returns false where it is over or about to be
   */
  restart(): boolean;
}

export function liveOut(options: LifeOptions, ports: LifePorts): Life {
  const { clock, random, policy, run, onChange } = ports;
  let status: DeploymentStatus = 'starting';
  let wanted: 'running' | 'stopped' | 'left' = 'running';
  let interrupt = new AbortController();
  let channel: McpChannel | null = null;
  let restarts = options.restarts;
  let everServed = false;
  const firstServed = Promise.withResolvers<void>();
  firstServed.promise.catch(() => undefined);
  let change = Promise.withResolvers<void>();

  const become = (next: DeploymentStatus, changes: Partial<StoredDeployment> = {}): void => {
    if (next === status && Object.keys(changes).length === 0) return;
    if (next !== status && !mayFollow(status, next))
      throw new Error(`deployment ${options.id} cannot go from ${status} to ${next}`);
    const previous = status;
    status = next;
    onChange({ status: next, ...changes }, previous);
    change.resolve();
    change = Promise.withResolvers();
  };

  /** One run and what it was like. */
  const runOnce = async (): Promise<{ end: RunEnd; good: boolean }> => {
    const startedAt = clock.now();
    let answered = false;
    const end = await run(options.plan, {
      signal: interrupt.signal,
      onServing: (served) => {
        // It came to serve in the moment in which it was told to stop.
        if (wanted !== 'running') return;
        channel = served;
        everServed = true;
        become('running', { started_at: new Date(clock.now()), next_attempt_at: null });
        firstServed.resolve();
      },
      onHealth: (healthy) => {
        if (isServing(status)) become(healthy ? 'running' : 'degraded');
      },
      onAnswer: () => {
        answered = true;
      },
      onOver: () => {
        channel = null;
        if (isServing(status)) become('restarting');
      },
    });
    return { end, good: wasGood({ answered, durationMs: clock.now() - startedAt }, policy) };
  };

  /** What follows a run that should not have ended. */
  const afterFailure = async (failure: Failure, failures: number): Promise<'again' | 'give up'> => {
    const mayTry = options.autoRestart && (everServed || options.persistent);
    const delayMs = mayTry ? restartDelay(failures, random(), policy) : null;
    if (delayMs === null) {
      // Given up: the next start of ours must not take up a hopeless case again.
      become('failed', {
        desired: 'stopped',
        last_failure: failure,
        stopped_at: new Date(clock.now()),
        next_attempt_at: null,
      });
      return 'give up';
    }
    restarts += 1;
    become('restarting', {
      last_failure: failure,
      restarts,
      next_attempt_at: new Date(clock.now() + delayMs),
    });
    if (delayMs > 0) await clock.sleep(delayMs, interrupt.signal).catch(() => undefined);
    return 'again';
  };

  const loop = async (): Promise<'stopped' | 'failed'> => {
    let failures = 0;
    for (;;) {
      const { end, good } = await runOnce();
      if (wanted !== 'running') break;
      if (end.kind === 'interrupted' || isInterrupted()) {
        // A restart was asked for, perhaps of one that was falling. The next run gets a signal of its own.
        interrupt = new AbortController();
        failures = 0;
        become('restarting', { restarts: (restarts += 1), next_attempt_at: null });
        continue;
      }
      const failure = failureOf(end, { output: ports.lastOutput(), at: new Date(clock.now()) });
      failures = good ? 1 : failures + 1;
      if ((await afterFailure(failure, failures)) === 'give up') {
        firstServed.reject(ports.errorOf(end, failure));
        return 'failed';
      }
      if (isStopAsked()) break;
      // Restarted by somebody while it waited: it gets all its chances anew.
      if (isInterrupted()) {
        interrupt = new AbortController();
        failures = 0;
      }
    }
    if (wanted === 'stopped') become('stopped', { stopped_at: new Date(clock.now()), next_attempt_at: null });
    firstServed.reject(conflict('The deployment was stopped before it served.'));
    return 'stopped';
  };
  /** Read through functions: the compiler cannot see that `stop` and `restart` change them while we wait. */
  const isStopAsked = (): boolean => wanted !== 'running';
  const isInterrupted = (): boolean => interrupt.signal.aborted;

  const over = loop();

  return {
    get status() {
      return status;
    },
    get channel() {
      return channel;
    },
    served: firstServed.promise,
    over,
    changed: () => change.promise,
    async stop(quietly = false) {
      if (wanted === 'running' && (isServing(status) || isComing(status))) {
        wanted = quietly ? 'left' : 'stopped';
        if (!quietly) become('stopping');
        interrupt.abort();
      }
      await over;
    },
    restart() {
      if (wanted !== 'running' || !(isServing(status) || isComing(status))) return false;
      if (isServing(status)) become('restarting');
      interrupt.abort();
      return true;
    },
  };
}
