// Deploying, stopping and restarting, as callers do it: several at once, at the wrong moment, and one time too many.
import { describe, expect, it } from 'vitest';
import { launchRecipeInput, operatorRecipe } from '../servers/launch-recipe.ts';
import { deployRequest, openDeploymentSite, type DeploymentSiteOptions } from '../testing/deployment-site.ts';
import { failingProgram, mcpProgram, programInTurn, silentProgram } from '../testing/fake-programs.ts';

async function siteWith(servers: string[], options: DeploymentSiteOptions = {}) {
  const site = openDeploymentSite(options);
  for (const id of servers) await site.addServer(id);
  return site;
}

describe('deploying', () => {
  it('answers when it serves, with what it serves', async () => {
    const { deployments, store } = await siteWith(['one']);
    const shown = await deployments.create(deployRequest('one'));
    expect(shown).toMatchObject({
      server_id: 'one',
      status: 'running',
      version: '1.0.0',
      endpoint: 'http://127.0.0.1:8000/servers/one/mcp',
      isolation: 'user',
      capabilities: { tools: ['echo', 'trigger-long-running-operation'] },
    });
    for (const hidden of ['sealed_plan', 'desired', 'workload', 'artifact'])
      expect(shown).not.toHaveProperty(hidden);
    expect(await store.find(shown.id)).toMatchObject({ ...shown, desired: 'running' });
  });

  it('answers at once where that was asked for, and tells the rest in events', async () => {
    const { deployments, runtime, clock, events } = await siteWith(['one']);
    const hold = runtime.hold('prepare');
    const shown = await deployments.create(deployRequest('one', { isAsync: true }));
    expect(shown.status).toBe('starting');
    await hold.reached;
    hold.release();
    await clock.settle();
    expect((await deployments.get(shown.id)).status).toBe('running');
    expect(events.map((event) => ('status' in event ? event.status : event.type))).toEqual([
      'deployment_progress',
      'deployment_progress',
      'starting',
      'capabilities_changed',
      'running',
    ]);
  });

  it('two at once of one server is one', async () => {
    const { deployments, runtime } = await siteWith(['one']);
    const both = await Promise.allSettled([
      deployments.create(deployRequest('one')),
      deployments.create(deployRequest('one')),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'SERVER_ALREADY_DEPLOYED' },
    });
    await expect(deployments.create(deployRequest('one'))).rejects.toMatchObject({
      code: 'SERVER_ALREADY_DEPLOYED',
      details: { deployment_id: 'deploy-000001' },
    });
    expect(runtime.starts).toBe(1);
  });

  it('holds to the limit, those on their way included, and a stopped one makes room', async () => {
    const { deployments, supervisor } = await siteWith(['a', 'b', 'c'], { maxDeployments: 2 });
    const all = await Promise.allSettled(['a', 'b', 'c'].map((id) => deployments.create(deployRequest(id))));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(all[2]).toMatchObject({
      reason: { code: 'CONFLICT', message: expect.stringContaining('MAX_DEPLOYMENTS') as string },
    });
    await deployments.stop('a');
    await deployments.create(deployRequest('c'));
    expect(supervisor.live()).toHaveLength(2);
    await expect(deployments.restart('a')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('fails with the last lines, is stored as failed, and may be tried again', async () => {
    const { deployments, clock, runtime, store } = await siteWith(['one'], {
      program: programInTurn(failingProgram(2, 'API_KEY is missing'), mcpProgram()),
    });
    const failing = deployments.create(deployRequest('one'));
    await expect(failing).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      details: { server_id: 'one', reason: 'exit', code: 2, output: ['API_KEY is missing'] },
    });
    expect(await store.findByServer('one')).toMatchObject({ status: 'failed', desired: 'stopped' });
    await clock.advance(60_000);
    expect(runtime.starts).toBe(1);
    expect((await deployments.create(deployRequest('one'))).status).toBe('running');
  });

  it('of a package that is nowhere says what the installer said', async () => {
    const { deployments, runtime } = await siteWith(['one']);
    runtime.packages.delete('program');
    await expect(deployments.create(deployRequest('one'))).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      details: { reason: 'install', output: ['E404'] },
    });
  });

  it.each([
    ['an unknown server', 'two', {}, 'SERVER_NOT_FOUND'],
    ['a method that is not set up', 'one', { method: 'e2b' }, 'DEPLOYMENT_FAILED'],
    [
      'a method without a recipe',
      'one',
      { method: 'npx', configuration: { port: 0 } },
      'INVALID_CONFIGURATION',
    ],
  ] as const)('refuses %s, and stores nothing', async (_what, id, changes, code) => {
    const { deployments, store } = await siteWith(['one']);
    await expect(deployments.create(deployRequest(id, changes))).rejects.toMatchObject({ code });
    expect((await store.list({ limit: 10, offset: 0 })).total).toBe(0);
    expect((await deployments.create(deployRequest('one'))).status).toBe('running');
  });

  it('says why a method does not work on this machine', async () => {
    const { deployments, runtime } = await siteWith(['one']);
    runtime.availability = { ok: false, reason: 'npm was not found' };
    await expect(deployments.create(deployRequest('one'))).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      infrastructure: true,
      message: expect.stringContaining('npm was not found') as string,
    });
  });

  it('is broken off by a stop, and by nothing else', async () => {
    const { deployments, clock, runtime } = await siteWith(['one'], { program: silentProgram });
    const starting = deployments.create(deployRequest('one'));
    const refused = expect(starting).rejects.toMatchObject({ code: 'CONFLICT' });
    await clock.settle();
    expect(await deployments.stop('one')).toMatchObject({ status: 'stopped', server_id: 'one' });
    await refused;
    expect(runtime.live()).toEqual([]);
  });

  it('seals the environment, and shows the names of it only', async () => {
    const { deployments, store } = await siteWith(['one']);
    const environment = { API_KEY: 'hunter22' };
    const shown = await deployments.create(deployRequest('one', { configuration: { environment } }));
    expect(shown.configuration.environment_names).toEqual(['API_KEY']);
    const { sealed_plan: _, ...rest } = (await store.find(shown.id)) ?? expect.fail();
    expect(JSON.stringify([shown, rest])).not.toContain('hunter22');
  });
});

