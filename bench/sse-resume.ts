// Measures event streams under churn: 200 readers that are cut and come back at random for 30 s; what was lost or doubled.
//
//   node bench/sse-resume.ts [seconds] [readers] [seed]
import { startTestApp } from '@insightloop/server/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { randomFrom, startReaders } from '../tests/support/resuming-readers.ts';
import { judge, machineLine, printTable } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 30);
const readers = Number(process.argv[3] ?? 200);
const seed = Number(process.argv[4] ?? Date.now() % 2 ** 31);

const { app, url, eventLog } = await startTestApp({ parts: { logger: pino({ level: 'silent' }) } });
const stream = startReaders({
  url: `${url}/api/events/servers`,
  readers,
  random: randomFrom(seed),
  longestMs: 2000,
});
let told = 0;
const telling = setInterval(() => {
  told += 1;
  eventLog.append({
    type: 'server_removed',
    channel: 'servers',
    timestamp: new Date(),
    server_id: `n-${told}`,
  });
}, 20);

await stream.begun;
let mostReaders = 0;
const beginMs = performance.now();
while (performance.now() - beginMs < seconds * 1000) {
  await sleep(100);
  mostReaders = Math.max(mostReaders, eventLog.readers);
}
clearInterval(telling);
const elapsed = (performance.now() - beginMs) / 1000;
const { received, cuts, lost, doubled, refused } = await stream.finish(told);
const deadlineMs = performance.now() + 5000;
while (eventLog.readers > 0 && performance.now() < deadlineMs) await sleep(10);

console.log(`${machineLine()}\n${readers} readers for ${elapsed.toFixed(0)} s, seed ${seed}`);
printTable({
  'event stream': {
    told,
    received,
    'received/s': Math.round(received / elapsed),
    cuts,
    'readers at most': mostReaders,
    lost,
    doubled,
    refused,
    'readers left': eventLog.readers,
    'resident MiB': Math.round(process.memoryUsage().rss / 1024 / 1024),
  },
});
judge(`no event lost or doubled: ${lost} and ${doubled}`, lost === 0 && doubled === 0 && refused === 0);
judge(`no reader left behind: ${eventLog.readers}`, eventLog.readers === 0);
await app.close();
