// What every DiscoveryStore must do: the fake, and the database.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiscoveryStore, Found } from '../servers/discovery-store.ts';
import { emptyFinding, type Finding, type Verdict } from '../servers/finding.ts';
import type { ServerStore } from '../servers/server-store.ts';
import type { Server } from '../servers/server.ts';
import { aServer } from './deployment-site.ts';

export interface DiscoveryStoreSubject {
  /** Empty, both. */
  store: DiscoveryStore;
  servers: ServerStore;
  end(): void | Promise<void>;
}

const at = new Date('2026-11-22T09:00:00.123Z');

const verdict: Verdict = {
  status: 'failed',
  at,
  method: 'npx',
  identifier: 'tool',
  version: '1.0.0',
  digest: null,
  install_seconds: 1.5,
  start_seconds: null,
  memory_bytes: 1_000_000_000_000,
  tools: null,
  failure: { reason: 'exit', message: 'It ended.', output: ['last words'] },
};

const found = (id: string, changes: Partial<Finding> = {}, server: Partial<Server> = {}): Found => ({
  server: aServer(id, { source: 'discovered', created_at: at, updated_at: at, ...server }),
  finding: { ...emptyFinding(id, at), ...changes },
});

export function describeDiscoveryStore(name: string, open: () => Promise<DiscoveryStoreSubject>): void {
  describe(`the discovery store contract: ${name}`, () => {
    let subject: DiscoveryStoreSubject;
    let store: DiscoveryStore;
    let servers: ServerStore;
    beforeEach(async () => {
      subject = await open();
      ({ store, servers } = subject);
    });
    afterEach(() => subject.end());

    it('gives back what was saved, to the last field', async () => {
      const full = found('full', {
        repository_key: 'github.com/a/b',
        host_id: 9_007_199_254_740_991,
        folder: 'src/x',
        pushed_at: at,
        read_at: at,
        verified_at: at,
        readme: '# Grüße 🎉\n'.repeat(1_000),
        topics: ['a', 'b'],
        transports: ['stdio'],
        depth: 'deep',
        sub_servers: [{ id: 'x', name: 'X', path: 'x' }],
      });
      await store.save([full, found('bare')]);
      expect(await store.find('full')).toEqual(full);
      expect(await store.find('bare')).toEqual(found('bare'));
      expect(await store.find('none')).toBeNull();
      expect(await servers.find('full')).toEqual(full.server);
    });

    it('replaces what was discovered, and leaves what is the operator’s', async () => {
      await servers.insert(aServer('own', { source: 'registered' }));
      await store.save([found('one'), found('own', { stars: 1 }, { name: 'taken over' })]);
      await store.save([found('one', { stars: 7 }, { name: 'new name', created_at: new Date() })]);
      expect(await store.find('one')).toMatchObject({
        server: { name: 'new name', created_at: at },
        finding: { stars: 7 },
      });
      expect(await servers.find('own')).toMatchObject({ name: 'own', source: 'registered' });
      expect(await store.find('own')).toBeNull();
    });

    it('finds by number, and by name only where the number is not known', async () => {
      await store.save([
        found('known', { host_id: 1, repository_key: 'github.com/a/b' }),
        found('part', { host_id: 1, repository_key: 'github.com/a/b', folder: 'src/x' }),
        found('unknown', { repository_key: 'github.com/a/b' }),
        found('other', { host_id: 2, repository_key: 'github.com/c/d' }),
      ]);
      const ids = async (query: { hostIds: number[]; keys: string[] }) =>
        (await store.ofRepositories(query)).map(({ server }) => server.id).toSorted();
      expect(await ids({ hostIds: [1], keys: [] })).toEqual(['known', 'part']);
      expect(await ids({ hostIds: [3], keys: ['github.com/a/b'] })).toEqual(['unknown']);
      expect(await ids({ hostIds: [], keys: ['github.com/a/b'] })).toEqual(['known', 'part', 'unknown']);
      expect(await ids({ hostIds: [], keys: [] })).toEqual([]);
    });

    it('finds by the registry’s name what has no repository', async () => {
      await store.save([
        found('alone', { registry_name: 'com.x/y' }),
        found('joined', { registry_name: 'com.x/z', repository_key: 'github.com/a/b' }),
      ]);
      expect((await store.ofRegistryNames(['com.x/y', 'com.x/z'])).map(({ server }) => server.id)).toEqual([
        'alone',
      ]);
    });

    it('shows the operator’s own servers, and which ids are taken', async () => {
      await servers.insert(aServer('mine', { source: 'registered' }));
      await servers.insert(aServer('catalog', { source: 'catalog' }));
      await store.save([found('found')]);
      expect((await store.own(10)).map(({ server }) => server.id)).toEqual(['catalog', 'mine']);
      expect(await store.own(1)).toHaveLength(1);
      expect(await store.taken(['mine', 'found', 'free'])).toEqual(new Set(['mine', 'found']));
      expect(await store.taken([])).toEqual(new Set());
    });

    it('notes what was observed of any server, and no reading takes it away', async () => {
      await servers.insert(aServer('mine', { source: 'registered' }));
      await store.save([found('found')]);
      const observed = {
        at,
        tools: [{ name: 't', description: null, input_schema: { a: 1 } }],
        resources: ['r'],
        prompts: [],
      };
      for (const id of ['mine', 'found', 'nobody']) {
        await store.note(id, { last_verdict: verdict }, emptyFinding(id, at));
        await store.note(id, { observed }, emptyFinding(id, at));
      }
      await store.save([found('found', { stars: 3 })]);
      expect((await store.find('mine'))?.finding).toMatchObject({ last_verdict: verdict, observed });
      expect((await store.find('found'))?.finding).toEqual({
        ...found('found', { stars: 3 }).finding,
        last_verdict: verdict,
        observed,
      });
      expect(await store.find('nobody')).toBeNull();
    });

    it('forgets a server with all that is known of it', async () => {
      await store.save([found('one')]);
      await servers.delete('one');
      expect(await store.find('one')).toBeNull();
      await store.note('one', { last_verdict: verdict }, emptyFinding('one', at));
      expect(await store.find('one')).toBeNull();
    });

    it('tells which were not seen for long', async () => {
      const old = (days: number) => ({ seen_at: new Date(at.getTime() - days * 86_400_000) });
      await store.save([
        found('fresh'),
        found('older', old(3)),
        found('oldest', old(9)),
        found('old', old(2)),
      ]);
      const stale = await store.stalest({ seenBefore: old(1).seen_at, limit: 2 });
      expect(stale.map(({ server }) => server.id)).toEqual(['oldest', 'older']);
    });

    it('saves overlapping lists at once', async () => {
      const lists = Array.from({ length: 8 }, (_, n) =>
        ['a', 'b', 'c', 'd'].map((id) => found(id, { stars: n })).sort(() => (n % 2 ? 1 : -1)),
      );
      await Promise.all(lists.map((list) => store.save(list)));
      for (const id of ['a', 'b', 'c', 'd']) expect(await store.find(id)).not.toBeNull();
    });
  });
}
