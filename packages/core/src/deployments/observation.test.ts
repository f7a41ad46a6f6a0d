// Looking at what runs: honest in each status, and whole although one of them is just dying.
import { describe, expect, it } from 'vitest';
import { deployRequest, openDeploymentSite, type DeploymentSiteOptions } from '../testing/deployment-site.ts';
import { mcpProgram } from '../testing/fake-programs.ts';
import type { FollowedLine } from './observation.ts';

async function siteWith(servers: string[], options: DeploymentSiteOptions = {}) {
  const site = openDeploymentSite(options);
  const ids: string[] = [];
  for (const id of servers) {
    await site.addServer(id);
    ids.push((await site.deployments.create(deployRequest(id))).id);
  }
  return { ...site, ids, id: ids[0] ?? '' };
}

const chatty = mcpProgram();

describe('what runs', () => {
  it('is listed with its figures', async () => {
    const { observation, clock } = await siteWith(['one', 'two']);
    await clock.advance(5_500);
    const running = await observation.running();
    expect(running.map(({ id }) => id)).toEqual(['one', 'two']);
    expect(running[0]).toMatchObject({
      status: 'running',
      uptime: 5,
      memory_usage: '48MB',
      cpu_usage: '9%',
      protocol: 'stdio',
      restarts: 0,
      last_failure: null,
      next_attempt_at: null,
    });
  });

  it('says what is restarting, and why, without figures', async () => {
    const { observation, runtime, id } = await siteWith(['one']);
    const hold = runtime.hold('start');
    runtime.crash(id, { kind: 'out_of_memory' });
    await hold.reached;
    expect(await observation.running()).toMatchObject([
      {
        status: 'restarting',
        uptime: 0,
        memory_usage: null,
        cpu_usage: null,
        restarts: 1,
        last_failure: { reason: 'out_of_memory' },
      },
    ]);
    await expect(observation.metrics('one')).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    hold.release();
  });

  it('is listed whole although one of them cannot be measured', async () => {
    const { observation, runtime, ids, logged } = await siteWith(['one', 'two']);
    const [dying] = runtime.live(ids[0]);
    if (dying) dying.stats = () => Promise.reject(new Error('ESRCH'));
    expect((await observation.running()).map(({ memory_usage }) => memory_usage)).toEqual([null, '48MB']);
    expect((await observation.metrics('one')).metrics.memory.used).toBeNull();
    expect(logged).toContain('a deployment could not be measured');
  });

  it('has no stopped ones', async () => {
    const { observation, deployments } = await siteWith(['one']);
    await deployments.stop('one');
    expect(await observation.running()).toEqual([]);
  });
});

describe('figures', () => {
  it('count calls, and go on over a crash', async () => {
    const { observation, supervisor, runtime, clock, id } = await siteWith(['one']);
    const call = async (name: string) =>
      (await supervisor.open('one', new AbortController().signal)).request('tools/call', { name });
    await call('echo');
    await call('nothing').catch(() => undefined);
    runtime.crash(id);
    await clock.settle();
    await call('echo');
    expect((await observation.metrics('one')).metrics).toMatchObject({
      requests_total: 3,
      error_rate: 0.3333,
      memory: { used: 50_000_000, limit: 512 * 1024 ** 2 },
      cpu: { limit: 1 },
    });
    await expect(observation.metrics('two')).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });
});

describe('logs', () => {
  it('are there for whatever was ever deployed', async () => {
    const { observation, deployments, addServer, clock } = await siteWith(['one'], { program: chatty });
    await clock.settle();
    expect((await observation.logs('one', 10)).map(({ message }) => message)).toEqual(['ready']);
    await deployments.stop('one');
    expect(await observation.logs('one', 10)).toMatchObject([{ number: 1, message: 'ready' }]);
    await addServer('never');
    await expect(observation.logs('never', 10)).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    await expect(observation.logs('two', 10)).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });

  it('are followed over a crash, from the line that was seen last', async () => {
    const { observation, runtime, clock, id } = await siteWith(['one']);
    await clock.settle();
    const over = new AbortController();
    const follow = async (after: number | null, count: number): Promise<FollowedLine[]> => {
      const lines: FollowedLine[] = [];
      const { lines: following } = await observation.followLogs('one', {
        lines: 10,
        after: after === null ? null : { deploymentId: null, number: after },
        signal: over.signal,
      });
      for await (const line of following) if (lines.push(line) === count) break;
      return lines;
    };
    const all = follow(null, 2);
    runtime.crash(id);
    await clock.settle();
    expect(await all).toHaveLength(2);
    expect(await follow(1, 1)).toEqual((await all).slice(1));
    await expect(follow(99, 1)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('are followed to the last one when the deployment is over, and a new one begins anew', async () => {
    const { observation, deployments, clock, id } = await siteWith(['one']);
    await clock.settle();
    const { signal } = new AbortController();
    const options = { lines: 10, after: null, signal };
    const first = await observation.followLogs('one', options);
    const reading = (async () => {
      const numbers: number[] = [];
      for await (const line of first.lines) if ('number' in line) numbers.push(line.number);
      return numbers;
    })();
    await deployments.stop('one');
    expect(await reading).toEqual([1]);
    await deployments.create(deployRequest('one'));
    await clock.settle();
    const after = { deploymentId: id, number: 1 };
    const second = await observation.followLogs('one', { ...options, after });
    expect(second).toMatchObject({ after: 0, isOther: true });
    for await (const line of second.lines) {
      expect(line).toMatchObject({ number: 1 });
      break;
    }
  });

  it('of what is not live cannot be followed', async () => {
    const { observation } = await siteWith([]);
    const options = { lines: 1, after: null, signal: new AbortController().signal };
    await expect(observation.followLogs('one', options)).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });
});
