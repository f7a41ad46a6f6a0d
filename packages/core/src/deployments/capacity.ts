// How many workloads may live at once: deployments, those on their way, and proofs.
import { conflict } from '../errors.ts';

export interface Capacity {
  /**
   * Takes a place until the returned function is called; calling it twice does no harm.
   * @throws AppError CONFLICT when none is left
   */
  reserve(): () => void;
}

/** @param live how many deployments the supervisor holds: they need no place here */
export function createCapacity(maxDeployments: number, live: () => number): Capacity {
  const reserved = new Set<symbol>();
  return {
    reserve() {
      if (live() + reserved.size >= maxDeployments)
        throw conflict(
          `${maxDeployments} deployments are live, which is the limit. Stop one, or raise MAX_DEPLOYMENTS.`,
        );
      const place = Symbol('place');
      reserved.add(place);
      return () => void reserved.delete(place);
    },
  };
}
