// What happens to deployments after a start of ours: leftovers go, what should run runs, and once.
import { beforeEach, describe, expect, it } from 'vitest';
import { deployRequest, openDeploymentSite, type DeploymentSite } from '../testing/deployment-site.ts';
import { mcpProgram, programInTurn, failingProgram } from '../testing/fake-programs.ts';

let earlier: DeploymentSite;

/** Our next start: the same store, the same archive, the same time; nothing else. */
const restarted = (options: Parameters<typeof openDeploymentSite>[0] = {}): DeploymentSite =>
  openDeploymentSite({ store: earlier.store, archive: earlier.archive, clock: earlier.clock, ...options });

beforeEach(async () => {
  earlier = openDeploymentSite();
  for (const id of ['one', 'two']) {
    await earlier.addServer(id);
    await earlier.deployments.create(deployRequest(id));
  }
});

const idOf = async (serverId: string): Promise<string> =>
  (await earlier.store.findByServer(serverId))?.id ?? expect.fail(`${serverId} was deployed`);

describe('after a restart of ours', () => {
  it('what should run runs again, once each', async () => {
    const now = restarted();
    await now.launcher.restore();
    await now.clock.settle();
    expect(now.supervisor.live().map(({ record }) => [record.server_id, record.status])).toEqual([
      ['one', 'running'],
      ['two', 'running'],
    ]);
    expect([now.runtime.starts, now.runtime.mostAtOnce()]).toEqual([2, 1]);
    expect(await now.store.find(await idOf('one'))).toMatchObject({ status: 'running', desired: 'running' });
  });

  it('what was stopped stays stopped', async () => {
    await earlier.deployments.stop('one');
    const now = restarted();
    await now.launcher.restore();
    await now.clock.settle();
    expect(now.supervisor.live().map(({ record }) => record.server_id)).toEqual(['two']);
  });

  it('what was told to stop when we died is stopped, and its record says so', async () => {
    await earlier.store.update(await idOf('one'), { desired: 'stopped', status: 'stopping' });
    const now = restarted();
    await now.launcher.restore();
    await now.clock.settle();
    expect(now.supervisor.find('one')).toBeNull();
    expect(await now.store.find(await idOf('one'))).toMatchObject({
      status: 'stopped',
      stopped_at: new Date(now.clock.now()),
      workload: null,
    });
  });

  it('leftovers are ended before anything starts', async () => {
    const now = restarted();
    const id = await idOf('one');
    now.runtime.leave(id);
    now.runtime.leave('deploy-nobody-knows');
    const holds = [now.runtime.hold('start'), now.runtime.hold('start')];
    await now.launcher.restore();
    expect(await now.runtime.owned()).toEqual([]);
    for (const hold of holds) hold.release();
    await now.clock.settle();
    expect(now.runtime.live(id)).toHaveLength(1);
  });

  it('who deploys, stops or restarts before all is taken up is answered when it is', async () => {
    const now = restarted();
    await now.addServer('one');
    now.runtime.leave(await idOf('one'));
    const { sweep } = now.runtime;
    const held = Promise.withResolvers<void>();
    now.runtime.sweep = async (record) => {
      await held.promise;
      await sweep.call(now.runtime, record);
    };
    const restoring = now.launcher.restore();
    const deployed = now.deployments.create(deployRequest('one')).catch((error: unknown) => error);
    const stopped = now.deployments.stop('two');
    const restartedAgain = now.deployments.restart('one');
    await now.clock.settle();
    expect(now.runtime.starts).toBe(0);
    held.resolve();
    await restoring;
    // A program that is stopped while it starts takes its grace.
    await now.clock.advance(5_000);
    expect(await deployed).toMatchObject({ code: 'SERVER_ALREADY_DEPLOYED' });
    expect(await stopped).toMatchObject({ status: 'stopped' });
    expect((await restartedAgain).id).toBe(await idOf('one'));
    await now.clock.settle();
    expect(now.runtime.live().map(({ plan }) => plan.serverId)).toEqual(['one']);
    expect(now.supervisor.find('one')?.life.status).toBe('running');
  });

  it('a leftover that cannot be ended gets no second process beside it, and does not keep the others', async () => {
    const now = restarted();
    const stuck = now.runtime.leave(await idOf('one'));
    const { sweep } = now.runtime;
    now.runtime.sweep = (record) =>
      record.deploymentId === stuck.deploymentId
        ? Promise.reject(new Error('it does not die'))
        : sweep.call(now.runtime, record);
    await now.launcher.restore();
    await now.clock.settle();
    expect(now.runtime.live().map(({ plan }) => plan.serverId)).toEqual(['two']);
    expect(await now.store.find(stuck.deploymentId)).toMatchObject({
      status: 'failed',
      last_failure: { reason: 'start', message: expect.stringContaining('it does not die') as string },
    });
    expect(now.logged).toContain('a leftover could not be ended');
  });

  it('a plan that cannot be opened is given up and told; the others run', async () => {
    await earlier.store.update(await idOf('one'), { sealed_plan: 'of another key' });
    const now = restarted();
    await now.launcher.restore();
    await now.clock.settle();
    expect(await now.store.find(await idOf('one'))).toMatchObject({
      status: 'failed',
      desired: 'stopped',
      last_failure: { reason: 'start', message: expect.stringContaining('damaged') as string },
    });
    expect(now.supervisor.find('two')?.life.status).toBe('running');
  });

  it('a bridge whose port was taken meanwhile is given up and told', async () => {
    await earlier.store.update(await idOf('one'), {
      configuration: {
        ...((await earlier.store.find(await idOf('one')))?.configuration ?? expect.fail()),
        port: 7000,
      },
    });
    const now = restarted();
    now.localPorts.taken.set(7000, 'somebody else');
    await now.launcher.restore();
    expect(await now.store.find(await idOf('one'))).toMatchObject({ status: 'failed' });
    expect(now.localPorts.taken.get(7000)).toBe('somebody else');
  });

  it('a start that fails is tried again: nobody waits for its verdict', async () => {
    const now = restarted({
      program: programInTurn(failingProgram(1, 'not yet'), failingProgram(1), mcpProgram()),
    });
    await earlier.deployments.stop('two');
    await now.launcher.restore();
    await now.clock.advance(60_000);
    expect(now.supervisor.find('one')?.record).toMatchObject({ status: 'running', restarts: 2 });
  });

  it('log lines are numbered on', async () => {
    const id = await idOf('one');
    const before = (await earlier.archive.tail(id, 1))[0]?.number ?? 0;
    expect(before).toBeGreaterThan(0);
    const now = restarted();
    await now.launcher.restore();
    await now.clock.settle();
    expect((await now.archive.tail(id, 1))[0]?.number).toBe(before + 1);
  });
});

describe('a bridge of its own', () => {
  const withPort = deployRequest('three', { configuration: { port: 7100 } });

  it('goes with the deployment', async () => {
    await earlier.addServer('three');
    await earlier.deployments.create(withPort);
    expect(earlier.localPorts.taken.get(7100)).toBe('three');
    await earlier.deployments.stop('three');
    await earlier.clock.settle();
    expect(earlier.localPorts.taken.size).toBe(0);
  });

  it('goes too when the deployment does not begin', async () => {
    await earlier.addServer('three');
    earlier.store.insert = () => Promise.reject(new Error('away'));
    await expect(earlier.deployments.create(withPort)).rejects.toThrow('away');
    expect(earlier.localPorts.taken.size).toBe(0);
  });

  it('is asked for before anything is stored', async () => {
    await earlier.addServer('three');
    earlier.localPorts.taken.set(7100, 'somebody else');
    await expect(earlier.deployments.create(withPort)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
    });
    expect(await earlier.store.findByServer('three')).toBeNull();
  });
});
