// Measures what a server in a crash loop does to the one beside it: the p99 of its tool calls, with and without.
//
//   node bench/neighbours.ts [seconds per round] [rounds]
import { loadavg } from 'node:os';
import { NpmRegistry } from '../tests/support/npm-registry.ts';
import { publishTestPackage } from '../tests/support/test-packages.ts';
import { cpuMsOf, startApi, type ApiProcess } from './support/api-process.ts';
import { callFor, type Contender, type Round } from './support/call-rounds.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 10);
const rounds = Number(process.argv[3] ?? 7);
const inFlight = 4;
const tolerance = 0.2;

const registry = await NpmRegistry.start();
await publishTestPackage(registry, 'ill-behaved-package');
const api = await startApi({ npm_config_registry: registry.url, LOG_LEVEL: 'silent' });

async function restartsOf(service: ApiProcess): Promise<number> {
  const answer = (await service.ask('GET', '/api/deployments?server_id=crashing&limit=1')) as {
    deployments: { restarts: number }[];
  };
  return answer.deployments[0]?.restarts ?? 0;
}

try {
  console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  for (const id of ['steady', 'crashing'])
    await api.ask('POST', '/api/servers', {
      id,
      name: id,
      launch: [{ method: 'npx', identifier: 'ill-behaved-package' }],
    });
  await api.ask('POST', '/api/deploy/steady');
  const steady: Contender = {
    name: 'steady',
    call: () => api.ask('POST', '/api/servers/steady/tools/echo', { arguments: { message: 'hello' } }),
    cpuMs: () => cpuMsOf([api.pid]),
    end: async () => {},
  };
  await callFor(3, { inFlight, contender: steady });
  const quiet: Round[] = [];
  const beside: Round[] = [];
  let restarts = 0;
  // In turns, so that what else the machine does falls on both.
  for (let round = 0; round < rounds; round += 1) {
    quiet.push(await callFor(seconds, { inFlight, contender: steady }));
    await api.ask('POST', '/api/deploy/crashing', { configuration: { args: ['crashLoop', '200'] } });
    beside.push(await callFor(seconds, { inFlight, contender: steady }));
    restarts += await restartsOf(api);
    // It may have been given up already.
    await api.ask('POST', '/api/servers/crashing/stop').catch(() => undefined);
  }
  const of = (results: readonly Round[], figure: keyof Round): number =>
    median(results.map((round) => round[figure]));
  const row = (results: readonly Round[]): Record<string, string | number> => ({
    'calls/s': Math.round(of(results, 'perSecond')),
    'p50 ms': of(results, 'p50Ms').toFixed(2),
    'p99 ms': of(results, 'p99Ms').toFixed(2),
    'p99 to alone': (of(results, 'p99Ms') / of(quiet, 'p99Ms')).toFixed(2),
  });
  console.log(`${inFlight} calls in flight, median of ${rounds} rounds of ${seconds} s, ${restarts} crashes`);
  printTable({ alone: row(quiet), 'beside a crash loop': row(beside) });
  // Each round against the one before it, not the medians: the machine is not the same after a minute.
  const change = median(quiet.map(({ p99Ms }, round) => (beside[round]?.p99Ms ?? Infinity) / p99Ms)) - 1;
  judge(`there were crashes: ${restarts}`, restarts >= rounds);
  judge(
    `a crash loop changes its neighbour’s p99 by < ${tolerance * 100} %: ${(change * 100).toFixed(1)} %`,
    change < tolerance,
  );
} finally {
  await api.stop();
  await registry.close();
}
