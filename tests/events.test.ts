// Many readers of events, cut off and coming back at random: nothing is lost, nothing comes twice, nobody stays behind.
import { startTestApp, type TestApp } from '@insightloop/server/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlainStream } from './support/plain-stream.ts';
import { randomFrom, startReaders } from './support/resuming-readers.ts';

let running: TestApp;
beforeEach(async () => void (running = await startTestApp({ parts: { logger: pino({ level: 'silent' }) } })));
afterEach(() => running.app.close());

const tell = (n: number): void =>
  running.eventLog.append({
    type: 'server_removed',
    channel: 'servers',
    timestamp: new Date(),
    server_id: `n-${n}`,
  });

it('50 readers that are cut at random for some seconds lose nothing and see nothing twice', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.info(`cuts are those of seed ${seed}`);
  const readers = startReaders({
    url: `${running.url}/api/events/servers`,
    readers: 50,
    random: randomFrom(seed),
    longestMs: 400,
  });
  let told = 0;
  const telling = setInterval(() => tell((told += 1)), 5);
  try {
    await readers.begun;
    const begun = told;
    await expect.poll(() => told - begun, { timeout: 90_000, interval: 50 }).toBeGreaterThan(700);
  } finally {
    clearInterval(telling);
  }
  const outcome = await readers.finish(told);
  expect(outcome).toMatchObject({ lost: 0, doubled: 0, refused: 0 });
  // Else nothing was put to the test.
  expect(outcome.cuts).toBeGreaterThan(200);
  expect(outcome.received).toBeGreaterThanOrEqual(50 * 700);
  await expect.poll(() => running.eventLog.readers).toBe(0);
});

describe('a reader who was away for too long', () => {
  it('is told how much is gone, once, and goes on behind it', async () => {
    tell(0);
    const url = `${running.url}/api/events/servers`;
    const before = await openPlainStream(url);
    tell(1);
    const [first] = await before.take(1);
    before.close();
    for (let n = 2; n <= 10_101; n += 1) tell(n);

    const after = await openPlainStream(url, { 'last-event-id': first?.id ?? '' });
    const [gap, next] = await after.take(2);
    expect(gap).toMatchObject({ name: 'gap', data: { type: 'gap', channel: 'servers', missed: 100 } });
    expect(next).toMatchObject({ data: { server_id: 'n-102' } });
    after.close();

    const behindTheGap = await openPlainStream(url, { 'last-event-id': gap?.id ?? '' });
    expect(await behindTheGap.take(1)).toMatchObject([{ data: { server_id: 'n-102' } }]);
    behindTheGap.close();
  });
});

it('a reader of several channels goes on in all of them', async () => {
  const url = `${running.url}/api/events/deployments,servers`;
  const before = await openPlainStream(url);
  tell(1);
  tell(2);
  const [, second] = await before.take(2);
  before.close();
  tell(3);
  const after = await openPlainStream(url, { 'last-event-id': second?.id ?? '' });
  expect(await after.take(1)).toMatchObject([{ data: { server_id: 'n-3' } }]);
  after.close();
  await expect.poll(() => running.eventLog.readers).toBe(0);
});
