// What every EventLog must do, whatever stands behind it: order, replay, resume, honest gaps, and an end.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppError } from '../errors.ts';
import type { EventCursor, EventLog, LoggedEvent } from '../telemetry/event-log.ts';
import type { AppEvent, Channel } from '../telemetry/event.ts';

/** An empty log that holds exactly as many events per channel as was asked for. */
export interface EventLogSubject {
  log: EventLog;
  /** Resolves when whatever was appended can be read. */
  settled(): Promise<void>;
  end(): void | Promise<void>;
}

export interface EventLogContract {
  open: (capacity: number) => Promise<EventLogSubject>;
  /** Random histories to play. */
  runs?: number;
}

/** Against hanging only. */
const timeout = 60_000;

const watched = ['deployments', 'servers'] as const;

const event = (channel: (typeof watched)[number], name: number): AppEvent => {
  const subject = { timestamp: new Date(name), server_id: 'a' };
  return channel === 'servers'
    ? { type: 'server_registered', channel, ...subject, name: String(name) }
    : {
        type: 'deployment_progress',
        channel,
        ...subject,
        deployment_id: 'deploy-a',
        phase: 'install',
        message: String(name),
        fraction: null,
      };
};

/** One reader that can be cut off and come back where it was. */
class Reader {
  readonly #log: EventLog;
  readonly #channels: readonly Channel[];
  #aborter = new AbortController();
  #events: AsyncIterator<LoggedEvent>;
  #begun = false;
  cursor: EventCursor | null;

  constructor(log: EventLog, channels: readonly Channel[], after: EventCursor | null = null) {
    this.#log = log;
    this.#channels = channels;
    this.cursor = after;
    this.#events = this.#open();
  }

  #open(): AsyncIterator<LoggedEvent> {
    this.#aborter = new AbortController();
    const { signal } = this.#aborter;
    this.#begun = false;
    return this.#log.read({ channels: this.#channels, after: this.cursor, signal })[Symbol.asyncIterator]();
  }

  async #begin(): Promise<void> {
    const { done, value } = await this.#events.next();
    if (done === true) throw new Error('the log ended before it began');
    expect(value.event).toMatchObject({ type: 'subscribed', channels: this.#channels });
    this.cursor = value.cursor;
    this.#begun = true;
  }

  /** Comes as far as `subscribed`. */
  async begin(): Promise<EventCursor> {
    if (!this.#begun) await this.#begin();
    return this.cursor ?? '';
  }

  async next(): Promise<LoggedEvent['event']> {
    await this.begin();
    const { done, value } = await this.#events.next();
    if (done === true) throw new Error('the log ended before its reader did');
    this.cursor = value.cursor;
    return value.event;
  }

  /** What a person would call the next events: `servers 1`, `gap 3`. */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) names.push(nameOf(await this.next()));
    return names;
  }

  async leave(): Promise<void> {
    this.#aborter.abort();
    expect(await this.#events.next()).toEqual({ done: true, value: undefined });
  }

  async comeBack(): Promise<void> {
    await this.leave();
    this.#events = this.#open();
  }
}

function nameOf(told: LoggedEvent['event']): string {
  if (!('channel' in told)) return told.type;
  return told.type === 'gap'
    ? `${told.channel} gap ${told.missed}`
    : `${told.channel} ${told.timestamp.getTime()}`;
}

