// The event log in memory: the contract, and what only a log has that begins anew with each process.
import { describe, expect, it } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { describeEventLog } from '../testing/event-log-contract.ts';
import type { LoggedEvent } from './event-log.ts';
import { createRingEventLog } from './ring-event-log.ts';

const clockAt = (now: number): Clock => ({ now: () => now, sleep: () => Promise.resolve() });

describeEventLog('the ring in memory', {
  open: (capacity) =>
    Promise.resolve({
      log: createRingEventLog({ clock: clockAt(1_000), capacity }),
      settled: () => Promise.resolve(),
      end: () => undefined,
    }),
});

const registered = (name: string) =>
  ({ type: 'server_registered', channel: 'servers', timestamp: new Date(0), server_id: 'a', name }) as const;

/** In base 36, as cursors carry it. */
const epoch = (1_000).toString(36);

/** Behind `subscribed`. */
async function firstOf(log: AsyncIterable<LoggedEvent>): Promise<LoggedEvent | null> {
  for await (const logged of log) if (logged.event.type !== 'subscribed') return logged;
  return null;
}

describe('cursors', () => {
  const log = createRingEventLog({ clock: clockAt(1_000), capacity: 10 });
  for (const name of ['one', 'two']) log.append(registered(name));
  const { signal } = new AbortController();

  it('is a number for one channel, and a number each for several', async () => {
    expect(await firstOf(log.read({ channels: ['servers'], after: `${epoch}-0`, signal }))).toEqual({
      cursor: `${epoch}-1`,
      event: registered('one'),
    });
    const after = `servers:${epoch}-1,logs:${epoch}-0`;
    expect(await firstOf(log.read({ channels: ['logs', 'servers'], after, signal }))).toEqual({
      cursor: `logs:${epoch}-0,servers:${epoch}-2`,
      event: registered('two'),
    });
  });

  it('passes over channels of the cursor that are not read now, and begins new ones with what happens', async () => {
    const after = `logs:${epoch}-0,servers:${epoch}-1`;
    expect(await firstOf(log.read({ channels: ['servers'], after, signal }))).toHaveProperty(
      'event',
      registered('two'),
    );
  });

  it('tells a reader from an earlier life of ours that an unknown number is gone', async () => {
    const logged = await firstOf(log.read({ channels: ['servers'], after: '9zz-7000', signal }));
    expect(logged).toEqual({
      cursor: `${epoch}-0`,
      event: { type: 'gap', channel: 'servers', timestamp: new Date(1_000), missed: null },
    });
  });

  it('refuses a number of ours that never was', () => {
    expect(() => log.read({ channels: ['servers'], after: `${epoch}-3`, signal })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});

describe('what is held', () => {
  it('is no older than it may be, and no heavier', async () => {
    let now = 1_000;
    const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
    const log = createRingEventLog({ clock, retentionMs: 500 });
    const { signal } = new AbortController();
    const after = `${epoch}-0`;
    const at = (name: string) => ({ ...registered(name), timestamp: new Date(now) });
    log.append(at('old'));
    now += 501;
    log.append(at('new'));
    expect((await firstOf(log.read({ channels: ['servers'], after, signal })))?.event).toMatchObject({
      type: 'gap',
      missed: 1,
    });
    for (let count = 0; count < 100; count += 1) log.append({ ...at('x'.repeat(1024 * 1024)) });
    const heavy = await firstOf(log.read({ channels: ['servers'], after, signal }));
    expect(heavy?.event).toMatchObject({ type: 'gap', missed: 102 - 7 });
  });
});

describe('a filter', () => {
  it('leaves out what differs in a field that it has, and tells what has no such field', async () => {
    const log = createRingEventLog({ clock: clockAt(1_000) });
    const over = new AbortController();
    const subject = { timestamp: new Date(0), server_id: 'a' };
    const told: string[] = [];
    const reading = (async () => {
      for await (const { event } of log.read({
        channels: ['logs', 'orchestration', 'servers'],
        filter: { server_id: 'a', task_id: 'task-1', level: 'warn' },
        after: null,
        signal: over.signal,
      }))
        told.push('message' in event ? String(event.message) : event.type);
    })();
    const line = {
      type: 'log',
      channel: 'logs',
      ...subject,
      deployment_id: 'd',
      number: 1,
      source: 's',
    } as const;
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      log.append({ ...line, level, message: level });
    log.append({ ...line, level: 'error', message: 'of another', server_id: 'b' });
    const begun = {
      type: 'task_status',
      channel: 'orchestration',
      ...subject,
      previous_status: null,
    } as const;
    for (const task_id of ['task-1', 'task-2']) log.append({ ...begun, task_id, status: 'running' });
    log.append(registered('one'));
    await expect
      .poll(() => told)
      .toEqual(['subscribed', 'warn', 'error', 'task_status', 'server_registered']);
    over.abort();
    await reading;
    expect(log.readers).toBe(0);
  });
});
