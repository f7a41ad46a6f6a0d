// The runtimes for packages that run as processes of this machine: npx and uvx, without either of the two.
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import {
  deploymentFailed,
  deploymentUnavailable,
  invalidConfiguration,
  type Clock,
  type LaunchPlan,
  type McpEndpoint,
  type Prepared,
  type ProcessRecord,
  type Runtime,
  type Sandbox,
  type SandboxedProcess,
  type Workload,
  type WorkloadRecord,
} from '@insightloop/core';
import { z } from 'zod';
import { createLineReader } from './output-lines.ts';
import { createOutputRing, type OutputRing } from './output-lines-ring.ts';
import type { PackageInstaller } from './package-installer.ts';
import type { InstalledPackage, PackageStore } from './package-store.ts';

export interface ProcessRuntimeOptions {
  method: 'npx' | 'uvx';
  installer: PackageInstaller;
  store: Pick<PackageStore, 'find' | 'touch'>;
  sandbox: Sandbox;
  clock: Pick<Clock, 'now'>;
  /** Told when an installation is used by one process more or less. */
  onUse(id: string, change: 1 | -1): void;
}

export const createProcessRuntime = (options: ProcessRuntimeOptions): Runtime => {
  const { method, installer, store, sandbox } = options;
  const running = new Map<string, SandboxedProcess>();
  return {
    method,

    async available() {
      const found = await installer.available();
      if (!found.ok) return found;
      const { isolation, reason } = await sandbox.available();
      return {
        ok: true,
        detail: reason === null ? `isolation: ${isolation}` : `isolation: ${isolation} (${reason})`,
      };
    },

    async prepare(plan, { signal, onProgress }) {
      signal.throwIfAborted();
      requirePort(plan);
      await requireIsolation(sandbox, plan);
      const { identifier: name, version, digest, allowScripts, allowUnisolated } = plan;
      const request = { name, version, digest, allowScripts, allowUnisolated };
      const installed = await installer.install(request, { signal, onProgress });
      // Now, while the caller waits for an answer about this package.
      await installer.program(installed, plan.bin);
      return {
        plan: { ...plan, version: installed.version, digest: installed.digest },
        resolvedVersion: installed.version,
        digest: installed.digest,
        artifact: { install: installed.id },
      };
    },

    async start(prepared, signal) {
      signal.throwIfAborted();
      const installed = await requireInstalled(store, prepared);
      const { plan } = prepared;
      requirePort(plan);
      const program = await installer.program(installed, plan.bin);
      await store.touch(installed.id);
      const child = await sandbox.start(
        {
          deploymentId: plan.deploymentId,
          command: [...program.command, ...plan.args],
          environment: { ...(plan.port === null ? {} : { PORT: String(plan.port) }), ...plan.environment },
          limits: plan.limits,
          mounts: plan.mounts,
          readOnly: [installed.folder, ...program.readOnly],
          allowUnisolated: plan.allowUnisolated,
        },
        signal,
      );
      const key = keyOf(child.record);
      running.set(key, child);
      options.onUse(installed.id, 1);
      void child.exited.then(() => {
        running.delete(key);
        options.onUse(installed.id, -1);
      });
      return workloadOf(child, plan, options);
    },

    // Its pipes died with us: it can only be ended and started anew.
    adopt: () => Promise.resolve(null),
    async owned() {
      return (await sandbox.owned()).map((record) => recordOf(record, method));
    },
    async sweep(record) {
      const parsed = handle.safeParse(record.handle);
      if (!parsed.success) return;
      const found = processOf(record, parsed.data);
      // The sandbox sweeps what earlier lives left; this one's end as all others do.
      await (running.get(keyOf(found))?.stop(0) ?? sandbox.sweep(found));
    },
  };
};

const requirePort = ({ transport, port }: LaunchPlan): void => {
  if (transport !== 'stdio' && port === null)
    throw invalidConfiguration(`A ${transport} server needs a port.`);
};

