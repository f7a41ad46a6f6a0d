// Images through the API of their registries: the contract, their digests, and the hosts that are not asked.
import { describePackageRegistry } from '@insightloop/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageRegistry } from '../../../../tests/support/image-registry.ts';
import { createHttpReader } from '../http/index.ts';
import { createGuardedNetwork, type GuardedNetwork } from '../network/index.ts';
import { createPackageRegistry } from './package-registry.ts';

const { signal } = new AbortController();

const registryThrough = (network: GuardedNetwork) =>
  createPackageRegistry({
    http: { read: () => Promise.reject(new Error('only the guarded one is for images')) },
    guardedHttp: createHttpReader({ fetch: network.fetch, timeoutMs: 2_000 }),
    askNpm: () => Promise.reject(new Error('nobody asks npm here')),
  });

describePackageRegistry('createPackageRegistry, images', async () => {
  const images = await ImageRegistry.start();
  const network = createGuardedNetwork({ privateHosts: [images.host] });
  return {
    registry: registryThrough(network),
    method: 'docker',
    identifier: `${images.host}/owner/name`,
    publish: ({ version, repository, mcp_name }) =>
      void images.publish({
        name: 'owner/name',
        tag: version,
        labels: {
          ...(repository ? { 'org.opencontainers.image.source': repository } : {}),
          ...(mcp_name ? { 'io.modelcontextprotocol.server.name': mcp_name } : {}),
        },
      }),
    disconnect: () => void (images.status = 500),
    end: async () => {
      await images.close();
      await network.close();
    },
  };
});

describe('an image', () => {
  let images: ImageRegistry;
  let network: GuardedNetwork;
  beforeEach(async () => {
    images = await ImageRegistry.start();
    network = createGuardedNetwork({ privateHosts: [images.host] });
  });
  afterEach(async () => {
    await images.close();
    await network.close();
  });
  const lookUp = (identifier: string) =>
    registryThrough(network).lookUp({ method: 'docker', identifier, version: null }, signal);

  it('has a digest, and is found by it', async () => {
    const digest = images.publish({ name: 'a', tag: '1' });
    expect(await lookUp(`${images.host}/a:1`)).toMatchObject({ version: '1', integrity: digest });
    expect(await lookUp(`${images.host}/a@${digest}`)).toMatchObject({ version: null, integrity: digest });
    expect(await lookUp(`${images.host}/a`)).toMatchObject({ version: 'latest', integrity: digest });
  });

  it('is asked for with the token that anybody gets, once', async () => {
    images.publish({ name: 'a', tag: '1' });
    await lookUp(`${images.host}/a:1`);
    expect(images.requests.filter(({ path }) => path.startsWith('/token'))).toMatchObject([
      { path: '/token?service=stand-in&scope=repository%3Aany%3Apull', authorization: null },
    ]);
  });

  it('is not asked for where strangers must not lead us', async () => {
    const inside = await ImageRegistry.start();
    inside.publish({ name: 'a', tag: 'latest' });
    try {
      for (const host of [inside.host, inside.host.replace('127.0.0.1', 'localhost'), '169.254.169.254'])
        expect(await lookUp(`${host}/a`)).toMatchObject({ state: 'unreachable' });
      expect(inside.requests).toEqual([]);
    } finally {
      await inside.close();
    }
  });
});
