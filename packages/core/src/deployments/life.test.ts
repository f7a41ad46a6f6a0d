// The life of a deployment: one run after the other, never two, and an end that was wished for.
import { describe, expect, it } from 'vitest';
import type { McpChannel } from '../mcp/channel.ts';
import { deploymentFailed } from '../errors.ts';
import { fellBy, type RunEnd } from './failure.ts';
import type { StoredDeployment } from './deployment.ts';
import { liveOut, type Life, type LifeOptions, type RunHooks } from './life.ts';
import { defaultRestartPolicy } from './restart-policy.ts';
import type { DeploymentStatus } from './status.ts';

interface Scene {
  life: Life;
  statuses: DeploymentStatus[];
  changes: Partial<StoredDeployment>[];
  slept: number[];
  /** Resolves with the hooks of the next run. */
  nextRun(): Promise<{ hooks: RunHooks; end: (end: RunEnd) => void }>;
  atOnce(): number;
}

function begin(options: Partial<LifeOptions> = {}): Scene {
  const statuses: DeploymentStatus[] = [];
  const changes: Partial<StoredDeployment>[] = [];
  const slept: number[] = [];
  const waiting: ((run: { hooks: RunHooks; end: (end: RunEnd) => void }) => void)[] = [];
  const arrived: { hooks: RunHooks; end: (end: RunEnd) => void }[] = [];
  let running = 0;
  let most = 0;
  const life = liveOut(
    {
      id: 'deploy-1',
      plan: {} as LifeOptions['plan'],
      autoRestart: true,
      persistent: false,
      restarts: 0,
      ...options,
    },
    {
      clock: {
        now: () => 1000,
        sleep: (ms, signal) => {
          slept.push(ms);
          signal?.throwIfAborted();
          return Promise.resolve();
        },
      },
      random: () => 0,
      policy: defaultRestartPolicy,
      lastOutput: () => ['last words'],
      errorOf: (_end, failure) => deploymentFailed(failure.message),
      onChange: (change) => {
        if (change.status && statuses.at(-1) !== change.status) statuses.push(change.status);
        changes.push(change);
      },
      run: (_plan, hooks) => {
        running += 1;
        most = Math.max(most, running);
        const over = Promise.withResolvers<RunEnd>();
        hooks.signal.addEventListener('abort', () => {
          over.resolve({ kind: 'interrupted' });
        });
        const run = { hooks, end: over.resolve };
        const taker = waiting.shift();
        if (taker) taker(run);
        else arrived.push(run);
        return over.promise.finally(() => {
          hooks.onOver();
          running -= 1;
        });
      },
    },
  );
  return {
    life,
    statuses,
    changes,
    slept,
    atOnce: () => most,
    nextRun: () => {
      const run = arrived.shift();
      return run ? Promise.resolve(run) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

const channel = {} as McpChannel;
const crash = fellBy('exit', 'It ended with code 1 while it served.', { exit: { kind: 'exit', code: 1 } });

describe('a life', () => {
  it('serves, and stops when told to', async () => {
    const { life, statuses, nextRun } = begin();
    (await nextRun()).hooks.onServing(channel);
    await life.served;
    expect(life.channel).toBe(channel);
    await life.stop();
    expect(statuses).toEqual(['running', 'stopping', 'stopped']);
    expect(life.channel).toBeNull();
    expect(await life.over).toBe('stopped');
  });

  it('fails for good when the first start fails, and tells the one who waits', async () => {
    const { life, statuses, changes, nextRun } = begin();
    (await nextRun()).end(crash);
    await expect(life.served).rejects.toThrow('ended with code 1');
    expect(await life.over).toBe('failed');
    expect(statuses).toEqual(['failed']);
    expect(changes.at(-1)).toMatchObject({
      desired: 'stopped',
      last_failure: { reason: 'exit', code: 1, output: ['last words'] },
    });
  });

  it('tries a first start again where it is persistent', async () => {
    const { life, slept, nextRun } = begin({ persistent: true });
    (await nextRun()).end(crash);
    (await nextRun()).end(crash);
    (await nextRun()).hooks.onServing(channel);
    await life.served;
    expect(slept).toEqual([500]);
    await life.stop();
  });

  it('replaces a run that fell at once, and later ones later, until it gives up', async () => {
    const { life, statuses, slept, nextRun, atOnce } = begin();
    for (let count = 0; count <= defaultRestartPolicy.maxFailures; count += 1) {
      const run = await nextRun();
      run.hooks.onServing(channel);
      run.end(crash);
    }
    expect(await life.over).toBe('failed');
    expect(slept).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
    expect(statuses.at(-1)).toBe('failed');
    expect(atOnce()).toBe(1);
  });

  it('counts from the beginning after a run that answered somebody', async () => {
    const { life, slept, nextRun } = begin();
    for (let count = 0; count < 30; count += 1) {
      const run = await nextRun();
      run.hooks.onServing(channel);
      run.hooks.onAnswer();
      run.end(crash);
    }
    expect(slept).toEqual([]);
    await life.stop();
  });

  it('says restarting before the fallen workload is cleaned up', async () => {
    const { life, nextRun } = begin();
    const run = await nextRun();
    run.hooks.onServing(channel);
    run.hooks.onOver();
    expect(life.status).toBe('restarting');
    expect(life.channel).toBeNull();
    run.end(crash);
    await life.stop();
  });

  it('gives up at once where it shall not restart', async () => {
    const { life, nextRun } = begin({ autoRestart: false });
    const run = await nextRun();
    run.hooks.onServing(channel);
    run.end(crash);
    expect(await life.over).toBe('failed');
  });

  it('is degraded and well again', async () => {
    const { life, statuses, nextRun } = begin();
    const { hooks } = await nextRun();
    hooks.onHealth(false);
    hooks.onServing(channel);
    hooks.onHealth(false);
    hooks.onHealth(false);
    hooks.onHealth(true);
    await life.stop();
    expect(statuses).toEqual(['running', 'degraded', 'running', 'stopping', 'stopped']);
  });

  it('restarts when told to, without counting it as a failure', async () => {
    const { life, slept, changes, nextRun } = begin();
    for (let count = 0; count < 20; count += 1) {
      (await nextRun()).hooks.onServing(channel);
      life.restart();
    }
    await nextRun();
    expect(slept).toEqual([]);
    expect(changes.filter(({ last_failure }) => last_failure)).toEqual([]);
    await life.stop();
  });

  it('restarts when told to while it falls, even where it would not by itself', async () => {
    const { life, nextRun } = begin({ autoRestart: false });
    const run = await nextRun();
    run.hooks.onServing(channel);
    run.end(crash);
    expect(life.restart()).toBe(true);
    (await nextRun()).hooks.onServing(channel);
    expect(life.status).toBe('running');
    await life.stop();
    expect(life.restart()).toBe(false);
  });

  it('has all its chances anew after somebody restarted it', async () => {
    const { life, slept, nextRun } = begin();
    (await nextRun()).hooks.onServing(channel);
    life.restart();
    for (let count = 0; count < 3; count += 1) (await nextRun()).end(crash);
    const run = await nextRun();
    expect(slept).toEqual([500, 1000]);
    life.restart();
    run.end(crash);
    for (let count = 0; count < 3; count += 1) (await nextRun()).end(crash);
    await nextRun();
    expect(slept).toEqual([500, 1000, 500, 1000]);
    await life.stop();
  });

  it('that comes to serve in the moment in which it is stopped serves nobody', async () => {
    const { life, statuses, nextRun } = begin();
    const run = await nextRun();
    const stopped = life.stop();
    run.hooks.onServing(channel);
    expect(life.channel).toBeNull();
    await stopped;
    await expect(life.served).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(statuses).toEqual(['stopping', 'stopped']);
  });

  it('stops while it starts', async () => {
    const { life, statuses, nextRun } = begin();
    await nextRun();
    await life.stop();
    await expect(life.served).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(statuses).toEqual(['stopping', 'stopped']);
  });

  it('stops while it waits for the next try', async () => {
    const scene = begin();
    const run = await scene.nextRun();
    run.hooks.onServing(channel);
    run.end(crash);
    await scene.life.stop();
    expect(scene.life.status).toBe('stopped');
    expect(await scene.life.over).toBe('stopped');
  });

  it('leaves quietly: ended, and still wished for', async () => {
    const { life, statuses, nextRun } = begin();
    (await nextRun()).hooks.onServing(channel);
    await life.stop(true);
    expect(statuses).not.toContain('stopped');
    expect(statuses).not.toContain('stopping');
  });

  it('may be stopped twice, and restarted after its end without effect', async () => {
    const { life, nextRun } = begin();
    (await nextRun()).hooks.onServing(channel);
    await Promise.all([life.stop(), life.stop()]);
    life.restart();
    expect(life.status).toBe('stopped');
  });
});
