// Deploying and stopping over and over: each cycle leaves what it found. bench/deploy-cycles.ts does it 200 times.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NpmRegistry } from './support/npm-registry.ts';
import { npmFrom, restOf, type Rest } from './support/rest.ts';
import { startServer, type RunningServer } from './support/running-server.ts';
import { publishTestPackage } from './support/test-packages.ts';
import { noTraces, tracesOf } from './support/traces.ts';

let folder: string;
let registry: NpmRegistry;
let server: RunningServer;
let rest: Rest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-cycles-'));
  registry = await NpmRegistry.start();
  await publishTestPackage(registry, 'ill-behaved-package');
  server = await startServer({ dataDir: join(folder, 'data'), env: npmFrom(registry) });
  rest = restOf(server.baseUrl);
  await rest.register('cycled', 'ill-behaved-package');
});
afterAll(async () => {
  await server.stop();
  await registry.close();
  await rm(folder, { recursive: true });
});

const cycle = async (): Promise<void> => {
  await rest.deploy('cycled');
  expect(await rest.textOf('cycled', 'echo', { message: 'hello' })).toBe('hello');
  expect(await rest.stop('cycled')).toMatchObject({ status: 200 });
  expect(await tracesOf(server.dataDir)).toEqual(noTraces);
};

const descriptors = async (): Promise<string[]> => readdir(`/proc/${server.pid}/fd`);

it('leaves no process, no folder and no descriptor', async () => {
  // The first cycles open what stays open: connections to the database, the thread pool.
  for (let count = 0; count < 3; count += 1) await cycle();
  const before = (await descriptors()).length;
  for (let count = 0; count < 15; count += 1) await cycle();
  // One that leaked in each cycle would be fifteen; a connection more or less is the pool's.
  await expect
    .poll(async () => (await descriptors()).length, { timeout: 20_000 })
    .toBeLessThanOrEqual(before + 5);
  expect((await rest.get('/api/deployments')).body).toMatchObject({ total: 18 });
}, 240_000);