export function describeEventLog(name: string, { open, runs = 100 }: EventLogContract): void {
  describe(`the event log contract: ${name}`, { timeout }, () => {
    const subjects: EventLogSubject[] = [];
    const openedSubject = async (capacity: number): Promise<EventLogSubject> => {
      const subject = await open(capacity);
      subjects.push(subject);
      return subject;
    };
    const opened = async (capacity: number): Promise<EventLog> => (await openedSubject(capacity)).log;

    afterEach(async () => {
      for (const { log, end } of subjects.splice(0)) {
        expect(log.readers).toBe(0);
        await end();
      }
    });

    it('begins with what happens after the call, even before the first read', async () => {
      const log = await opened(10);
      log.append(event('servers', 1));
      const reader = new Reader(log, ['servers']);
      log.append(event('servers', 2));
      expect(await reader.next()).toEqual(event('servers', 2));
      log.append(event('servers', 3));
      expect(await reader.next()).toEqual(event('servers', 3));
      await reader.leave();
    });

    it('goes on behind the place at which a reader began, though it was told nothing there', async () => {
      const log = await opened(10);
      log.append(event('servers', 1));
      const reader = new Reader(log, watched);
      await reader.begin();
      await reader.leave();
      log.append(event('servers', 2));
      log.append(event('deployments', 3));
      const again = new Reader(log, watched, reader.cursor);
      expect(await again.names(2)).toEqual(['servers 2', 'deployments 3']);
      await again.leave();
    });

    it('leaves out what a filter does, and goes on behind it', async () => {
      const log = await opened(5_000);
      const over = new AbortController();
      const filter = { server_id: 'b' };
      const read = (after: EventCursor | null) =>
        log.read({ channels: ['servers'], filter, after, signal: over.signal })[Symbol.asyncIterator]();
      const reader = read(null);
      expect(await reader.next()).toMatchObject({ value: { event: { type: 'subscribed' } } });
      log.append({ ...event('servers', 1), server_id: 'b' });
      for (let index = 2; index <= 1_500; index += 1) log.append(event('servers', index));
      expect(await reader.next()).toMatchObject({ value: { event: { server_id: 'b' } } });
      // So much was left out that it is told where it stands.
      const standing = await reader.next();
      expect(standing).toMatchObject({ value: { event: { type: 'position' } } });
      log.append({ ...event('servers', 1_501), server_id: 'b' });
      expect(await reader.next()).toMatchObject({ value: { event: { timestamp: new Date(1_501) } } });
      const again = read(standing.done === true ? null : standing.value.cursor);
      await again.next();
      expect(await again.next()).toMatchObject({ value: { event: { timestamp: new Date(1_501) } } });
      over.abort();
      expect(await reader.next()).toMatchObject({ done: true });
      expect(await again.next()).toMatchObject({ done: true });
    });

    it('knows which channels are watched', async () => {
      const log = await opened(5);
      expect(log.isWatched('metrics')).toBe(false);
      const reader = new Reader(log, ['metrics']);
      await reader.begin();
      expect(log.isWatched('metrics')).toBe(true);
      expect(log.isWatched('logs')).toBe(false);
      await reader.leave();
      expect(log.isWatched('metrics')).toBe(false);
      expect(log.problem()).toBeNull();
    });

    it('tells a reader its channels only, in the order in which things happened', async () => {
      const log = await opened(10);
      const both = new Reader(log, watched);
      const one = new Reader(log, ['servers']);
      log.append(event('servers', 1));
      log.append(event('deployments', 2));
      log.append(event('deployments', 3));
      log.append(event('servers', 4));
      expect(await both.names(4)).toEqual(['servers 1', 'deployments 2', 'deployments 3', 'servers 4']);
      expect(await one.names(2)).toEqual(['servers 1', 'servers 4']);
      await both.leave();
      await one.leave();
    });

    it.each([{ channels: ['servers'] as const }, { channels: watched }])(
      'resumes behind each of its cursors: $channels',
      async ({ channels }) => {
        const log = await opened(10);
        const reader = new Reader(log, channels);
        const cursors: (EventCursor | null)[] = [];
        for (let index = 0; index < 6; index += 1) {
          log.append(event(channels[index % channels.length] ?? 'servers', index));
          await reader.next();
          cursors.push(reader.cursor);
        }
        await reader.leave();
        for (const [index, cursor] of cursors.entries()) {
          const again = new Reader(log, channels, cursor);
          const names = await again.names(5 - index);
          expect(names.map((told) => told.split(' ')[1])).toEqual(
            ['0', '1', '2', '3', '4', '5'].slice(index + 1),
          );
          await again.leave();
        }
      },
    );

    it('says once, and exactly, how much it no longer holds', async () => {
      const { log, settled } = await openedSubject(5);
      const reader = new Reader(log, ['servers']);
      log.append(event('servers', 1));
      await reader.next();
      for (let index = 2; index <= 10; index += 1) log.append(event('servers', index));
      await settled();
      await reader.comeBack();
      expect(await reader.names(3)).toEqual(['servers gap 4', 'servers 6', 'servers 7']);
      await reader.comeBack();
      expect(await reader.names(3)).toEqual(['servers 8', 'servers 9', 'servers 10']);
      await reader.leave();
    });

    it('tells of a gap in one channel without losing another', async () => {
      const { log, settled } = await openedSubject(3);
      const reader = new Reader(log, watched);
      log.append(event('servers', 1));
      await reader.next();
      log.append(event('deployments', 2));
      for (let index = 3; index <= 8; index += 1) log.append(event('servers', index));
      await settled();
      expect(new Set(await reader.names(5))).toEqual(
        new Set(['servers gap 3', 'deployments 2', 'servers 6', 'servers 7', 'servers 8']),
      );
      await reader.leave();
    });

    it('ends by the signal, waiting or not, and forgets its readers', async () => {
      const log = await opened(5);
      const readers = Array.from({ length: 50 }, () => new Reader(log, watched));
      const waiting = readers.map((reader) => reader.next());
      log.append(event('servers', 1));
      await Promise.all(waiting);
      log.append(event('servers', 2));
      for (const reader of readers) await reader.leave();
      const late = new Reader(log, ['servers'], readers[0]?.cursor ?? null);
      await late.leave();
      expect(log.readers).toBe(0);
    });

    it('refuses a cursor that is none of its own', async () => {
      const log = await opened(5);
      const { signal } = new AbortController();
      for (const after of [
        '',
        'nonsense',
        '-1',
        'servers:',
        `servers:${'9'.repeat(400)}`,
        '%00',
        'ünicode-1',
        ',',
      ])
        expect(() => log.read({ channels: watched, after, signal }), after).toThrow(
          expect.objectContaining({ code: 'INVALID_REQUEST' } satisfies Partial<AppError>),
        );
    });

    it('loses and doubles nothing that it holds, whatever its readers do', async () => {
      const step = fc.oneof(
        fc.record({ append: fc.constantFrom(...watched), times: fc.integer({ min: 1, max: 6 }) }),
        fc.record({ read: fc.integer({ min: 1, max: 6 }) }),
        fc.constant('cut' as const),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 5 }),
          fc.array(step, { maxLength: 30 }),
          async (capacity, steps) => {
            const { log, settled, end } = await open(capacity);
            const reader = new Reader(log, watched);
            /** What happened, per channel, and how far the reader came. */
            const history: Record<(typeof watched)[number], { names: number[]; seen: number }> = {
              servers: { names: [0], seen: 0 },
              deployments: { names: [], seen: 0 },
            };
            let happened = 0;
            const isBehind = (): boolean =>
              watched.some((one) => history[one].seen < history[one].names.length);
            const readOne = async (): Promise<void> => {
              const told = await reader.next();
              if (!('channel' in told)) throw new Error(`it was told ${told.type}`);
              const place = told.channel === 'servers' ? history.servers : history.deployments;
              if (told.type === 'gap') {
                expect(told.missed).toBe(place.names.length - capacity - place.seen);
                place.seen += told.missed ?? 0;
              } else {
                expect(told.timestamp.getTime()).toBe(place.names[place.seen]);
                place.seen += 1;
              }
            };
            log.append(event('servers', 0));
            await readOne();
            for (const action of [...steps, { read: Infinity }]) {
              if (action === 'cut') await reader.comeBack();
              else if ('append' in action) {
                for (let count = 0; count < action.times; count += 1) {
                  happened += 1;
                  history[action.append].names.push(happened);
                  log.append(event(action.append, happened));
                }
                await settled();
              } else for (let count = 0; count < action.read && isBehind(); count += 1) await readOne();
            }
            await reader.leave();
            expect(log.readers).toBe(0);
            await end();
          },
        ),
        { numRuns: runs },
      );
    });
  });
}
