// The event log in memory: the contract, and what only a log has that begins anew with each process.
import { describe, expect, it } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { describeEventLog } from '../testing/event-log-contract.ts';
import type { LoggedEvent } from './event-log.ts';
import { createRingEventLog } from './ring-event-log.ts';

const clockAt = (now: number): Clock => ({ now: () => now, sleep: () => Promise.resolve() });

describeEventLog('the ring in memory', {
  open: (capacity) =>
    Promise.resolve({ log: createRingEventLog({ clock: clockAt(1_000), capacity }), end: () => undefined }),
});

const registered = (name: string) =>
  ({ type: 'server_registered', channel: 'servers', timestamp: new Date(0), server_id: 'a', name }) as const;

/** In base 36, as cursors carry it. */
const epoch = (1_000).toString(36);

async function firstOf(log: AsyncIterable<LoggedEvent>): Promise<LoggedEvent | null> {
  for await (const logged of log) return logged;
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
