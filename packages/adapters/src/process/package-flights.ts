// One piece of work for all who ask for the same at the same time; it ends when the last of them has left.

export interface FlightOptions<Progress> {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

interface Flight<Result, Progress> {
  result: Promise<Result>;
  listeners: Set<(progress: Progress) => void>;
  last: Progress | undefined;
  abort: AbortController;
}

export interface Flights<Result, Progress> {
  /**
   * Starts `work`, or joins it where it runs already for this key. A caller whose signal aborts leaves with the
   * signal's reason; `work` is aborted when all have left, and a later caller waits until it has ended.
   */
  join(
    key: string,
    options: FlightOptions<Progress>,
    work: (options: FlightOptions<Progress>) => Promise<Result>,
  ): Promise<Result>;
}

export const createFlights = <Result, Progress>(): Flights<Result, Progress> => {
  const flights = new Map<string, Flight<Result, Progress>>();

  const launch = (
    key: string,
    work: (options: FlightOptions<Progress>) => Promise<Result>,
  ): Flight<Result, Progress> => {
    const abort = new AbortController();
    const onProgress = (progress: Progress): void => {
      flight.last = progress;
      for (const listener of flight.listeners) listener(progress);
    };
    const flight: Flight<Result, Progress> = {
      result: Promise.resolve()
        .then(() => work({ signal: abort.signal, onProgress }))
        .finally(() => flights.delete(key)),
      listeners: new Set(),
      last: undefined,
      abort,
    };
    // Nobody may be left to hear of a failure.
    flight.result.catch(() => {});
    flights.set(key, flight);
    return flight;
  };

  return {
    async join(key, { signal, onProgress }, work) {
      signal.throwIfAborted();
      for (
        let leaving = flights.get(key);
        leaving?.abort.signal.aborted === true;
        leaving = flights.get(key)
      ) {
        await orAborted(
          leaving.result.catch(() => {}),
          signal,
        );
      }
      const flight = flights.get(key) ?? launch(key, work);
      // A set knows a function once, and the same one may wait twice.
      const listener = (progress: Progress): void => onProgress(progress);
      flight.listeners.add(listener);
      if (flight.last !== undefined) listener(flight.last);
      try {
        return await orAborted(flight.result, signal);
      } finally {
        flight.listeners.delete(listener);
        if (flight.listeners.size === 0) flight.abort.abort(signal.reason);
      }
    },
  };
};

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
