// Proofs over fakes: verdicts, limits, and nothing that stays.
import { describe, expect, it } from 'vitest';
import { failingProgram, mcpProgram, silentProgram } from '../testing/fake-programs.ts';
import { deployRequest, openDeploymentSite } from '../testing/deployment-site.ts';

const request = (serverId: string) => deployRequest(serverId);

describe('a proof', () => {
  it('of a server that works passes, is kept, and leaves nothing', async () => {
    const site = openDeploymentSite({ program: mcpProgram() });
    await site.addServer('one');
    const { server_id, verdict } = await site.proofs.prove(request('one'));
    expect(server_id).toBe('one');
    expect(verdict).toMatchObject({ status: 'passed', version: '1.0.0', failure: null });
    expect(verdict.tools).toBeGreaterThan(0);
    expect(site.verdicts.get('one')).toEqual(verdict);
    expect(site.supervisor.live()).toEqual([]);
    expect(await site.runtime.owned()).toEqual([]);
    expect(site.events).toEqual([]);
    expect((await site.deployments.list({ limit: 10, offset: 0 })).total).toBe(0);
  });

  it('of a server that fails says how', async () => {
    const site = openDeploymentSite({ program: failingProgram(3) });
    await site.addServer('one');
    const { verdict } = await site.proofs.prove(request('one'));
    expect(verdict).toMatchObject({
      status: 'failed',
      tools: null,
      failure: { message: expect.any(String) },
    });
    expect(await site.runtime.owned()).toEqual([]);
  });

  it('ends when its time is over', async () => {
    const site = openDeploymentSite({ program: silentProgram });
    await site.addServer('one');
    const hold = site.runtime.hold('prepare');
    const proof = site.proofs.prove(request('one'));
    await hold.reached;
    await site.clock.advance(300_000);
    hold.release();
    expect((await proof).verdict).toMatchObject({ status: 'failed', failure: { reason: 'timeout' } });
    expect(await site.runtime.owned()).toEqual([]);
  });

  it('is one at a time for each server, and takes a place of a deployment', async () => {
    const site = openDeploymentSite({ program: mcpProgram(), maxDeployments: 1 });
    await site.addServer('one');
    await site.addServer('two');
    const hold = site.runtime.hold('prepare');
    const proof = site.proofs.prove(request('one'));
    await hold.reached;
    await expect(site.proofs.prove(request('one'))).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(site.proofs.prove(request('two'))).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(site.deployments.create(deployRequest('two'))).rejects.toMatchObject({ code: 'CONFLICT' });
    hold.release();
    await proof;
    await site.deployments.create(deployRequest('two'));
    await expect(site.proofs.prove(request('one'))).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('ends with the process, without a verdict', async () => {
    const site = openDeploymentSite({ program: mcpProgram() });
    await site.addServer('one');
    const hold = site.runtime.hold('prepare');
    const proof = site.proofs.prove(request('one'));
    const refused = expect(proof).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await hold.reached;
    const leaving = site.proofs.leave();
    hold.release();
    await leaving;
    await refused;
    expect(site.verdicts.size).toBe(0);
    await expect(site.proofs.prove(request('one'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it('needs what a deployment needs', async () => {
    const site = openDeploymentSite();
    await expect(site.proofs.prove(request('none'))).rejects.toMatchObject({ code: 'SERVER_NOT_FOUND' });
    await site.addServer('gate', { kind: 'gateway' });
    await expect(site.proofs.prove(request('gate'))).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
    site.runtime.availability = { ok: false, reason: 'no isolation' };
    await site.addServer('one');
    await expect(site.proofs.prove(request('one'))).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(site.verdicts.size).toBe(0);
  });
});

it('what a deployed server lists is remembered', async () => {
  const site = openDeploymentSite({ program: mcpProgram() });
  await site.addServer('one');
  await site.deployments.create(deployRequest('one'));
  expect(site.observed.get('one')?.tools.length).toBeGreaterThan(0);
});
