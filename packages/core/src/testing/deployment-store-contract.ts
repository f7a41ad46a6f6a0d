// What every DeploymentStore must do: the fake, and each kind of database.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeploymentStore } from '../deployments/deployment-store.ts';
import type { StoredDeployment } from '../deployments/deployment.ts';

export interface DeploymentStoreSubject {
  /** Empty. */
  store: DeploymentStore;
  end(): void | Promise<void>;
}

export function describeDeploymentStore(name: string, open: () => Promise<DeploymentStoreSubject>): void {
  describe(`the deployment store contract: ${name}`, () => {
    let subject: DeploymentStoreSubject;
    let store: DeploymentStore;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.end());

    it('gives back what was inserted, to the last field', async () => {
      const full = aDeployment('deploy-2', {
        container_id: 'abc',
        started_at: new Date('2026-11-22T09:00:01.001Z'),
        stopped_at: new Date('2026-11-22T09:00:02.002Z'),
        next_attempt_at: new Date('2026-11-22T09:00:03.003Z'),
        enforced: { memory: 'watchdog', cpu: false, pids: true, disk: false },
        isolation: 'user',
        last_failure: {
          reason: 'signal',
          message: 'It was ended by SIGKILL.',
          code: null,
          signal: 'SIGKILL',
          output: ['Grüße', '世界 🎉'],
          at: new Date('2026-11-22T09:00:04.004Z'),
        },
        artifact: { folder: '/a b' },
        workload: {
          method: 'npx',
          deploymentId: 'deploy-2',
          instanceId: 'i',
          handle: { pid: 7, cgroup: null },
        },
      });
      const bare = aDeployment('deploy-1');
      await store.insert(full);
      await store.insert(bare);
      expect(await store.find('deploy-2')).toEqual(full);
      expect(await store.find('deploy-1')).toEqual(bare);
    });

    it('knows nothing of what was never inserted', async () => {
      expect(await store.find('nowhere')).toBeNull();
      expect(await store.findByServer('nowhere')).toBeNull();
      await store.update('nowhere', { status: 'failed' });
      expect(await store.list({ limit: 10, offset: 0 })).toEqual({ deployments: [], total: 0 });
    });

    it('changes the given fields and no others, null included', async () => {
      const before = aDeployment('deploy-1', { workload: aWorkload(), artifact: { folder: '/x' } });
      await store.insert(before);
      const changes: Partial<StoredDeployment> = {
        status: 'failed',
        workload: null,
        restarts: 3,
        capabilities: { tools: ['echo'], resources: [], prompts: [] },
      };
      await store.update('deploy-1', changes);
      expect(await store.find('deploy-1')).toEqual({ ...before, ...changes });
      await store.update('deploy-1', {});
      expect(await store.find('deploy-1')).toEqual({ ...before, ...changes });
    });

    it('finds the newest of a server, and lists newest first, by page, server and status', async () => {
      for (const [id, server_id, status] of [
        ['deploy-1', 'a', 'stopped'],
        ['deploy-2', 'b', 'running'],
        ['deploy-3', 'a', 'running'],
        ['deploy-4', 'a', 'failed'],
      ] as const)
        await store.insert(aDeployment(id, { server_id, status }));
      const ids = async (query: Parameters<DeploymentStore['list']>[0]) => {
        const { deployments, total } = await store.list(query);
        return [total, ...deployments.map(({ id }) => id)];
      };
      expect((await store.findByServer('a'))?.id).toBe('deploy-4');
      expect(await ids({ limit: 3, offset: 0 })).toEqual([4, 'deploy-4', 'deploy-3', 'deploy-2']);
      expect(await ids({ limit: 3, offset: 3 })).toEqual([4, 'deploy-1']);
      expect(await ids({ limit: 3, offset: 0, serverId: 'a' })).toEqual([
        3,
        'deploy-4',
        'deploy-3',
        'deploy-1',
      ]);
      expect(await ids({ limit: 3, offset: 0, status: 'running' })).toEqual([2, 'deploy-3', 'deploy-2']);
      expect(await ids({ limit: 3, offset: 0, serverId: 'b', status: 'failed' })).toEqual([0]);
    });

    it('lists what should be running, oldest first', async () => {
      await store.insert(aDeployment('deploy-3'));
      await store.insert(aDeployment('deploy-1', { status: 'failed' }));
      await store.insert(aDeployment('deploy-2', { desired: 'stopped' }));
      expect((await store.listDesired()).map(({ id }) => id)).toEqual(['deploy-1', 'deploy-3']);
    });

    it('shares nothing with its callers', async () => {
      const handedIn = aDeployment('deploy-1');
      const untouched = structuredClone(handedIn);
      await store.insert(handedIn);
      handedIn.capabilities.tools.push('later');
      (await store.find('deploy-1'))?.capabilities.tools.push('later');
      expect(await store.find('deploy-1')).toEqual(untouched);
    });
  });
}

const aWorkload = (): NonNullable<StoredDeployment['workload']> => ({
  method: 'npx',
  deploymentId: 'deploy-1',
  instanceId: 'instance',
  handle: { pid: 1 },
});

const aDeployment = (id: string, differences: Partial<StoredDeployment> = {}): StoredDeployment => ({
  id,
  server_id: 'server',
  server_name: 'Server',
  status: 'running',
  desired: 'running',
  method: 'npx',
  container_id: null,
  endpoint: 'http://127.0.0.1:8000/servers/server/mcp',
  protocol: 'stdio',
  started_at: null,
  stopped_at: null,
  created_at: new Date('2026-11-22T09:00:00.123Z'),
  configuration: {
    port: null,
    memory_limit: '512m',
    cpu_limit: '1',
    auto_restart: true,
    environment_names: ['TOKEN'],
    input_names: [],
    mounts: [{ source: '/a', target: '/b', read_only: true }],
    security: { allow_scripts: false, allow_unisolated: false },
  },
  identifier: '@scope/package',
  version: null,
  digest: null,
  isolation: null,
  network: 'host',
  enforced: null,
  capabilities: { tools: [], resources: [], prompts: [] },
  restarts: 0,
  last_failure: null,
  next_attempt_at: null,
  sealed_plan: 'sealed',
  artifact: null,
  workload: null,
  ...differences,
});
