// What every ServerStore must do: the fake, and each kind of database.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerStore } from '../servers/server-store.ts';
import type { Server } from '../servers/server.ts';

export interface ServerStoreSubject {
  /** Empty. */
  store: ServerStore;
  end(): void | Promise<void>;
}

const atOnce = 12;

export function describeServerStore(name: string, open: () => Promise<ServerStoreSubject>): void {
  describe(`the server store contract: ${name}`, () => {
    let subject: ServerStoreSubject;
    let store: ServerStore;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.end());

    it('gives back what was inserted, to the last field', async () => {
      const full = aServer('full', {
        description: 'Grüße, 世界 🎉\n"\\ \u2028 ' + 'x'.repeat(9_000),
        kind: 'gateway',
        source: 'discovered',
        launch: [
          aRecipe({ version: '1.2.3' }),
          aRecipe({ verified: null, verified_by: null, deployable: false }),
        ],
        created_at: new Date('2026-03-29T01:30:00.001Z'),
        updated_at: new Date('2026-10-25T00:59:59.999Z'),
      });
      const bare = aServer('bare', { description: null, launch: [], created_at: new Date(0) });
      expect(await store.insert(full)).toBe(true);
      expect(await store.insert(bare)).toBe(true);
      expect(await store.find('full')).toEqual(full);
      expect(await store.find('bare')).toEqual(bare);
      expect(await store.list({ limit: 10, offset: 0 })).toEqual({ servers: [bare, full], total: 2 });
    });

    it('knows nothing of what was never inserted', async () => {
      expect(await store.find('nowhere')).toBeNull();
      expect(await store.delete('nowhere')).toBe(false);
      expect(await store.list({ limit: 10, offset: 0 })).toEqual({ servers: [], total: 0 });
    });

    it('does not insert over a taken id', async () => {
      const first = aServer('taken');
      await store.insert(first);
      expect(await store.insert(aServer('taken', { name: 'another' }))).toBe(false);
      expect(await store.find('taken')).toEqual(first);
    });

    it('lets one of many that insert an id at once have it', async () => {
      const rivals = Array.from({ length: atOnce }, (_, index) =>
        aServer('contested', { name: `rival ${index}` }),
      );
      const inserted = await Promise.all(rivals.map((rival) => store.insert(rival)));
      expect(inserted.filter(Boolean)).toHaveLength(1);
      expect(await store.find('contested')).toEqual(rivals[inserted.indexOf(true)]);
    });

    it('puts: inserts, and replaces everything but the time of creation', async () => {
      const first = aServer('put');
      await store.put(first);
      expect(await store.find('put')).toEqual(first);

      const second = aServer('put', {
        name: 'renamed',
        description: null,
        kind: 'client',
        source: 'catalog',
        launch: [],
        created_at: new Date('2027-01-01T00:00:00Z'),
        updated_at: new Date('2027-01-01T00:00:00Z'),
      });
      await store.put(second);
      expect(await store.find('put')).toEqual({ ...second, created_at: first.created_at });
    });

    it('takes many puts of one id at once', async () => {
      const rivals = Array.from({ length: atOnce }, (_, index) =>
        aServer('contested', { name: `rival ${index}` }),
      );
      await Promise.all(rivals.map((rival) => store.put(rival)));
      expect(rivals).toContainEqual(await store.find('contested'));
      expect((await store.list({ limit: 10, offset: 0 })).total).toBe(1);
    });

    it('lists in the order of the ids’ bytes, page by page', async () => {
      const ordered = ['a', 'a-b', 'a.b', 'a0', 'a_b', 'ab', 'b', 'z9'];
      for (const id of ['ab', 'z9', 'a0', 'b', 'a', 'a_b', 'a-b', 'a.b']) await store.insert(aServer(id));
      const listed: string[] = [];
      for (let offset = 0; offset < ordered.length; offset += 3) {
        const page = await store.list({ limit: 3, offset });
        expect(page.total).toBe(ordered.length);
        listed.push(...page.servers.map((server) => server.id));
      }
      expect(listed).toEqual(ordered);
      expect(await store.list({ limit: 3, offset: 100 })).toEqual({ servers: [], total: ordered.length });
    });

    it('deletes once, and frees the id', async () => {
      await store.insert(aServer('leaving'));
      await store.insert(aServer('staying'));
      const deleted = await Promise.all(Array.from({ length: atOnce }, () => store.delete('leaving')));
      expect(deleted.filter(Boolean)).toHaveLength(1);
      expect(await store.find('leaving')).toBeNull();
      expect((await store.list({ limit: 10, offset: 0 })).servers.map((server) => server.id)).toEqual([
        'staying',
      ]);
      expect(await store.insert(aServer('leaving'))).toBe(true);
    });

    it('shares nothing with its callers', async () => {
      const handedIn = aServer('copied');
      const untouched = structuredClone(handedIn);
      await store.insert(handedIn);
      handedIn.launch.pop();
      const handedOut = await store.find('copied');
      handedOut?.launch.pop();
      expect(await store.find('copied')).toEqual(untouched);
    });
  });
}

const aServer = (id: string, differences: Partial<Server> = {}): Server => ({
  id,
  name: `Server ${id}`,
  description: 'Does things',
  kind: 'server',
  source: 'registered',
  launch: [aRecipe()],
  created_at: new Date('2026-11-22T09:00:00.123Z'),
  updated_at: new Date('2026-11-22T09:00:00.456Z'),
  ...differences,
});

const aRecipe = (differences: Partial<Server['launch'][number]> = {}): Server['launch'][number] => ({
  named_by_repository: true,
  integrity: 'sha512-abc',
  blockers: ['needs a desktop application'],
  mounts: [{ input: 'folder', target: '/data', read_only: true }],
  method: 'npx',
  identifier: '@scope/package',
  version: null,
  package_args: ['--flag', '{folder}', ''],
  bin: null,
  transport: 'stdio',
  port: null,
  env: [{ name: 'TOKEN', required: true, secret: true, default: null, description: 'ключ' }],
  required_env_any_of: [['TOKEN', 'KEY']],
  inputs: [
    {
      name: 'folder',
      description: null,
      kind: 'directory',
      required: true,
      default: '/tmp',
      repeatable: true,
    },
  ],
  verified: true,
  verified_by: 'operator',
  deployable: true,
  evidence: [{ from: 'operator', detail: 'registered by the operator' }],
  ...differences,
});