it('a secret input is in no log and no failure, wherever the server repeats its arguments', async () => {
  const site = openDeploymentSite({ program: failingProgram(1, 'unknown argument --token=hunter22') });
  const recipe = { method: 'npx', identifier: 'program', inputs: [{ name: 'token', kind: 'secret' }] };
  await site.addServer('one', {
    launch: [operatorRecipe(launchRecipeInput.parse({ ...recipe, package_args: ['--token={token}'] }))],
  });
  const configuration = { inputs: { token: 'hunter22' } };
  const deploying = site.deployments.create(deployRequest('one', { configuration }));
  const error = await deploying.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ details: { output: ['unknown argument --token=[redacted]'] } });
  const shown = await site.deployments.list({ limit: 10, offset: 0 });
  const logs = await site.observation.logs('one', 10);
  expect(JSON.stringify([error, shown, logs, site.events])).not.toContain('hunter22');
});

describe('ports of HTTP servers', () => {
  const http = (port: number | null) => ({
    launch: [
      operatorRecipe(
        launchRecipeInput.parse({ method: 'npx', identifier: 'program', transport: 'streamable-http', port }),
      ),
    ],
  });

  it('are the one asked for, else the recipe’s, else a free one; told to the server as PORT', async () => {
    for (const [asked, own, expected] of [
      [7000, 3000, 7000],
      [undefined, 3000, 3000],
      [undefined, null, 40_001],
    ] as const) {
      const site = openDeploymentSite();
      await site.addServer('web', http(own));
      const configuration = asked === undefined ? {} : { port: asked };
      const shown = await site.deployments.create(deployRequest('web', { configuration, isAsync: true }));
      expect(shown).toMatchObject({
        protocol: 'http',
        endpoint: `http://localhost:${expected}/mcp`,
        configuration: { port: expected },
      });
      const stored = await site.store.find(shown.id);
      const plan: unknown = JSON.parse(site.secretBox.open(stored?.sealed_plan ?? '', shown.id));
      expect(plan).toMatchObject({ port: expected, environment: { PORT: String(expected) } });
      await site.supervisor.leave();
    }
  });

  it('that are taken are refused', async () => {
    const site = openDeploymentSite();
    await site.addServer('web', http(3000));
    site.localPorts.taken.set(3000, 'somebody');
    await expect(site.deployments.create(deployRequest('web'))).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      details: { port: 3000 },
    });
  });
});

