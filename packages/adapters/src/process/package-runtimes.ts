// Puts the process runtimes together: npx and uvx in one folder, over one sandbox, with shared limits.
import { join } from 'node:path';
import {
  createSlots,
  type Clock,
  type Prepared,
  type ResourceLimits,
  type Runtime,
  type Sandbox,
} from '@insightloop/core';
import { createNpmSource } from './npm-source.ts';
import type { Variables } from './npm-settings.ts';
import type { RunBoxed } from './package-box.ts';
import { trimCache } from './package-cache.ts';
import { createPackageInstaller, type PackageSource } from './package-installer.ts';
import { createPackageStore } from './package-store.ts';
import { createProcessRuntime } from './runtime.ts';
import { createUvSource } from './uvx-source.ts';

export interface ProcessRuntimesOptions {
  /** For installations and caches; ours alone, and one process at a time uses it. */
  folder: string;
  /** The operator's: PATH and HOME lead to npm, uv and their settings. None of it reaches a server. */
  environment: Variables;
  sandbox: Sandbox;
  runBoxed: RunBoxed;
  clock: Pick<Clock, 'now'>;
  /** The Node that runs npm and the servers; must be readable in a box. Default: ours. */
  nodePath?: string;
  /** Of one installation, without the wait for its turn. Default: 10 minutes. */
  installTimeoutMs?: number;
  /** Default: 2. */
  maxInstalls?: number;
  /** Default: 2 GiB of memory, 2 cores, 512 processes, 4 GiB of disk. */
  installLimits?: ResourceLimits;
  /** After so long without a start an installation may be removed. Default: 14 days. */
  unusedAfterMs?: number;
  /** Of each download cache. Default: 4 GiB. */
  maxCacheBytes?: number;
}

export interface ProcessRuntimes {
  npx: Runtime;
  uvx: Runtime;
  /**
   * Removes installations that were unused for long, and trims the caches; neither what runs nor what `inUse` was
   * made from is touched. Call it at the start and once a day. Returns how many installations went.
   */
  sweepInstalls(inUse: readonly Pick<Prepared, 'artifact'>[]): Promise<number>;
}

const gibibyte = 1024 ** 3;
const dayMs = 24 * 60 * 60 * 1000;

export const createProcessRuntimes = (options: ProcessRuntimesOptions): ProcessRuntimes => {
  const { folder, environment, sandbox, runBoxed, clock, nodePath = process.execPath } = options;
  const timeoutMs = options.installTimeoutMs ?? 10 * 60 * 1000;
  const limits = options.installLimits ?? {
    memoryBytes: 2 * gibibyte,
    cpus: 2,
    pids: 512,
    diskBytes: 4 * gibibyte,
  };
  const unusedAfterMs = options.unusedAfterMs ?? 14 * dayMs;
  const slots = createSlots(options.maxInstalls ?? 2);
  // How many processes run from each installation.
  const uses = new Map<string, number>();

  const build = (method: 'npx' | 'uvx', source: PackageSource) => {
    const store = createPackageStore({ folder: join(folder, method), unusedAfterMs, clock });
    const installer = createPackageInstaller({ source, store, runBoxed, slots, timeoutMs, limits });
    const onUse = (id: string, change: 1 | -1): void => {
      const left = (uses.get(id) ?? 0) + change;
      if (left > 0) uses.set(id, left);
      else uses.delete(id);
    };
    return { store, runtime: createProcessRuntime({ method, installer, store, sandbox, clock, onUse }) };
  };

  const npmCache = join(folder, 'npm-cache');
  const uvCache = join(folder, 'uv-cache');
  const npx = build(
    'npx',
    createNpmSource({ environment, nodePath, cacheFolder: npmCache, installTimeoutMs: timeoutMs }),
  );
  const uvx = build(
    'uvx',
    createUvSource({ environment, cacheFolder: uvCache, pythonFolder: join(folder, 'uv-python') }),
  );

  return {
    npx: npx.runtime,
    // One of the two speaks for the sandbox that they share, or everything would be owned twice.
    uvx: { ...uvx.runtime, owned: () => Promise.resolve([]) },
    async sweepInstalls(inUse) {
      const kept = new Set([...uses.keys(), ...inUse.flatMap(({ artifact }) => artifact['install'] ?? [])]);
      const removed = (await npx.store.sweep(kept)) + (await uvx.store.sweep(kept));
      const maxBytes = options.maxCacheBytes ?? 4 * gibibyte;
      await trimCache(npmCache, maxBytes, npx.store);
      await trimCache(uvCache, maxBytes, uvx.store);
      return removed;
    },
  };
};
