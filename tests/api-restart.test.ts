// Our own end, wished for or not, changes nothing of what should run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NpmRegistry } from './support/npm-registry.ts';
import { publishQuickPackage } from './support/quick-package.ts';
import { allRunning, deployQuickServers, runningOf, wrongProcesses } from './support/quick-servers.ts';
import { npmFrom, restOf } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { noTraces, tracesOf } from './support/traces.ts';

let folder: string;
let registry: NpmRegistry;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insightloop-restart-'));
  registry = await NpmRegistry.start();
  await publishQuickPackage(registry);
  server = await start();
  await deployQuickServers(restOf(server.baseUrl), 2);
});
afterAll(async () => {
  await server.stop();
  expect(await tracesOf(join(folder, 'data'))).toEqual(noTraces);
  await registry.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
});

const start = (): Promise<RunningServer> =>
  startServer({ dataDir: join(folder, 'data'), env: npmFrom(registry) });

/** Against hanging only. */
const patienceMs = 60_000;

async function expectAllAsBefore(): Promise<void> {
  const rest = restOf(server.baseUrl);
  const running = await allRunning(rest, 2, patienceMs);
  expect(running.map(({ id }) => id).toSorted()).toEqual(['quick-0', 'quick-1']);
  expect(await wrongProcesses(server.dataDir, running)).toEqual([]);
  for (const { id } of running) expect(await rest.textOf(id, 'echo', { message: id })).toBe(id);
}

describe('what runs', () => {
  it.each(['first', 'second'])('runs again, once, after the %s kill -9 of ours', async () => {
    await server.kill();
    server = await start();
    await expectAllAsBefore();
  });

  it('ends within 10 s of SIGTERM, with nothing left, and runs again after the next start', async () => {
    const beginMs = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - beginMs).toBeLessThan(10_000);
    expect(await tracesOf(server.dataDir)).toEqual(noTraces);
    server = await start();
    await expectAllAsBefore();
  });

  it('and was stopped stays stopped', async () => {
    await restOf(server.baseUrl).stop('quick-0');
    await server.kill();
    server = await start();
    const rest = restOf(server.baseUrl);
    const running = await allRunning(rest, 1, patienceMs);
    expect(running.map(({ id }) => id)).toEqual(['quick-1']);
    expect(await wrongProcesses(server.dataDir, running)).toEqual([]);
    await rest.post('/api/servers/quick-0/restart');
    await allRunning(rest, 2, patienceMs);
    expect((await runningOf(rest)).length).toBe(2);
  });
});
