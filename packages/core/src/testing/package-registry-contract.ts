// What every PackageRegistry must do: the fake, and the adapter against stand-ins of the real registries.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackageFacts, PackageRegistry, PackageRequest } from '../servers/package-registry.ts';
import type { PackageDraft } from './fake-package-registry.ts';

export interface PackageRegistrySubject {
  /** Empty. */
  registry: PackageRegistry;
  method: PackageRequest['method'];
  /** A name that fits the method. */
  identifier: string;
  /** The version that was published last is the newest. */
  publish(draft: PackageDraft): void | Promise<void>;
  disconnect(): void;
  end(): void | Promise<void>;
}

const { signal } = new AbortController();

export function describePackageRegistry(name: string, open: () => Promise<PackageRegistrySubject>): void {
  describe(`the package registry contract: ${name}`, () => {
    let subject: PackageRegistrySubject;

    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.end());

    const publish = async (version: string, said: Partial<PackageFacts> = {}): Promise<void> => {
      const { method, identifier } = subject;
      await subject.publish({ ...said, method, identifier, version });
    };
    const lookUp = (version: string | null) => {
      const { registry, method, identifier } = subject;
      return registry.lookUp({ method, identifier, version }, signal);
    };

    it('knows what a publisher said of a version', async () => {
      const said = { repository: 'https://github.com/owner/name', mcp_name: 'io.github.owner/name' };
      await publish('1.2.3', said);
      const facts = await lookUp('1.2.3');
      expect(facts).toMatchObject({ state: 'found', version: '1.2.3', provenance: null, ...said });
      expect(facts).toMatchObject({ integrity: expect.stringMatching(/./) });
    });

    it('says nothing where a publisher said nothing', async () => {
      await publish('1.2.3');
      expect(await lookUp('1.2.3')).toMatchObject({
        repository: null,
        directory: null,
        mcp_name: null,
        provenance: null,
        deprecated: null,
      });
    });

    it('tells versions apart', async () => {
      await publish('1.0.0', { repository: 'https://github.com/owner/first' });
      await publish('2.0.0', { repository: 'https://github.com/owner/second' });
      expect(await lookUp('1.0.0')).toMatchObject({ repository: 'https://github.com/owner/first' });
      expect(await lookUp('2.0.0')).toMatchObject({ repository: 'https://github.com/owner/second' });
      expect(await lookUp('3.0.0')).toMatchObject({ state: 'missing', detail: expect.any(String) });
    });

    it('knows that a name is free', async () => {
      expect(await lookUp(null)).toMatchObject({ state: 'missing', detail: expect.any(String) });
      expect(await lookUp('1.0.0')).toMatchObject({ state: 'missing', detail: expect.any(String) });
    });

    it('does not take silence for an answer', async () => {
      await publish('1.0.0');
      subject.disconnect();
      expect(await lookUp('1.0.0')).toMatchObject({ state: 'unreachable', detail: expect.any(String) });
    });

    it('gives up when nobody waits any more', async () => {
      const { registry, method, identifier } = subject;
      const gone = AbortSignal.abort(new Error('nobody waits'));
      await expect(registry.lookUp({ method, identifier, version: null }, gone)).rejects.toThrow(
        'nobody waits',
      );
    });
  });
}
