// Measures our own crash: kill -9 of the API with 10 deployments 20 times, and how soon all of them run again, once each.
//
//   node bench/api-crash.ts [kills] [deployments]
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { publishQuickPackage } from '../tests/support/quick-package.ts';
import { allRunning, deployQuickServers, wrongProcesses } from '../tests/support/quick-servers.ts';
import { npmFrom, restOf } from '../tests/support/rest.ts';
import { startServer } from '../tests/support/running-server.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const kills = Number(process.argv[2] ?? 20);
const deployments = Number(process.argv[3] ?? 10);
const giveUpMs = 120_000;

const folder = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
const registry = await NpmRegistry.start();
await publishQuickPackage(registry);
const start = () => startServer({ dataDir: join(folder, 'data'), env: npmFrom(registry) });

const readyMs: number[] = [];
const runningMs: number[] = [];
const loads: number[] = [];
const wrong: string[] = [];
let server = await start();
try {
  await deployQuickServers(restOf(server.baseUrl), deployments);
  for (let count = 0; count < kills; count += 1) {
    await server.kill();
    const beginMs = performance.now();
    server = await start();
    readyMs.push(performance.now() - beginMs);
    const rest = restOf(server.baseUrl);
    const running = await allRunning(rest, deployments, giveUpMs);
    runningMs.push(performance.now() - beginMs);
    wrong.push(...(await wrongProcesses(server.dataDir, running)));
    for (const { id } of running) {
      const { status } = await rest.call(id, 'echo', { message: 'alive' });
      if (status !== 200) wrong.push(`${id} answers ${status}`);
    }
    loads.push(loadavg()[0] ?? 0);
  }
} finally {
  await server.stop();
  await registry.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
}

const figures = (all: readonly number[]) => ({
  'median ms': Math.round(median(all)),
  'worst ms': Math.round(Math.max(...all)),
});
console.log(
  `${machineLine()}, load ${median(loads).toFixed(1)}\n${kills} times kill -9 with ${deployments} deployments; times since the new start`,
);
printTable({ ready: figures(readyMs), 'all deployments run': figures(runningMs) });
for (const what of wrong) console.log(`  ${what}`);
judge(`ready within 5 s: ${Math.round(Math.max(...readyMs))} ms at worst`, Math.max(...readyMs) < 5000);
judge(
  `all run within 10 s: ${Math.round(Math.max(...runningMs))} ms at worst`,
  Math.max(...runningMs) < 10_000,
);
judge('each runs once, and there is no orphan', wrong.length === 0);
