// What every McpRegistry must do: the fake, and the adapter against a stand-in of the real registry.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { McpRegistryError, type McpRegistry, type McpRegistryFailure } from '../servers/mcp-registry.ts';
import type { ServerJson } from './fake-mcp-registry.ts';

export interface McpRegistrySubject {
  /** Empty. */
  registry: McpRegistry;
  /** The version that was published last is the newest. */
  publish(server: ServerJson, updatedAt?: Date): void;
  /** Deleted, or deprecated. */
  withdraw(name: string): void;
  failWith(failure: McpRegistryFailure): void;
  end(): void | Promise<void>;
}

const { signal } = new AbortController();
const all = { limit: 1000, signal };

export function describeMcpRegistry(name: string, open: () => Promise<McpRegistrySubject>): void {
  describe(`the MCP registry contract: ${name}`, () => {
    let subject: McpRegistrySubject;
    let registry: McpRegistry;

    beforeEach(async () => {
      subject = await open();
      registry = subject.registry;
    });
    afterEach(() => subject.end());

    const namesOf = async (text: string | null): Promise<string[]> =>
      (await registry.search(text, all)).entries.map((entry) => entry.name).toSorted();

    it('gives each entry with all that was published of it', async () => {
      const server = {
        name: 'io.github.owner/files',
        title: 'Files',
        description: 'Grüße, 世界 🎉',
        version: '1.2.3-beta',
        websiteUrl: 'https://files.example/',
        repository: { url: 'https://github.com/owner/mono', source: 'github', subfolder: 'src/files' },
        packages: [{ registryType: 'npm', identifier: '@owner/files', transport: { type: 'stdio' } }],
        unheardOf: [null, { deep: true }],
      };
      const updatedAt = new Date('2026-04-05T06:07:08Z');
      subject.publish(server, updatedAt);
      subject.publish({ name: 'io.github.owner/bare', version: '1' });
      expect(await registry.search('files', all)).toEqual({
        entries: [
          {
            name: 'io.github.owner/files',
            title: 'Files',
            description: 'Grüße, 世界 🎉',
            version: '1.2.3-beta',
            repository_url: 'https://github.com/owner/mono',
            subfolder: 'src/files',
            website_url: 'https://files.example/',
            updated_at: updatedAt,
            server_json: server,
          },
        ],
        more: false,
      });
      expect((await registry.search('bare', all)).entries).toMatchObject([
        { title: null, description: null, repository_url: null, subfolder: null, website_url: null },
      ]);
    });

    it('searches in names, in any case', async () => {
      subject.publish({ name: 'io.github.alice/weather', version: '1', description: 'postgres' });
      subject.publish({ name: 'com.example/Postgres-Tools', version: '1' });
      expect(await namesOf('POSTGRES')).toEqual(['com.example/Postgres-Tools']);
      expect(await namesOf('alice/wea')).toEqual(['io.github.alice/weather']);
      expect(await namesOf('nowhere & #?')).toEqual([]);
      expect(await namesOf(null)).toEqual(['com.example/Postgres-Tools', 'io.github.alice/weather']);
      expect(await namesOf('  ')).toEqual(['com.example/Postgres-Tools', 'io.github.alice/weather']);
    });

    it('knows the newest version only', async () => {
      subject.publish({ name: 'com.example/a', version: '1.0.0' });
      subject.publish({ name: 'com.example/a', version: '2.0.0' });
      expect((await registry.search('example/a', all)).entries).toMatchObject([{ version: '2.0.0' }]);
    });

    it('does not list what was withdrawn', async () => {
      subject.publish({ name: 'com.example/gone', version: '1.0.0' });
      subject.publish({ name: 'com.example/here', version: '1.0.0' });
      subject.withdraw('com.example/gone');
      expect(await namesOf('example')).toEqual(['com.example/here']);
    });

    it('gives as many as were asked for, and says whether there are more', async () => {
      for (let index = 0; index < 250; index += 1)
        subject.publish({ name: `com.example/server-${index}`, version: '1' });
      for (const limit of [1, 99, 100, 101, 249]) {
        const { entries, more } = await registry.search(null, { limit, signal });
        expect([new Set(entries.map((entry) => entry.name)).size, more]).toEqual([limit, true]);
      }
      for (const limit of [250, 1000]) {
        const { entries, more } = await registry.search(null, { limit, signal });
        expect([new Set(entries.map((entry) => entry.name)).size, more]).toEqual([250, false]);
      }
    });

    it.each(['limited', 'unreachable'] as const)('says when it is %s', async (failure) => {
      subject.failWith(failure);
      const thrown: unknown = await registry.search(null, all).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(McpRegistryError);
      expect(thrown).toMatchObject({ failure });
    });

    it('gives up when nobody waits any more', async () => {
      const gone = AbortSignal.abort(new Error('nobody waits'));
      await expect(registry.search('a', { limit: 1, signal: gone })).rejects.toThrow('nobody waits');
    });
  });
}
