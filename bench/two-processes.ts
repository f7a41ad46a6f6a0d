// Measures two API processes on one Redis: how late an event that is raised in one reaches the readers of the other.
//
//   node bench/two-processes.ts [seconds] [readers]
import { startRedis } from '../packages/adapters/src/redis/testing/redis-server.ts';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { newFigures, openReader, percentile } from './support/live-readers.ts';
import { startLiveService } from './support/live-service.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 20);
const count = Number(process.argv[3] ?? 50);

await using redis = await startRedis();
const [raising, reading] = await Promise.all([startLiveService(redis.url), startLiveService(redis.url)]);
const figures = newFigures();
const readers = Array.from({ length: count }, (_, index) =>
  openReader(index % 2 === 0 ? 'sse' : 'ws', reading.url, { figures }),
);
await Promise.all(readers.map(({ begun }) => begun));
raising.tell(20);
await sleep(seconds * 1000);
raising.tell(0);
const { told } = await raising.footprint();
const deadline = performance.now() + 10_000;
while (readers.some((reader) => reader.seen() < told) && performance.now() < deadline) await sleep(20);
for (const reader of readers) reader.leave();
await Promise.all([raising.stop(), reading.stop()]);

const { received, lost, doubled, lateMs } = figures;
const p99 = percentile(lateMs, 0.99);
console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}`);
printTable({
  'the other process': {
    readers: count,
    told,
    received,
    lost,
    doubled,
    'p50 ms': percentile(lateMs, 0.5),
    'p99 ms': p99,
  },
});
judge(`p99 under 100 ms: ${p99} ms`, p99 < 100);
judge(`nothing lost or doubled`, lost + doubled === 0 && received === told * count);
