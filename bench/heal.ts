// Measures healing: kill -9 of server-everything's process 50 times, and what callers see until it answers again; beside it
// what the start of that server costs without us.
//
//   node bench/heal.ts [kills]
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { killAndWatch, type Healing } from '../tests/support/healing.ts';
import { restOf } from '../tests/support/rest.ts';
import { startServer } from '../tests/support/running-server.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const kills = Number(process.argv[2] ?? 50);

const everything = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);

/** The least that there is to do: a process, a handshake, a call. */
async function bareStart(): Promise<number> {
  const beginMs = performance.now();
  const client = new Client({ name: 'bench', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [everything, 'stdio'], stderr: 'ignore' }),
  );
  await client.callTool({ name: 'echo', arguments: { message: 'alive' } });
  const tookMs = performance.now() - beginMs;
  await client.close();
  return tookMs;
}

await using server = await startServer();
const rest = restOf(server.baseUrl);
await rest.deploy('everything');
const healings: Healing[] = [];
const bareMs: number[] = [];
const loads: number[] = [];
for (let count = 0; count < kills; count += 1) {
  healings.push(await killAndWatch({ rest, dataDir: server.dataDir, serverId: 'everything' }));
  bareMs.push(await bareStart());
  loads.push(loadavg()[0] ?? 0);
}

const times = healings.map(({ healedMs }) => healedMs);
const worst = Math.max(...times);
const figures = (all: readonly number[]) => ({
  'median ms': Math.round(median(all)),
  'p90 ms': Math.round(all.toSorted((a, b) => a - b)[Math.floor(all.length * 0.9)] ?? 0),
  'worst ms': Math.round(Math.max(...all)),
  'to a bare start': `× ${(median(all) / median(bareMs)).toFixed(2)}`,
});
const sum = (of: (healing: Healing) => number): number =>
  healings.reduce((total, healing) => total + of(healing), 0);
console.log(`${machineLine()}, load ${median(loads).toFixed(1)}\n${kills} kills of server-everything`);
const dying = healings.map(({ dyingMs }) => dyingMs);
printTable({
  'from the kill to the death': figures(dying),
  'until the next call succeeds': figures(times),
  'bare start of the same server': figures(bareMs),
});
printTable({
  seen: {
    'calls that failed': sum(({ failedCalls }) => failedCalls),
    'dishonest statuses': sum(({ lies }) => lies.length),
    'unhealthy answers': sum(({ unhealthy }) => unhealthy),
  },
});
for (const { status, sinceKillMs, sinceDeathMs } of healings.flatMap(({ lies }) => lies))
  console.log(`  ${status} ${sinceKillMs} ms after the kill, ${sinceDeathMs} ms after the death`);
judge(`each within 2 s: ${Math.round(worst)} ms at worst`, worst < 2000);
judge(`median under 1 s: ${Math.round(median(times))} ms`, median(times) < 1000);
judge(
  'restarting or degraded is said from 100 ms after the kill',
  healings.every(({ lies }) => lies.length === 0),
);
judge(
  '/health stays healthy',
  healings.every(({ unhealthy }) => unhealthy === 0),
);
