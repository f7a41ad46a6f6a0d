// Measures one channel read by many: 1,000 readers over SSE and 1,000 over WebSocket at 20 events/s, how late each event
// comes and whether each comes; then 4,000 connections at 2 events/s, and what they weigh.
//
//   node bench/fan-out.ts [seconds]
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { newFigures, percentile, type LiveReader } from './support/live-readers.ts';
import { startLiveService } from './support/live-service.ts';
import { openRawReader } from './support/raw-readers.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 20);

async function measure(readersPerDoor: number, perSecond: number) {
  const service = await startLiveService();
  try {
    const idle = await service.footprint();
    const figures = { sse: newFigures(), ws: newFigures() };
    const readers: LiveReader[] = [];
    for (let count = 0; count < readersPerDoor; count += 50) {
      const some = (['sse', 'ws'] as const).flatMap((door) =>
        Array.from({ length: 50 }, () =>
          openRawReader(door, service.url, { figures: figures[door], sampleEvery: 7 }),
        ),
      );
      readers.push(...some);
      await Promise.all(some.map(({ begun }) => begun));
    }
    const before = await service.footprint();
    service.tell(perSecond);
    await sleep(seconds * 1000);
    service.tell(0);
    const { told, residentBytes, cpuMs } = await service.footprint();
    const deadline = performance.now() + 30_000;
    while (readers.some((reader) => reader.seen() < told) && performance.now() < deadline) await sleep(50);
    const missing = readers.reduce((sum, reader) => sum + told - reader.seen(), 0);
    for (const reader of readers) reader.leave();
    const row = (door: 'sse' | 'ws') => ({
      readers: readersPerDoor,
      told,
      received: figures[door].received,
      'p50 ms': percentile(figures[door].lateMs, 0.5),
      'p99 ms': percentile(figures[door].lateMs, 0.99),
      'lost or doubled': figures[door].lost + figures[door].doubled,
      'CPU of the service': `${(((cpuMs - before.cpuMs) / seconds / 1000) * 100).toFixed(0)} %`,
      'resident MiB': Math.round(residentBytes / 1024 ** 2),
      'KiB per connection': Math.round((before.heapBytes - idle.heapBytes) / readersPerDoor / 2 / 1024),
    });
    const rows = { SSE: row('sse'), WebSocket: row('ws') };
    printTable(rows);
    const wrong = missing + rows.SSE['lost or doubled'] + rows.WebSocket['lost or doubled'];
    judge(
      `each of ${readersPerDoor * 2} readers got each of ${told} events, in order: ${wrong} did not`,
      wrong === 0,
    );
    return { p99: Math.max(rows.SSE['p99 ms'], rows.WebSocket['p99 ms']), residentBytes };
  } finally {
    await service.stop();
  }
}

console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
const many = await measure(1_000, 20);
judge(`p99 under 500 ms: ${many.p99} ms`, many.p99 < 500);
const more = await measure(2_000, 2);
const mebibytes = Math.round(more.residentBytes / 1024 ** 2);
judge(`4,000 connections under 600 MB: ${mebibytes} MiB resident`, more.residentBytes < 600_000_000);
process.exit();