describe('stopping', () => {
  it('stores the wish before it acts: if we die in between, nothing comes back', async () => {
    const { deployments, store, runtime } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    const hold = runtime.hold('stop');
    const stopping = deployments.stop('one');
    await hold.reached;
    expect(await store.find(id)).toMatchObject({ desired: 'stopped' });
    expect(runtime.live(id)).toHaveLength(1);
    hold.release();
    await stopping;
    expect(await store.find(id)).toMatchObject({ desired: 'stopped', status: 'stopped', workload: null });
  });

  it('does nothing where the wish cannot be stored', async () => {
    const { deployments, store, runtime, supervisor } = await siteWith(['one']);
    await deployments.create(deployRequest('one'));
    store.update = () => Promise.reject(new Error('away'));
    await expect(deployments.stop('one')).rejects.toThrow('away');
    expect([runtime.live().length, supervisor.find('one')?.life.status]).toEqual([1, 'running']);
  });

  it('twice at once is one stop; once more is an error', async () => {
    const { deployments } = await siteWith(['one']);
    await deployments.create(deployRequest('one'));
    const both = await Promise.all([deployments.stop('one'), deployments.stop('one')]);
    expect(both.map(({ status }) => status)).toEqual(['stopped', 'stopped']);
    await expect(deployments.stop('one')).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    await expect(deployments.stop('two')).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });

  it('ends one that waits for its next try', async () => {
    const { deployments, runtime, clock, store } = await siteWith(['one'], {
      program: programInTurn(mcpProgram(), failingProgram(1)),
    });
    const { id } = await deployments.create(deployRequest('one'));
    runtime.crash(id);
    await clock.advance(5_000);
    await deployments.stop('one');
    expect(await store.find(id)).toMatchObject({ status: 'stopped', next_attempt_at: null });
    expect(clock.sleeping).toBe(0);
  });
});

