// Discovery over fakes: what is waited for, what goes on without a caller, and what ends with the process.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aServer } from '../testing/deployment-site.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeCodeHost } from '../testing/fake-code-host.ts';
import { FakeMcpRegistry } from '../testing/fake-mcp-registry.ts';
import { FakePackageRegistry } from '../testing/fake-package-registry.ts';
import { MemoryDiscoveryStore } from '../testing/memory-discovery-store.ts';
import { MemoryServerStore } from '../testing/memory-server-store.ts';
import { discoverRequest } from './discover-request.ts';
import { createDiscovery } from './discovery.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const signal = new AbortController().signal;

function openSite() {
  const clock = new FakeClock();
  const codeHost = new FakeCodeHost();
  const mcpRegistry = new FakeMcpRegistry();
  const packageRegistry = new FakePackageRegistry();
  const serverStore = new MemoryServerStore();
  const discoveryStore = new MemoryDiscoveryStore(serverStore);
  const logged: string[] = [];
  const log = (_fields: object, message: string): void => void logged.push(message);
  const { discovery, keeper } = createDiscovery({
    codeHost,
    mcpRegistry,
    packageRegistry,
    serverStore,
    discoveryStore,
    clock,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
    logger: { debug: log, info: log, warn: log, error: log },
    discoveryTimes: {
      listPatienceMs: 10_000,
      detailsPatienceMs: 10_000,
      factsFreshMs: 5 * minuteMs,
      verifiedFreshMs: 24 * hourMs,
      refreshIntervalMs: 15 * minuteMs,
      refreshAfterMs: 24 * hourMs,
    },
  });
  const callsOf = (call: string): number => codeHost.calls.filter((made) => made.call === call).length;
  const add = (fullName: string, packageName: string, pushedAt = new Date(0)): void => {
    codeHost.add({
      full_name: fullName,
      topics: ['mcp-server'],
      pushed_at: pushedAt,
      files: {
        'README.md': `# It\n\nAn MCP server.\n\n\`\`\`sh\nnpx -y ${packageName}\n\`\`\`\n`,
        'package.json': JSON.stringify({
          name: packageName,
          bin: 'x',
          dependencies: { '@modelcontextprotocol/sdk': '1' },
        }),
      },
    });
    packageRegistry.publish({
      method: 'npx',
      identifier: packageName,
      version: '1.0.0',
      repository: `https://github.com/${fullName}`,
    });
  };
  const discover = (request: object = {}) => discovery.discover(discoverRequest.parse(request), signal);
  return {
    clock,
    codeHost,
    mcpRegistry,
    packageRegistry,
    serverStore,
    discoveryStore,
    logged,
    discovery,
    keeper,
    callsOf,
    add,
    discover,
  };
}

