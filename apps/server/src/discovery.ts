// What discovery reaches outside: GitHub, the official MCP registry, the registries of packages and images.
import { createGitHub } from '@insightloop/adapters/github';
import { createHttpReader } from '@insightloop/adapters/http';
import { createMcpRegistry } from '@insightloop/adapters/mcp-registry';
import type { GuardedNetwork } from '@insightloop/adapters/network';
import { createPackageRegistry } from '@insightloop/adapters/package-registry';
import { createNpmLookUp } from '@insightloop/adapters/process';
import type { CodeHost, DiscoveryTimes, HttpCache, McpRegistry, PackageRegistry } from '@insightloop/core';
import { join } from 'node:path';
import type { Settings } from './env.ts';
import { systemClock } from './machine.ts';

export interface DiscoveryReach {
  codeHost: CodeHost;
  mcpRegistry: McpRegistry;
  packageRegistry: PackageRegistry;
  discoveryTimes: DiscoveryTimes;
}

const minuteMs = 60_000;

export function createDiscoveryReach(
  settings: Settings,
  { cache, network }: { cache: HttpCache; network: Pick<GuardedNetwork, 'fetch'> },
): DiscoveryReach {
  const http = createHttpReader();
  const { discoveryCacheMs, discoveryRefreshMs } = settings;
  return {
    codeHost: createGitHub({
      http,
      cache,
      clock: systemClock,
      token: settings.githubToken,
      freshMs: discoveryCacheMs,
      ...(settings.githubApiUrl !== null && { apiUrl: settings.githubApiUrl }),
      ...(settings.githubRawUrl !== null && { rawUrl: settings.githubRawUrl }),
    }),
    mcpRegistry: createMcpRegistry({
      http,
      ...(settings.mcpRegistryUrl !== null && { url: settings.mcpRegistryUrl }),
    }),
    packageRegistry: createPackageRegistry({
      http,
      guardedHttp: createHttpReader({ fetch: network.fetch }),
      askNpm: createNpmLookUp({
        environment: settings.installerEnvironment,
        cacheFolder: join(settings.dataDir, 'npm-look-ups'),
      }),
      ...(settings.pypiUrl !== null && { pypiUrl: settings.pypiUrl }),
    }),
    discoveryTimes: {
      listPatienceMs: 10_000,
      detailsPatienceMs: 30_000,
      factsFreshMs: discoveryCacheMs,
      verifiedFreshMs: discoveryRefreshMs,
      refreshIntervalMs: 15 * minuteMs,
      refreshAfterMs: discoveryRefreshMs,
    },
  };
}
