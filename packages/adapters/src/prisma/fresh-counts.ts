// Counts of rows that are at most 2 s old, so that nobody waits for a long count on every page, and no table of counters
// slows down each insert.

export interface FreshCounts<Where> {
  /** Counted anew in the background while it is asked for; waits for the count only where there is none that is fresh. */
  of(where: Where): Promise<number>;
}

/** No count that is told is older. */
const oldestMs = 2_000;
/** An older one is counted anew; what is left until the limit is the time that the count itself may take. */
const renewedAfterMs = 800;
/** Counts that are kept: there are as many as filters are asked for. */
const mostKept = 100;

interface Count {
  value: number;
  /** When it began to be counted. */
  at: number;
}

export function createFreshCounts<Where>(
  count: (where: Where) => Promise<number>,
  now: () => number = () => performance.now(),
): FreshCounts<Where> {
  const known = new Map<string, Count>();
  const flights = new Map<string, Promise<number>>();

  const renew = (key: string, where: Where): Promise<number> => {
    const underWay = flights.get(key);
    if (underWay) return underWay;
    const at = now();
    const flight = count(where)
      .then((value) => {
        known.delete(key);
        known.set(key, { value, at });
        for (const [oldest] of known) if (known.size > mostKept) known.delete(oldest);
        return value;
      })
      .finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };

  return {
    async of(where) {
      const key = JSON.stringify(where);
      const last = known.get(key);
      const age = last ? now() - last.at : Infinity;
      if (!last || age > oldestMs) return renew(key, where);
      // A failure is told to whoever has to wait for it.
      if (age > renewedAfterMs) renew(key, where).catch(() => undefined);
      return last.value;
    },
  };
}
