// The supervisor: one live deployment for each server, the way to its channel, and leaving without forgetting.
import { describe, expect, it } from 'vitest';
import {
  deployRequest,
  openDeploymentSite,
  type DeploymentSite,
  type DeploymentSiteOptions,
} from '../testing/deployment-site.ts';
import { mcpProgram, programInTurn, silentProgram } from '../testing/fake-programs.ts';
import { ScriptedMcpServer } from '../testing/scripted-mcp-server.ts';

const never = new AbortController().signal;

async function deployed(options: DeploymentSiteOptions = {}): Promise<DeploymentSite & { id: string }> {
  const site = openDeploymentSite(options);
  await site.addServer('one');
  const { id } = await site.deployments.create(deployRequest('one'));
  return { ...site, id };
}

const statusesOf = ({ events }: DeploymentSite): string[] =>
  events.flatMap((event) => (event.type === 'deployment_status' ? [event.status] : []));

describe('the way to a channel', () => {
  it('is there at once while the server serves, and the same for all', async () => {
    const { supervisor } = await deployed();
    const channel = await supervisor.open('one', never);
    expect(await supervisor.open('one', never)).toBe(channel);
    const { content } = await channel.request('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    expect(content).toEqual([{ type: 'text', text: 'Echo: hi' }]);
  });

  it('tells a server that runs nowhere from one that is unknown', async () => {
    const site = openDeploymentSite();
    await site.addServer('one');
    await expect(site.supervisor.open('one', never)).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    await expect(site.supervisor.open('two', never)).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });

  it('waits for a server that is about to serve again', async () => {
    const { supervisor, runtime, clock, id } = await deployed();
    const first = await supervisor.open('one', never);
    const hold = runtime.hold('start');
    runtime.crash(id);
    await hold.reached;
    const opening = supervisor.open('one', never);
    await clock.advance(4_000);
    hold.release();
    const second = await opening;
    expect(second).not.toBe(first);
    await second.request('tools/call', { name: 'echo', arguments: {} });
    expect(clock.sleeping).toBe(1);
  });

  it('says after 5 s that it is not there yet, and when to try again', async () => {
    const { supervisor, runtime, clock, id } = await deployed();
    const hold = runtime.hold('start');
    runtime.crash(id);
    await hold.reached;
    const opening = supervisor.open('one', never);
    const refused = expect(opening).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: 1,
    });
    await clock.advance(4_999);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1);
    await refused;
  });

  it('says how long the pause of a server is that falls again and again', async () => {
    const fall = programInTurn(mcpProgram(), () => Promise.resolve({ kind: 'exit', code: 1 }));
    const { supervisor, runtime, clock, id } = await deployed({ program: fall });
    runtime.crash(id);
    const pause = (): number =>
      (supervisor.find('one')?.record.next_attempt_at?.getTime() ?? 0) - clock.now();
    while (pause() <= 5_000) await clock.advance(1_000);
    const pauseMs = pause();
    const opening = supervisor.open('one', never);
    const refused = expect(opening).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: Math.ceil((pauseMs - 5_000) / 1000),
    });
    await clock.advance(5_000);
    await refused;
  });

  it('is given up by a caller who leaves', async () => {
    const { supervisor, runtime, clock, id } = await deployed();
    const hold = runtime.hold('start');
    runtime.crash(id);
    await hold.reached;
    const caller = new AbortController();
    const opening = supervisor.open('one', caller.signal);
    caller.abort(new Error('gone'));
    await expect(opening).rejects.toThrow('gone');
    expect(clock.sleeping).toBe(0);
  });

  it('ends for those who wait when the deployment is stopped or has failed', async () => {
    const { supervisor, deployments, runtime, id } = await deployed();
    const hold = runtime.hold('start');
    runtime.crash(id);
    await hold.reached;
    const opening = supervisor.open('one', never);
    const stopped = deployments.stop('one');
    await expect(opening).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    await stopped;
  });
});

