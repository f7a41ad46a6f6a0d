// A server that dies is there again before anybody has to do anything, and nobody is told otherwise meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { honestAfterMs, killAndWatch } from './support/healing.ts';
import { NpmRegistry } from './support/npm-registry.ts';
import { openPlainStream } from './support/plain-stream.ts';
import { publishQuickPackage, quickPackage } from './support/quick-package.ts';
import { npmFrom, restOf, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { serverProcess } from './support/server-processes.ts';
import { noTraces, tracesOf } from './support/traces.ts';

let registry: NpmRegistry;
let server: RunningServer;
let rest: Rest;

beforeAll(async () => {
  registry = await NpmRegistry.start();
  await publishQuickPackage(registry);
  // Health is asked often, so that a hung server is found within the patience of a test.
  const env = { ...npmFrom(registry), HEALTH_INTERVAL_SECONDS: '1', HEALTH_TIMEOUT_SECONDS: '1' };
  server = await startServer({ env });
  rest = restOf(server.baseUrl);
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  await registry.close();
});

const shown = async (id: string) =>
  ((await rest.get(`/api/deployments/${id}`)).body as { deployment: Record<string, unknown> }).deployment;

describe('a killed server', () => {
  it('is replaced, five times in a row; the status is honest and /health stays healthy', async () => {
    await rest.register('killed', quickPackage);
    const { id } = await rest.deploy('killed');
    for (let count = 1; count <= 5; count += 1) {
      const { lies, unhealthy } = await killAndWatch({ rest, dataDir: server.dataDir, serverId: 'killed' });
      // Counted from the death: on a busy machine a process gets the time for dying as late as for anything else.
      const told = lies.filter(({ sinceDeathMs }) => sinceDeathMs > honestAfterMs);
      expect({ told, unhealthy }).toEqual({ told: [], unhealthy: 0 });
      expect(await shown(id)).toMatchObject({
        status: 'running',
        restarts: count,
        last_failure: { reason: 'signal', signal: 'SIGKILL' },
      });
    }
    await rest.stop('killed');
  });

  it('tells in events what happened', async () => {
    await rest.register('watched', quickPackage);
    const { id } = await rest.deploy('watched');
    const events = await openPlainStream(`${server.baseUrl}/api/events/deployments`);
    process.kill(await serverProcess(server.dataDir, id), 'SIGKILL');
    const told: object[] = [];
    while (!told.some((event) => 'status' in event && event.status === 'running'))
      for (const { data } of await events.take(1)) told.push(data as object);
    const statuses = told.filter((event) => 'status' in event);
    expect(statuses).toMatchObject([
      { status: 'restarting', previous_status: 'running', reason: null },
      { status: 'restarting', reason: 'signal', next_attempt_at: expect.any(String) as string },
      { status: 'running', previous_status: 'restarting' },
    ]);
    events.close();
    await rest.stop('watched');
  });
});

describe('a hung server', () => {
  it('is degraded, then restarted, and says why', async () => {
    await rest.register('hung', quickPackage);
    const { id } = await rest.deploy('hung');
    process.kill(await serverProcess(server.dataDir, id), 'SIGSTOP');
    const statuses = new Set<unknown>();
    await expect
      .poll(
        async () => {
          const deployment = await shown(id);
          statuses.add(deployment['status']);
          return deployment;
        },
        { timeout: 60_000, interval: 50 },
      )
      .toMatchObject({ status: 'running', restarts: 1, last_failure: { reason: 'unresponsive' } });
    expect([...statuses]).toContain('degraded');
    expect(await rest.textOf('hung', 'echo', { message: 'alive' })).toBe('alive');
    await rest.stop('hung');
  });
});

it('leaves nothing behind', async () => {
  expect(await tracesOf(server.dataDir)).toEqual(noTraces);
});
