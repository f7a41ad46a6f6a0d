// Counts the work of one validation and ends it when it becomes too much: schemas of a few lines can ask for years.

/**
 * One unit is a step through a schema with an error at its end, the dearest that there is: 2 µs at worst, so all of it
 * ends within half a second. Honest calls need some dozens of units, and 200,000 numbers in a list are too many.
 */
const maxWork = 200_000;

class TooMuchWork extends Error {
  override readonly name = 'TooMuchWork';
}

export interface WorkMeter {
  /** Begins a validation. */
  reset(): void;
  /** @throws TooMuchWork */
  spend(units: number): void;
}

export function createWorkMeter(): WorkMeter {
  let left = 0;
  return {
    reset() {
      left = maxWork;
    },
    spend(units) {
      left -= units;
      if (left < 0) throw new TooMuchWork('the check would take too long');
    },
  };
}
