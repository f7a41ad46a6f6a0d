// The runtime of remote servers: nothing is run by us, only the address is kept.
import type { Runtime, Workload } from './runtime.ts';
import type { ExitReason } from './sandbox.ts';

/** Reached through the guard of remote hosts, which judges the address at each connection. */
export function createRemoteRuntime(instanceId: string): Runtime {
  return {
    method: 'remote',
    available: () => Promise.resolve({ ok: true }),
    prepare: (plan) => Promise.resolve({ plan, resolvedVersion: null, digest: null, artifact: {} }),
    start: ({ plan }) => Promise.resolve(remoteWorkload({ ...plan, instanceId })),
    adopt: () => Promise.resolve(null),
    owned: () => Promise.resolve([]),
    sweep: () => Promise.resolve(),
  };
}

const noLines: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

interface RemotePlan {
  deploymentId: string;
  identifier: string;
  transport: 'stdio' | 'streamable-http' | 'sse';
  instanceId: string;
}

function remoteWorkload({ deploymentId, identifier, transport, instanceId }: RemotePlan): Workload {
  const { promise: exited, resolve: end } = Promise.withResolvers<ExitReason>();
  return {
    record: { method: 'remote', deploymentId, instanceId, handle: {} },
    endpoint: { transport: transport === 'sse' ? 'sse' : 'streamable-http', url: identifier },
    isolation: 'remote',
    enforced: null,
    containerId: null,
    // Its log is its own affair.
    logs: () => noLines,
    stats: () => Promise.resolve(null),
    stop: () => {
      end({ kind: 'stopped' });
      return Promise.resolve();
    },
    exited,
  };
}