describe('a listing', () => {
  it('does not wait for ever: what is late is listed as far as it is known, and comes with the next', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    const held = Promise.withResolvers<void>();
    const files = site.codeHost.files.bind(site.codeHost);
    site.codeHost.files = async (...args) => {
      await held.promise;
      return files(...args);
    };
    const listing = site.discover();
    for (let n = 0; n < 50; n += 1) await Promise.resolve();
    await site.clock.advance(10_000);
    const { servers, warnings } = await listing;
    expect(servers).toMatchObject([{ id: 'acme-tool', methods: [] }]);
    expect(warnings.join()).toContain('could not be read');
    held.resolve();
    await expect.poll(async () => (await site.discover()).servers[0]?.methods).toEqual(['npx']);
    await site.keeper.close();
  });

  it('reads each repository once, however many ask at once', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    const listings = await Promise.all(Array.from({ length: 10 }, () => site.discover()));
    expect(new Set(listings.map(({ servers }) => servers.map(({ id }) => id).join())).size).toBe(1);
    expect(site.callsOf('files')).toBe(1);
  });

  it('has the operator’s own servers as extras, where they fit', async () => {
    const site = openSite();
    await site.serverStore.insert(aServer('weather-of-ours', { source: 'registered', name: 'Weather' }));
    await site.serverStore.insert(aServer('other', { source: 'catalog' }));
    expect(await site.discover({ query: 'weather' })).toMatchObject({
      servers: [{ id: 'weather-of-ours', source: 'registered' }],
      total: 0,
      extra: 1,
    });
    expect((await site.discover({ query: 'weather', sources: ['github'] })).servers).toEqual([]);
    expect((await site.discover({ filters: { min_stars: 1 } })).servers).toEqual([]);
  });

  it('shows the registry alone, when it is asked alone', async () => {
    const site = openSite();
    for (const name of ['io.github.a/one', 'com.example/two'])
      site.mcpRegistry.publish({
        name,
        version: '1.0.0',
        repository: { url: `https://github.com/a/${name.slice(-3)}` },
      });
    const found = await site.discover({ sources: ['registry'] });
    expect(found).toMatchObject({ total: 2, extra: 0, has_more: false });
    expect(found.servers.map(({ id, github_url }) => [id, github_url])).toEqual([
      ['com.example-two', null],
      ['a-one', 'https://github.com/a/one'],
    ]);
  });
});

describe('details', () => {
  it('are verified once, and again when that is long ago', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    await site.discover();
    const first = await site.discovery.details('acme-tool', signal);
    expect(first.configuration.launch).toMatchObject([{ verified: true, version: '1.0.0' }]);
    await site.discovery.details('acme-tool', signal);
    expect(site.packageRegistry.requests).toHaveLength(1);
    site.packageRegistry.publish({
      method: 'npx',
      identifier: 'acme-tool',
      version: '1.1.0',
      repository: 'https://github.com/evil/tool',
    });
    await site.clock.advance(25 * hourMs);
    const later = await site.discovery.details('acme-tool', signal);
    expect(site.packageRegistry.requests).toHaveLength(2);
    expect(later.configuration.launch).toMatchObject([{ version: '1.0.0', verified: true }]);
  });

  it('answer what is known where nobody else answers', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    await site.discover();
    site.codeHost.failWith('limited', 60);
    site.mcpRegistry.failWith('unreachable');
    site.packageRegistry.disconnect('no network');
    expect((await site.discovery.details('acme-tool', signal)).configuration.launch).toMatchObject([
      { identifier: 'acme-tool', verified: null },
    ]);
    expect((await site.discovery.launchable('acme-tool', signal))?.launch[0]?.verified).toBeNull();
  });

  it('lose their verification when the repository stops naming the package', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    await site.discover();
    await site.discovery.details('acme-tool', signal);
    site.codeHost.add({
      full_name: 'acme/tool',
      topics: ['mcp-server'],
      pushed_at: new Date(5),
      files: { 'README.md': '# It\n\nAn MCP server.\n\n```sh\nnpx -y acme-tool\n```\n' },
    });
    await site.clock.advance(10 * minuteMs);
    expect((await site.discovery.launchable('acme-tool', signal))?.launch).toMatchObject([
      { identifier: 'acme-tool', verified: false },
    ]);
  });
});

describe('the background', () => {
  it('looks again at what nobody asked for, and ends with the process', async () => {
    const site = openSite();
    site.add('acme/tool', 'acme-tool');
    await site.discover();
    site.keeper.begin();
    await site.clock.advance(15 * minuteMs);
    expect(site.callsOf('repository')).toBe(0);
    await site.clock.advance(25 * hourMs);
    await expect.poll(() => site.callsOf('repository')).toBeGreaterThan(0);
    await expect.poll(async () => (await site.discoveryStore.find('acme-tool'))?.finding.depth).toBe('deep');
    await site.keeper.close();
    const calls = site.codeHost.calls.length;
    await site.clock.advance(72 * hourMs);
    expect(site.codeHost.calls).toHaveLength(calls);
  });
});
