// PyPI through its JSON API: the contract, and where a project says that it comes from.
import { describePackageRegistry } from '@insightloop/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pypi, type PublishedProject } from '../../../../tests/support/pypi.ts';
import { createHttpReader } from '../http/index.ts';
import { createPackageRegistry } from './package-registry.ts';

const { signal } = new AbortController();
const http = createHttpReader({ timeoutMs: 2_000 });
const registryAt = (pypiUrl: string) =>
  createPackageRegistry({
    http,
    guardedHttp: http,
    askNpm: () => Promise.reject(new Error('nobody asks npm here')),
    pypiUrl,
  });

describePackageRegistry('createPackageRegistry, PyPI', async () => {
  const pypi = await Pypi.start();
  return {
    registry: registryAt(pypi.url),
    method: 'uvx',
    identifier: 'Owner.Name',
    publish: ({ identifier, version, repository, mcp_name }) =>
      pypi.publish({
        name: identifier,
        version,
        description: mcp_name ? `# Name\n<!-- mcp-name: ${mcp_name} -->\n` : 'Nothing',
        ...(repository ? { projectUrls: { Repository: `${repository}.git` } } : {}),
      }),
    disconnect: () => void (pypi.status = 503),
    end: () => pypi.close(),
  };
});

describe('a project at PyPI', () => {
  let pypi: Pypi;
  beforeEach(async () => {
    pypi = await Pypi.start();
  });
  afterEach(() => pypi.close());
  const lookUp = (version: string | null = null, identifier = 'name') =>
    registryAt(pypi.url).lookUp({ method: 'uvx', identifier, version }, signal);
  const github = 'https://github.com/owner/name';

  it.each<[Partial<PublishedProject>, string | null]>([
    [{ projectUrls: { Homepage: 'https://name.example/a/b', 'Source Code': `${github}/tree/main` } }, github],
    [{ projectUrls: { Issues: `${github}/issues`, Documentation: 'https://docs.example/a/b' } }, github],
    [{ homePage: github }, github],
    [{ homePage: 'https://name.example/a/b' }, null],
    [{ projectUrls: { Source: 'https://git.example/a/b', Homepage: github } }, 'https://git.example/a/b'],
    [{ projectUrls: { Repository: 'nonsense' } }, null],
  ])('that says %o comes from %s', async (said, repository) => {
    pypi.publish({ name: 'name', version: '1.0', ...said });
    expect(await lookUp()).toMatchObject({ state: 'found', repository });
  });

  it('has the newest version, its hash, and what a build service attested', async () => {
    pypi.publish({ name: 'name', version: '1.0' });
    pypi.publish({ name: 'name', version: '2.0', attestedBy: 'owner/name' });
    expect(await lookUp()).toMatchObject({
      version: '2.0',
      integrity: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      provenance: github,
    });
    expect(await lookUp('1.0')).toMatchObject({ version: '1.0', provenance: null });
  });

  it('may be withdrawn', async () => {
    pypi.publish({ name: 'name', version: '1.0', yanked: 'broken' });
    expect(await lookUp()).toMatchObject({ deprecated: 'broken' });
  });

  it('is found by any spelling of its name', async () => {
    pypi.publish({ name: 'Some_Name', version: '1.0' });
    expect(await lookUp(null, 'some.NAME')).toMatchObject({ state: 'found' });
    expect(pypi.requests).toContain('/pypi/some-name/json');
  });

  it.each(['../name', 'name/1.0', 'git+https://a', '-r', ''])('is never called %o', async (identifier) => {
    expect(await lookUp(null, identifier)).toMatchObject({ state: 'missing' });
    expect(pypi.requests).toEqual([]);
  });
});
