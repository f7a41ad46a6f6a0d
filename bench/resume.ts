// Measures streams under churn: readers at every door whose connections are cut at random for 60 s, with the log in memory
// and in Redis; what was lost or doubled.
//
//   node bench/resume.ts [seconds] [readers per door]
import { noRedis, startRedis } from '../packages/adapters/src/redis/testing/redis-server.ts';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { doors, newFigures, openReader } from './support/live-readers.ts';
import { startLiveService } from './support/live-service.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 60);
const perDoor = Number(process.argv[3] ?? 25);

async function measure(name: string, redisUrl?: string): Promise<void> {
  const service = await startLiveService(redisUrl);
  const readers = doors.flatMap((door) => {
    const figures = newFigures();
    return Array.from({ length: perDoor }, () => ({
      door,
      figures,
      reader: openReader(door, service.url, { figures, sampleEvery: 1_000 }),
    }));
  });
  await Promise.all(readers.map(({ reader }) => reader.begun));
  service.tell(50);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await sleep(20 + Math.random() * 200);
    service.cut();
  }
  service.tell(0);
  const { told } = await service.footprint();
  const deadline = performance.now() + 60_000;
  while (readers.some(({ reader }) => reader.seen() < told) && performance.now() < deadline) await sleep(50);
  const behind = readers.filter(({ reader }) => reader.seen() < told).length;
  for (const { reader } of readers) reader.leave();
  const gone = performance.now() + 10_000;
  while ((await service.footprint()).readers > 0 && performance.now() < gone) await sleep(50);
  const { readers: left } = await service.footprint();
  let wrong = behind;
  printTable(
    Object.fromEntries(
      doors.map((door) => {
        const figures = readers.find((one) => one.door === door)?.figures ?? newFigures();
        // The first event has to be the first that was told.
        const missing = perDoor * told - (figures.received - figures.doubled);
        wrong += figures.lost + figures.doubled + Math.abs(missing);
        const { received, cuts, lost, doubled } = figures;
        return [`${name} ${door}`, { readers: perDoor, told, received, cuts, lost, doubled, missing }];
      }),
    ),
  );
  judge(`${name}: no event lost or doubled: ${wrong}`, wrong === 0);
  judge(`${name}: no reader left behind: ${left}`, left === 0);
  await service.stop();
}

console.log(`${machineLine()}, load ${loadavg()[0]?.toFixed(1) ?? ''}, ${seconds} s each`);
await measure('memory');
if (noRedis) console.log(`not measured with Redis: ${noRedis}`);
else {
  await using redis = await startRedis();
  await measure('Redis', redis.url);
}
process.exit();
