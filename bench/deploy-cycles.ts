// Deploys and stops a server over and over, and tells what of it stays with us: processes, descriptors, memory.
//
//   node bench/deploy-cycles.ts [cycles]
import { loadavg } from 'node:os';
import { restOf } from '../tests/support/rest.ts';
import { startServer } from '../tests/support/running-server.ts';
import { footprintOf } from './support/api-process.ts';
import { measurable, memoryOf } from './support/live-memory.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const cycles = Number(process.argv[2] ?? 200);
/** Until then caches fill, and V8 has not yet found the size of its heap. */
const warmUp = Math.ceil(cycles / 5);
const samples = 10;
const tolerance = 0.1;

interface Sample {
  processes: number;
  descriptors: number;
  liveMiB: number;
  residentMiB: number;
}

const server = await startServer({ env: measurable });
const rest = restOf(server.baseUrl);
try {
  console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  const times: number[] = [];
  const cycle = async (): Promise<void> => {
    const begin = performance.now();
    await rest.deploy('everything');
    await rest.textOf('everything', 'echo', { message: 'hello' });
    await rest.stop('everything');
    times.push(performance.now() - begin);
  };
  await cycle();
  const idle = (await footprintOf(server.pid)).processes;
  const taken = new Map<number, Sample>();
  const sample = async (count: number): Promise<void> => {
    const { processes, descriptors } = await footprintOf(server.pid);
    const memory = await memoryOf(server);
    taken.set(count, { processes, descriptors, ...memory });
    // As they come, because it takes minutes.
    console.log(`${count} cycles: ${memory.liveMiB.toFixed(1)} MiB live`);
  };
  for (let count = 1; count <= cycles; count += 1) {
    await cycle();
    if (count >= warmUp && (count - warmUp) % Math.ceil((cycles - warmUp) / samples) === 0)
      await sample(count);
  }
  await sample(cycles);
  printTable(
    Object.fromEntries(
      [...taken].map(([count, { liveMiB, residentMiB, ...counts }]) => [
        `after ${count}`,
        { ...counts, 'live MiB': liveMiB.toFixed(1), 'resident MiB': residentMiB.toFixed(0) },
      ]),
    ),
  );
  console.log(`one cycle takes ${(median(times.slice(1)) / 1000).toFixed(2)} s (median)`);
  const all = [...taken.values()];
  // The later half is held against the earlier one.
  const [early, late] = [all.slice(0, all.length / 2), all.slice(all.length / 2)];
  const change = (figure: 'descriptors' | 'liveMiB' | 'residentMiB'): number =>
    median(late.map((each) => each[figure])) / median(early.map((each) => each[figure])) - 1;
  const left = (all.at(-1)?.processes ?? 0) - idle;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  judge(`no process left: ${left}`, left <= 0);
  for (const [name, figure] of [
    ['descriptors', 'descriptors'],
    ['live memory', 'liveMiB'],
    ['resident memory', 'residentMiB'],
  ] as const) {
    const by = change(figure);
    judge(`${name} flat within ${percent(tolerance)}: ${percent(by)}`, Math.abs(by) <= tolerance);
  }
} finally {
  await server.stop();
}
