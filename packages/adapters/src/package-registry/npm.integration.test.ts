// npm through a real npm: the contract, what it says of a release, provenance, and what is not taken for an answer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackageRegistry } from '@insightloop/core';
import { describePackageRegistry } from '@insightloop/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NpmRegistry, type PackageManifest } from '../../../../tests/support/npm-registry.ts';
import { createHttpReader } from '../http/index.ts';
import { createNpmLookUp } from '../process/index.ts';
import { createPackageRegistry } from './package-registry.ts';

const { signal } = new AbortController();
const token = 'operators-npm-token-0123456789';
const name = '@owner/name';
const github = 'https://github.com/owner/name';

interface NpmSite {
  npm: NpmRegistry;
  registry: PackageRegistry;
  close(): Promise<void>;
}

const openNpmSite = async (): Promise<NpmSite> => {
  const npm = await NpmRegistry.start();
  const cacheFolder = await mkdtemp(join(tmpdir(), 'npm-look-up-'));
  const { PATH, HOME } = process.env;
  const environment = {
    PATH,
    HOME,
    npm_config_registry: npm.url,
    [`npm_config_${npm.url.replace('http:', '')}:_authToken`]: token,
  };
  const http = createHttpReader({ timeoutMs: 5_000 });
  return {
    npm,
    registry: createPackageRegistry({
      http,
      guardedHttp: http,
      askNpm: createNpmLookUp({ environment, cacheFolder }),
    }),
    close: async () => {
      await npm.close();
      await rm(cacheFolder, { recursive: true });
    },
  };
};

describePackageRegistry('createPackageRegistry, npm', async () => {
  const { npm, registry, close } = await openNpmSite();
  return {
    registry,
    method: 'npx',
    identifier: name,
    publish: ({ identifier, version, repository, mcp_name }) =>
      npm.publish({
        manifest: {
          name: identifier,
          version,
          ...(repository ? { repository: { type: 'git', url: `git+${repository}.git` } } : {}),
          ...(mcp_name ? { mcpName: mcp_name } : {}),
        },
      }),
    disconnect: () => npm.breakWith(name, { kind: 'status', status: 503 }),
    end: close,
  };
});

describe('a package at npm', () => {
  let site: NpmSite;
  beforeEach(async () => {
    site = await openNpmSite();
  });
  afterEach(() => site.close());
  const lookUp = (version: string | null = null, identifier = name) =>
    site.registry.lookUp({ method: 'npx', identifier, version }, signal);
  const publish = (said: Partial<PackageManifest>, attestedBy?: string): void =>
    site.npm.publish({
      manifest: { name, version: '1.0.0', ...said },
      ...(attestedBy === undefined ? {} : { attestedBy }),
    });

  it('is known with all that verification asks for', async () => {
    publish({
      repository: { type: 'git', url: 'git+ssh://git@github.com/owner/name.git', directory: 'packages/a' },
      mcpName: 'io.github.owner/name',
      bin: { first: 'a.js', second: 'b.js' },
      deprecated: 'use another',
    });
    expect(await lookUp('latest')).toEqual({
      state: 'found',
      version: '1.0.0',
      integrity: expect.stringMatching(/^sha512-/),
      repository: github,
      directory: 'packages/a',
      mcp_name: 'io.github.owner/name',
      provenance: null,
      bins: ['first', 'second'],
      deprecated: 'use another',
    });
  });

  it('may say less, or nonsense', async () => {
    publish({ repository: 'owner/name', bin: 'a.js', mcpName: 5, deprecated: false });
    expect(await lookUp()).toMatchObject({
      repository: github,
      mcp_name: null,
      bins: ['name'],
      deprecated: null,
    });
    publish({ version: '2.0.0', repository: { url: 7 }, bin: { a: 5 } });
    expect(await lookUp()).toMatchObject({ version: '2.0.0', repository: null, bins: [] });
  });

  it('that was built by a workflow says from which repository, whatever its publisher wrote', async () => {
    publish({ repository: 'https://github.com/somebody/else' }, github);
    expect(await lookUp()).toMatchObject({
      repository: 'https://github.com/somebody/else',
      provenance: github,
    });
  });

  it('whose attestation cannot be had, or is another file’s, has none', async () => {
    publish({}, github);
    publish({ version: '2.0.0' });
    const attested = `${site.npm.url}-/npm/v1/attestations/@owner%2fname@1.0.0`;
    site.npm.publish({
      manifest: { name, version: '3.0.0', dist: {} },
      attestedBy: github,
    });
    expect(await lookUp('2.0.0')).toMatchObject({ provenance: null });
    const text = await fetch(attested, { headers: { authorization: `Bearer ${token}` } }).then((answer) =>
      answer.text(),
    );
    const lying = createPackageRegistry({
      http: { read: async () => ({ status: 200, headers: new Headers(), text, truncated: false }) },
      guardedHttp: createHttpReader(),
      askNpm: async () => ({
        state: 'found',
        document: {
          name,
          version: '3.0.0',
          dist: { integrity: 'sha512-AAAA', attestations: { url: attested } },
        },
      }),
    });
    expect(await lying.lookUp({ method: 'npx', identifier: name, version: null }, signal)).toMatchObject({
      state: 'found',
      provenance: null,
    });
  });

  it('of a private registry is asked for with the operator’s credentials', async () => {
    site.npm.token = token;
    publish({});
    expect(await lookUp()).toMatchObject({ state: 'found' });
    site.npm.token = 'another';
    const answer = await lookUp();
    expect(answer).toMatchObject({ state: 'unreachable' });
    expect(JSON.stringify(answer)).not.toContain(token);
  });

  it.each(['cut', 'wrong-content'] as const)('whose registry answers %s is not known', async (kind) => {
    publish({});
    site.npm.breakWith(name, { kind });
    expect(await lookUp()).toMatchObject({ state: 'unreachable' });
  });

  it.each([
    ['../name', null],
    ['-g', null],
    ['git+https://github.com/a/b', null],
    ['@owner/name', '^1.0.0'],
    ['@owner/name', 'file:a'],
    ['@owner/name', '1.0.0 -g'],
  ])('is never %s in version %o', async (identifier, version) => {
    expect(await lookUp(version, identifier)).toMatchObject({ state: 'missing' });
    expect(site.npm.requests).toEqual([]);
  });

  it('is not asked for any longer when nobody waits', async () => {
    publish({});
    site.npm.breakWith(name, { kind: 'delay', delayMs: 60_000 });
    const asked = new AbortController();
    const answer = site.registry.lookUp({ method: 'npx', identifier: name, version: null }, asked.signal);
    while (site.npm.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    asked.abort(new Error('nobody waits'));
    await expect(answer).rejects.toThrow('nobody waits');
  });
});
