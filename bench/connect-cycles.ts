// Measures what connections leave behind: 1,000 connects and disconnects at each door; readers, sockets, descriptors.
//
//   node bench/connect-cycles.ts [cycles]
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { doors, newFigures, openReader } from './support/live-readers.ts';
import { startLiveService } from './support/live-service.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const cycles = Number(process.argv[2] ?? 1_000);
const atOnce = 20;

const service = await startLiveService();
const settled = async () => {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const footprint = await service.footprint();
    if ((footprint.readers === 0 && footprint.sockets === 0) || performance.now() > deadline)
      return footprint;
    await sleep(50);
  }
};
const cycle = async (door: (typeof doors)[number], count: number): Promise<void> => {
  for (let done = 0; done < count; done += atOnce) {
    const readers = Array.from({ length: atOnce }, () =>
      openReader(door, service.url, { figures: newFigures() }),
    );
    await Promise.all(readers.map(({ begun }) => begun));
    for (const reader of readers) reader.leave();
  }
};

console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
service.tell(50);
const rows: Record<string, Record<string, number>> = {};
for (const door of doors) {
  await cycle(door, 100);
  const before = await settled();
  await cycle(door, cycles);
  const after = await settled();
  rows[door] = {
    cycles,
    readers: after.readers,
    sockets: after.sockets,
    'descriptors more': after.descriptors - before.descriptors,
    'live heap MiB before': Number((before.heapBytes / 1024 ** 2).toFixed(1)),
    'live heap MiB after': Number((after.heapBytes / 1024 ** 2).toFixed(1)),
  };
}
printTable(rows);
for (const [door, row] of Object.entries(rows)) {
  const left = (row['readers'] ?? 0) + (row['sockets'] ?? 0) + (row['descriptors more'] ?? 0);
  judge(`${door}: nothing is left of ${cycles} connections: ${left}`, left <= 0);
}
await service.stop();
process.exit();
