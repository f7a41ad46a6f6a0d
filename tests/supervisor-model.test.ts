// The same promises as in core's model of the supervisor, kept with real processes: never two, none left, and in the end
// what was wished for.
import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NpmRegistry } from './support/npm-registry.ts';
import { publishQuickPackage, quickPackage } from './support/quick-package.ts';
import { runningOf, wrongProcesses } from './support/quick-servers.ts';
import { npmFrom, restOf, type Answer } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { serverProcesses } from './support/server-processes.ts';
import { noTraces, tracesOf } from './support/traces.ts';

const servers = ['a', 'b'] as const;

type Action =
  | { do: 'deploy' | 'stop' | 'restart' | 'SIGKILL' | 'SIGSTOP'; server: (typeof servers)[number] }
  | { do: 'killed' | 'terminated' }
  | { do: 'wait'; ms: number };

const server = fc.constantFrom(...servers);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('deploy', 'stop', 'restart'), server }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('SIGKILL', 'SIGSTOP'), server }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('killed', 'terminated') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(1, 50, 300, 1_000) }) },
);

let folder: string;
let registry: NpmRegistry;
let service: RunningServer;

const start = (): Promise<RunningServer> =>
  startServer({
    dataDir: join(folder, 'data'),
    env: {
      ...npmFrom(registry),
      HEALTH_INTERVAL_SECONDS: '1',
      HEALTH_TIMEOUT_SECONDS: '1',
      STOP_GRACE_SECONDS: '1',
    },
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insightloop-model-'));
  registry = await NpmRegistry.start();
  await publishQuickPackage(registry);
  service = await start();
  for (const id of servers) await restOf(service.baseUrl).register(id, quickPackage);
});
afterAll(async () => {
  await service.stop();
  expect(await tracesOf(join(folder, 'data'))).toEqual(noTraces);
  await registry.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
});

/** What was asked for is not waited for: the next thing may come before it is done. */
const asked = new Set<Promise<void>>();
const problems: string[] = [];
const expected = new Set([200, 201, 202, 409]);

function ask(work: Promise<Answer>): void {
  const asking = work.then(
    ({ status, body }) => {
      if (!expected.has(status)) problems.push(`${status} ${JSON.stringify(body)}`);
    },
    // The service itself was ended meanwhile.
    () => undefined,
  );
  const tracked: Promise<void> = asking.finally(() => asked.delete(tracked));
  asked.add(tracked);
}

async function perform(next: Action): Promise<void> {
  const rest = restOf(service.baseUrl);
  switch (next.do) {
    case 'deploy':
      return ask(rest.post(`/api/deploy/${next.server}`, { async: true }));
    case 'stop':
    case 'restart':
      return ask(rest.post(`/api/servers/${next.server}/${next.do}`));
    case 'SIGKILL':
    case 'SIGSTOP': {
      const found = (await runningOf(rest)).find(({ id }) => id === next.server);
      const processes = await serverProcesses(service.dataDir);
      for (const pid of processes.get(found?.deployment_id ?? '') ?? []) signal(pid, next.do);
      return;
    }
    case 'killed':
    case 'terminated':
      await (next.do === 'killed' ? service.kill() : service.stop());
      service = await start();
      return;
    case 'wait':
      await sleep(next.ms);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** Against hanging only. */
const patience = { timeout: 60_000, interval: 100 };

async function live(actions: Action[]): Promise<void> {
  for (const next of actions) await perform(next);
  await Promise.all(asked);
  const rest = restOf(service.baseUrl);
  // Whatever it has come to: one is wished for, the other is not.
  const wished = await rest.post('/api/servers/a/restart');
  if (wished.status >= 400) expect((await rest.post('/api/deploy/a', { async: true })).status).toBe(202);
  await rest.post('/api/servers/b/stop');
  await expect
    .poll(async () => (await runningOf(rest)).map(({ id, status }) => `${id} ${status}`), patience)
    .toEqual(['a running']);
  const running = await runningOf(rest);
  expect(await wrongProcesses(service.dataDir, running)).toEqual([]);
  expect(await rest.textOf('a', 'echo', { message: 'alive' })).toBe('alive');
  const { deployments } = (await rest.get('/api/deployments?limit=100')).body as {
    deployments: { id: string; status: string }[];
  };
  const unsettled = deployments.filter(({ status }) => status !== 'stopped' && status !== 'failed');
  expect(unsettled.map(({ id }) => id)).toEqual(running.map(({ deployment_id }) => deployment_id));
  expect(problems).toEqual([]);
}

it('keeps its promises with real processes', { timeout: 600_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 12 }), live), {
    numRuns: 4,
    // Each run is a minute of real life: the first counterexample is told as it is.
    endOnFailure: true,
  });
});
