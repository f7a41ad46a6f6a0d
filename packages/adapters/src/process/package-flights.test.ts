// Joining, leaving and aborting shared work.
import { describe, expect, it } from 'vitest';
import { createFlights, type FlightOptions } from './package-flights.ts';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('work ended')), { once: true }),
  );

const caller = (): { abort: AbortController; seen: string[]; options: FlightOptions<string> } => {
  const abort = new AbortController();
  const seen: string[] = [];
  return { abort, seen, options: { signal: abort.signal, onProgress: (text) => seen.push(text) } };
};

describe('createFlights', () => {
  it('does the work once for two callers, and both see its progress', async () => {
    const flights = createFlights<number, string>();
    const gate = Promise.withResolvers<number>();
    let runs = 0;
    const work = ({ onProgress }: FlightOptions<string>): Promise<number> => {
      runs += 1;
      onProgress('under way');
      return gate.promise;
    };
    const [one, two] = [caller(), caller()];
    const first = flights.join('key', one.options, work);
    await Promise.resolve();
    const second = flights.join('key', two.options, work);
    gate.resolve(7);
    expect(await Promise.all([first, second])).toEqual([7, 7]);
    expect(runs).toBe(1);
    expect([one.seen, two.seen]).toEqual([['under way'], ['under way']]);
  });

  it('works anew for another key, and again after the end', async () => {
    const flights = createFlights<number, string>();
    let runs = 0;
    const work = async (): Promise<number> => (runs += 1);
    const { options } = caller();
    expect(await Promise.all([flights.join('a', options, work), flights.join('b', options, work)])).toEqual([
      1, 2,
    ]);
    expect(await flights.join('a', options, work)).toBe(3);
  });

  it('lets one leave without ending the work of the other', async () => {
    const flights = createFlights<number, string>();
    const gate = Promise.withResolvers<number>();
    const [one, two] = [caller(), caller()];
    const first = flights.join('key', one.options, () => gate.promise);
    const second = flights.join('key', two.options, () => gate.promise);
    one.abort.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    gate.resolve(1);
    expect(await second).toBe(1);
  });

  it('ends the work when the last has left, and a new caller waits for that end', async () => {
    const flights = createFlights<string, string>();
    const cleaned = Promise.withResolvers<void>();
    const order: string[] = [];
    const one = caller();
    const first = flights.join('key', one.options, async ({ signal }) => {
      await untilAborted(signal).catch(() => order.push('aborted'));
      await cleaned.promise;
      order.push('cleaned');
      throw new Error('nobody hears this');
    });
    await Promise.resolve();
    one.abort.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const second = flights.join('key', caller().options, async () => {
      order.push('second');
      return 'done';
    });
    cleaned.resolve();
    expect(await second).toBe('done');
    expect(order).toEqual(['aborted', 'cleaned', 'second']);
  });

  it('starts nothing for a caller that has left already', async () => {
    const flights = createFlights<number, string>();
    const { abort, options } = caller();
    abort.abort(new Error('gone'));
    await expect(flights.join('key', options, async () => expect.unreachable())).rejects.toThrow('gone');
  });

  it('tells all the same failure', async () => {
    const flights = createFlights<number, string>();
    const fail = async (): Promise<number> => Promise.reject(new Error('broken'));
    const both = [flights.join('key', caller().options, fail), flights.join('key', caller().options, fail)];
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
