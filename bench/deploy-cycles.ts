// Deploys and stops a server over and over, and tells what of it stays with us: processes, descriptors, memory.
//
//   node bench/deploy-cycles.ts [cycles]
import { loadavg } from 'node:os';
import { startApi, type Footprint } from './support/api-process.ts';
import { judge, machineLine, median, printTable } from './support/report.ts';

const cycles = Number(process.argv[2] ?? 200);
/** Until then caches fill, and V8 has not yet found the size of its heap. */
const warmUp = Math.ceil(cycles / 5);
const samples = 10;
const tolerance = 0.1;

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);

const api = await startApi();
try {
  console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  const times: number[] = [];
  const cycle = async (): Promise<void> => {
    const begin = performance.now();
    await api.ask('POST', '/api/deploy/everything', { method: 'npx' });
    await api.ask('POST', '/api/servers/everything/tools/echo', { arguments: { message: 'hello' } });
    await api.ask('POST', '/api/servers/everything/stop');
    times.push(performance.now() - begin);
  };
  await cycle();
  const idle = (await api.footprint()).processes;
  const taken = new Map<number, Footprint>();
  const sample = async (count: number): Promise<void> => {
    const footprint = await api.footprint();
    taken.set(count, footprint);
    // As they come, because it takes minutes.
    console.log(`${count} cycles: ${mebibytes(footprint.residentBytes)} MiB`);
  };
  for (let count = 1; count <= cycles; count += 1) {
    await cycle();
    if (count >= warmUp && (count - warmUp) % Math.ceil((cycles - warmUp) / samples) === 0)
      await sample(count);
  }
  await sample(cycles);
  printTable(
    Object.fromEntries(
      [...taken].map(([count, { processes, descriptors, residentBytes }]) => [
        `after ${count}`,
        { processes, descriptors, 'resident MiB': mebibytes(residentBytes) },
      ]),
    ),
  );
  console.log(`one cycle takes ${(median(times.slice(1)) / 1000).toFixed(2)} s (median)`);
  const all = [...taken.values()];
  // Memory breathes with the collector: the later half is held against the earlier one.
  const [early, late] = [all.slice(0, all.length / 2), all.slice(all.length / 2)];
  const change = (figure: 'descriptors' | 'residentBytes'): number =>
    median(late.map((each) => each[figure])) / median(early.map((each) => each[figure])) - 1;
  const left = (all.at(-1)?.processes ?? 0) - idle;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  judge(`no process left: ${left}`, left <= 0);
  for (const [name, figure] of [
    ['descriptors', 'descriptors'],
    ['resident memory', 'residentBytes'],
  ] as const) {
    const by = change(figure);
    judge(`${name} flat within ${percent(tolerance)}: ${percent(by)}`, Math.abs(by) <= tolerance);
  }
} finally {
  await api.stop();
}