describe('restarting', () => {
  it('replaces the workload of one that runs', async () => {
    const { deployments, runtime, clock, supervisor } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    expect((await deployments.restart('one')).status).toBe('restarting');
    await clock.settle();
    expect(supervisor.find('one')?.record).toMatchObject({
      id,
      status: 'running',
      restarts: 1,
      last_failure: null,
    });
    expect([runtime.starts, runtime.mostAtOnce()]).toEqual([2, 1]);
  });

  it('begins a stopped or failed one again as it was', async () => {
    const { deployments, clock, runtime, supervisor, store } = await siteWith(['one'], {
      program: programInTurn(failingProgram(1), mcpProgram()),
    });
    await expect(deployments.create(deployRequest('one'))).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
    });
    const again = await deployments.restart('one');
    expect(again).toMatchObject({ id: 'deploy-000001', status: 'starting' });
    await clock.settle();
    await deployments.stop('one');
    await deployments.restart('one');
    await clock.settle();
    expect(supervisor.find('one')?.life.status).toBe('running');
    expect(await store.find(again.id)).toMatchObject({
      desired: 'running',
      stopped_at: null,
      status: 'running',
    });
    expect(runtime.starts).toBe(3);
  });

  it('of one that is being stopped begins it again once it has ended: what was asked for last counts', async () => {
    const { deployments, runtime, clock, store, supervisor } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    const hold = runtime.hold('stop');
    const stopping = deployments.stop('one');
    await hold.reached;
    const restarting = deployments.restart('one');
    await clock.settle();
    expect(runtime.starts).toBe(1);
    hold.release();
    await Promise.all([stopping, restarting]);
    await clock.settle();
    expect(supervisor.find('one')?.life.status).toBe('running');
    expect(await store.find(id)).toMatchObject({ desired: 'running', status: 'running' });
    expect(runtime.mostAtOnce()).toBe(1);
  });

  it('twice at once of a stopped one is one life', async () => {
    const { deployments, runtime, clock } = await siteWith(['one']);
    await deployments.create(deployRequest('one'));
    await deployments.stop('one');
    const both = await Promise.allSettled([deployments.restart('one'), deployments.restart('one')]);
    await clock.settle();
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect([runtime.live().length, runtime.mostAtOnce()]).toEqual([1, 1]);
  });

  it('and deploying at once is one life', async () => {
    const { deployments, runtime, clock } = await siteWith(['one']);
    await deployments.create(deployRequest('one'));
    await deployments.stop('one');
    await Promise.allSettled([deployments.restart('one'), deployments.create(deployRequest('one'))]);
    await clock.settle();
    expect(runtime.live()).toHaveLength(1);
  });

  it('of one whose plan cannot be opened fails, and does not block the server', async () => {
    const { deployments, store } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    await deployments.stop('one');
    await store.update(id, { sealed_plan: 'of another key' });
    await expect(deployments.restart('one')).rejects.toThrow('damaged');
    expect((await deployments.create(deployRequest('one'))).status).toBe('running');
  });

  it('of what never was is an error', async () => {
    const { deployments } = await siteWith(['one']);
    await expect(deployments.restart('one')).rejects.toMatchObject({ code: 'SERVER_NOT_RUNNING' });
    await expect(deployments.restart('two')).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
  });

  it('what was stored last by the life before does not overwrite the new one', async () => {
    const { deployments, store, clock } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    await deployments.stop('one');
    const { update } = store;
    const release = Promise.withResolvers<void>();
    await deployments.restart('one');
    await clock.settle();
    store.update = async (of, changes) => {
      if (changes.status === 'stopped') await release.promise;
      return update.call(store, of, changes);
    };
    const stopping = deployments.stop('one');
    await clock.settle();
    const restarting = deployments.restart('one');
    await clock.settle();
    release.resolve();
    await Promise.all([stopping, restarting]);
    await clock.settle();
    expect(await store.find(id)).toMatchObject({ status: 'running', desired: 'running' });
  });
});

describe('looking', () => {
  it('finds live and past deployments, and says where there is none', async () => {
    const { deployments } = await siteWith(['one', 'two']);
    const one = await deployments.create(deployRequest('one'));
    await deployments.create(deployRequest('two'));
    await deployments.stop('one');
    expect((await deployments.get(one.id)).status).toBe('stopped');
    expect(await deployments.list({ limit: 1, offset: 0 })).toMatchObject({
      total: 2,
      deployments: [{ server_id: 'two' }],
    });
    await expect(deployments.get('deploy-nowhere')).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  });

  it('shows the capabilities that somebody set, until the server lists again', async () => {
    const { deployments, supervisor, clock, runtime } = await siteWith(['one']);
    const { id } = await deployments.create(deployRequest('one'));
    const capabilities = { tools: ['mine'], resources: [], prompts: [] };
    expect(await deployments.setCapabilities('one', capabilities)).toEqual(new Date(clock.now()));
    expect((await deployments.get(id)).capabilities).toEqual(capabilities);
    runtime.crash(id);
    await clock.settle();
    expect(supervisor.find('one')?.record.capabilities.tools).toContain('echo');
    await deployments.stop('one');
    await expect(deployments.setCapabilities('one', capabilities)).rejects.toMatchObject({
      code: 'SERVER_NOT_RUNNING',
    });
  });
});
