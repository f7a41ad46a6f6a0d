// Measures wear: 2,000 crashes and restarts over 10 servers, and whether memory, descriptors and connections of ours grow.
//
//   node bench/crash-cycles.ts [cycles] [servers]
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { publishQuickPackage } from '../tests/support/quick-package.ts';
import { deployQuickServers, runningOf, wrongProcesses } from '../tests/support/quick-servers.ts';
import { npmFrom, restOf } from '../tests/support/rest.ts';
import { startServer, type RunningServer } from '../tests/support/running-server.ts';
import { serverProcesses } from '../tests/support/server-processes.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from './support/api-process.ts';
import { liveMemoryOptions, liveMiBOf } from './support/live-memory.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const cycles = Number(process.argv[2] ?? 2000);
const servers = Number(process.argv[3] ?? 10);
const rounds = Math.ceil(cycles / servers);
const giveUpMs = 120_000;

interface Sample {
  /** After a collection: what is held, and not how lazy the collector is. */
  liveMiB: number;
  residentMiB: number;
  descriptors: number;
  connections: number;
  zombies: number;
}

async function sampleOf(service: RunningServer): Promise<Sample> {
  const { pid } = service;
  const family = [pid, ...(await descendantsOf(pid))];
  const [status, descriptors] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
  ]);
  const commands = await Promise.all(
    family.map((each) => readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')),
  );
  const stats = await Promise.all(
    family.map((each) => readFile(`/proc/${each}/stat`, 'utf8').catch(() => '')),
  );
  return {
    liveMiB: await liveMiBOf(service),
    residentMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024,
    descriptors: descriptors.length,
    // A backend of PostgreSQL names itself after its client.
    connections: commands.filter((command) => /^postgres: .*\[local\]/.test(command)).length,
    zombies: stats.filter((stat) => stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')).length,
  };
}

const folder = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
const registry = await NpmRegistry.start();
await publishQuickPackage(registry);
const server = await startServer({
  dataDir: join(folder, 'data'),
  env: { ...npmFrom(registry), NODE_OPTIONS: liveMemoryOptions },
});
const rest = restOf(server.baseUrl);
const samples: Sample[] = [];
const loads: number[] = [];
const wrong: string[] = [];
let crashes = 0;
const beginMs = performance.now();

/** All of them have been restarted so often, and run. */
async function restarted(times: number): Promise<void> {
  const deadlineMs = performance.now() + giveUpMs;
  for (;;) {
    const running = await runningOf(rest);
    if (
      running.length === servers &&
      running.every(({ status, restarts }) => status === 'running' && restarts >= times)
    )
      return;
    if (performance.now() > deadlineMs) throw new Error(`not restarted: ${JSON.stringify(running)}`);
    await sleep(30);
  }
}

try {
  const ids = await deployQuickServers(rest, servers);
  for (let round = 1; round <= rounds; round += 1) {
    // One that has answered somebody is replaced at once, so the cycles need not wait for the policy.
    for (const id of ids) await rest.call(id, 'echo', { message: 'alive' });
    for (const pids of (await serverProcesses(server.dataDir)).values())
      for (const pid of pids) {
        process.kill(pid, 'SIGKILL');
        crashes += 1;
      }
    await restarted(round);
    samples.push(await sampleOf(server));
    loads.push(loadavg()[0] ?? 0);
    if (round % 20 === 0) console.log(`${crashes} crashes`, samples.at(-1));
  }
  wrong.push(...(await wrongProcesses(server.dataDir, await runningOf(rest))));
} finally {
  await server.stop();
  await registry.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 50 });
}

/** After a first part in which caches and pools fill. */
const quarter = (number: number): Sample[] =>
  samples.slice(Math.floor(((number - 1) * samples.length) / 4), Math.floor((number * samples.length) / 4));
const of = (part: Sample[], figure: keyof Sample): number => median(part.map((sample) => sample[figure]));
const figures = (['liveMiB', 'residentMiB', 'descriptors', 'connections', 'zombies'] as const).map(
  (figure) => ({
    figure,
    early: of(quarter(2), figure),
    late: of(quarter(4), figure),
  }),
);
const growthOf = (name: keyof Sample): number => {
  const found = figures.find(({ figure }) => figure === name);
  return found ? found.late / Math.max(1, found.early) : Number.NaN;
};

console.log(
  `${machineLine()}, load ${median(loads).toFixed(1)}\n` +
    `${crashes} crashes over ${servers} servers in ${Math.round((performance.now() - beginMs) / 1000)} s`,
);
printTable(
  Object.fromEntries(
    figures.map(({ figure, early, late }) => [
      figure,
      {
        'second quarter': Math.round(early * 10) / 10,
        'last quarter': Math.round(late * 10) / 10,
        ratio: `× ${(late / Math.max(1, early)).toFixed(2)}`,
      },
    ]),
  ),
);
for (const what of wrong) console.log(`  ${what}`);
judge(`${crashes} crashes, every one healed`, crashes >= cycles);
// The last 10,000 events are held, which is what 2,000 crashes tell: some MiB grow until then.
judge('live memory is flat (under × 1.1)', growthOf('liveMiB') < 1.1);
judge('descriptors are flat', growthOf('descriptors') < 1.05);
judge('database connections are flat', growthOf('connections') <= 1);
judge('no zombie', samples.every(({ zombies }) => zombies <= 1) && of(quarter(4), 'zombies') === 0);
judge('each runs once, and there is no orphan', wrong.length === 0);