const requireIsolation = async (sandbox: Sandbox, plan: LaunchPlan): Promise<void> => {
  if (plan.allowUnisolated) return;
  const { isolation, reason } = await sandbox.available();
  if (isolation !== 'none') return;
  throw deploymentUnavailable(
    `This machine cannot isolate processes${reason === null ? '' : `: ${reason}`}. ` +
      'Deploy with docker, or allow it with configuration.security.allow_unisolated.',
    { isolation },
  );
};

const requireInstalled = async (
  store: ProcessRuntimeOptions['store'],
  { plan, resolvedVersion }: Prepared,
): Promise<InstalledPackage> => {
  const { identifier: name, allowScripts } = plan;
  const found =
    resolvedVersion === null ? null : await store.find({ name, version: resolvedVersion, allowScripts });
  if (found !== null) return found;
  throw deploymentFailed(
    `The installation of ${name}@${resolvedVersion ?? 'latest'} is gone; it must be prepared again.`,
  );
};

const workloadOf = (child: SandboxedProcess, plan: LaunchPlan, options: ProcessRuntimeOptions): Workload => {
  const isStdio = plan.transport === 'stdio';
  const ring = createOutputRing();
  const streams = isStdio ? (['stderr'] as const) : (['stdout', 'stderr'] as const);
  const read = streams.map((name) => readLines(child[name], { name, ring, clock: options.clock }));
  void Promise.all(read).then(() => ring.end());
  // A pipe breaks when the process ends, which `exited` tells; without a listener it would end us too.
  for (const stream of [child.stdin, child.stdout]) stream.on('error', () => {});
  let over = false;
  void child.exited.then(() => (over = true));
  return {
    record: recordOf(child.record, options.method),
    endpoint: endpointOf(child, plan),
    isolation: child.isolation,
    enforced: child.enforced,
    containerId: null,
    exited: child.exited,
    logs: () => ring.read(),
    stop: (graceMs) => child.stop(graceMs),
    async stats() {
      if (over) return null;
      const { memoryBytes, cpuSeconds } = await child.stats();
      return {
        memoryBytes,
        memoryLimitBytes: plan.limits.memoryBytes,
        cpuSeconds,
        cpuLimit: child.enforced.cpu ? plan.limits.cpus : null,
      };
    },
  };
};

interface LineTarget {
  name: 'stdout' | 'stderr';
  ring: OutputRing;
  clock: Pick<Clock, 'now'>;
}

/** Reads all the time, whether the lines are wanted or not: a full pipe would stop the server. */
const readLines = async (stream: Readable, { name, ring, clock }: LineTarget): Promise<void> => {
  const reader = createLineReader((text) =>
    ring.write({ timestamp: new Date(clock.now()), stream: name, text }),
  );
  stream.on('data', (chunk: Buffer) => reader.push(chunk));
  await finished(stream, { writable: false }).catch(() => {});
  reader.end();
};

const endpointOf = (child: SandboxedProcess, { transport, port, path }: LaunchPlan): McpEndpoint => {
  if (transport === 'stdio') return { transport, stdin: child.stdin, stdout: child.stdout };
  return {
    transport,
    url: `http://127.0.0.1:${port ?? 0}${path ?? (transport === 'sse' ? '/sse' : '/mcp')}`,
    isOurs: true,
  };
};

const handle = z.object({
  pid: z.number(),
  start_time: z.string(),
  boot_id: z.string(),
  cgroup: z.string().nullable(),
  uid: z.number().nullable(),
});

const recordOf = (record: ProcessRecord, method: WorkloadRecord['method']): WorkloadRecord => {
  const { deploymentId, instanceId, pid, startTime, bootId, cgroup, uid } = record;
  return {
    method,
    deploymentId,
    instanceId,
    handle: { pid, start_time: startTime, boot_id: bootId, cgroup, uid },
  };
};

const keyOf = ({ deploymentId, pid, startTime }: ProcessRecord): string =>
  `${deploymentId}/${pid}/${startTime}`;

const processOf = (record: WorkloadRecord, found: z.infer<typeof handle>): ProcessRecord => {
  const { deploymentId, instanceId } = record;
  const { pid, start_time: startTime, boot_id: bootId, cgroup, uid } = found;
  return { deploymentId, instanceId, pid, startTime, bootId, cgroup, uid };
};