describe('a crash', () => {
  it('is healed at once, told in events and on the record, and never makes two processes', async () => {
    const site = await deployed();
    const { supervisor, runtime, clock, id, store } = site;
    runtime.crash(id, { kind: 'signal', signal: 'SIGKILL' });
    await clock.settle();
    expect(statusesOf(site)).toEqual(['starting', 'running', 'restarting', 'restarting', 'running']);
    expect(runtime.starts).toBe(2);
    expect(runtime.mostAtOnce()).toBe(1);
    expect(supervisor.find('one')?.record).toMatchObject({
      status: 'running',
      restarts: 1,
      last_failure: { reason: 'signal', signal: 'SIGKILL', output: ['ready'] },
    });
    expect(await store.find(id)).toMatchObject({ status: 'running', restarts: 1, desired: 'running' });
  });

  it('fails what is in flight once, and repeats nothing', async () => {
    let calls = 0;
    const { supervisor, runtime, clock, id } = await deployed({
      program: mcpProgram(
        () =>
          new ScriptedMcpServer('legacy', {
            'tools/list': () => ({ tools: [{ name: 'hang', inputSchema: {} }] }),
            'tools/call': () => {
              calls += 1;
              return new Promise(() => {});
            },
          }),
      ),
    });
    const call = (await supervisor.open('one', never)).request('tools/call', { name: 'hang' });
    const failed = expect(call).rejects.toMatchObject({ failure: 'closed' });
    await clock.settle();
    runtime.crash(id);
    await failed;
    await clock.settle();
    expect([calls, supervisor.find('one')?.life.status]).toEqual([1, 'running']);
  });

  it('keeps the version that the first start resolved', async () => {
    const { runtime, clock, supervisor, id } = await deployed();
    runtime.packages.get('program')?.versions.push('2.0.0');
    runtime.crash(id);
    await clock.settle();
    expect(runtime.live(id)[0]?.plan.version).toBe('1.0.0');
    expect(supervisor.find('one')?.record).toMatchObject({
      version: '1.0.0',
      digest: 'sha512-program@1.0.0',
    });
  });

  it('leads to a failed deployment when no start after it succeeds', async () => {
    const broken = programInTurn(mcpProgram(), (process) => {
      process.stderr.write('cannot open the database\n');
      return Promise.resolve({ kind: 'exit', code: 3 });
    });
    const site = await deployed({ program: broken });
    const { supervisor, runtime, clock, id, store } = site;
    runtime.crash(id);
    await clock.advance(10 * 60_000);
    expect(supervisor.find('one')).toBeNull();
    expect(await store.find(id)).toMatchObject({
      status: 'failed',
      desired: 'stopped',
      restarts: 10,
      next_attempt_at: null,
      last_failure: { reason: 'exit', code: 3 },
    });
    expect((await store.find(id))?.last_failure?.output.at(-1)).toBe('cannot open the database');
    expect([clock.sleeping, runtime.live().length]).toEqual([0, 0]);
  });
});

describe('a server that answers nothing', () => {
  it('is degraded, then started anew', async () => {
    const hung = mcpProgram(
      () =>
        new ScriptedMcpServer('legacy', {
          ping: () => new Promise(() => {}),
          'tools/list': () => ({ tools: [] }),
        }),
    );
    const site = await deployed({ program: programInTurn(hung, mcpProgram()) });
    const { clock, supervisor } = site;
    await clock.advance(15_000);
    expect(supervisor.find('one')?.life.status).toBe('degraded');
    await clock.advance(10_000);
    expect(supervisor.find('one')?.record).toMatchObject({
      status: 'running',
      restarts: 1,
      last_failure: { reason: 'unresponsive' },
    });
  });
});

describe('starts', () => {
  it('wait in line, so many at once and no more', async () => {
    const site = openDeploymentSite({ maxStarts: 2, program: silentProgram });
    for (const id of ['a', 'b', 'c']) {
      await site.addServer(id);
      await site.deployments.create(deployRequest(id, { isAsync: true }));
    }
    await site.clock.settle();
    expect(site.runtime.starts).toBe(2);
    await site.deployments.stop('a');
    await site.clock.settle();
    expect(site.runtime.starts).toBe(3);
    await site.supervisor.leave();
    expect(site.runtime.live()).toEqual([]);
  });
});

describe('leaving', () => {
  it('ends all that runs and keeps the wish that it should', async () => {
    const { supervisor, runtime, store, clock, id } = await deployed();
    await supervisor.leave();
    expect(runtime.live()).toEqual([]);
    expect(supervisor.live()).toEqual([]);
    expect(await store.find(id)).toMatchObject({ desired: 'running', workload: null });
    expect(clock.sleeping).toBe(0);
  });

  it('begins nothing new', async () => {
    const { supervisor, deployments, addServer, runtime, store } = await deployed();
    await addServer('two');
    const leaving = supervisor.leave();
    await expect(deployments.create(deployRequest('two'))).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    await leaving;
    expect(runtime.live()).toEqual([]);
    expect(await store.findByServer('two')).toMatchObject({ status: 'failed', desired: 'stopped' });
  });

  it('does not wait for a store that is away', async () => {
    const { supervisor, runtime, store, clock } = await deployed();
    store.update = () => Promise.reject(new Error('away'));
    const left = supervisor.leave();
    await clock.advance(2_000);
    await left;
    expect([runtime.live().length, clock.sleeping]).toEqual([0, 0]);
  });
});
