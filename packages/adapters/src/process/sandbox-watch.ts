// Looks after the limits that the kernel does not hold by itself, and after what it did to hold them.
import type { ExitReason, Logger, ResourceLimits } from '@insightloop/core';
import type { Members } from './sandbox-members.ts';

export interface Watched {
  members: Members;
  limits: ResourceLimits;
  /** The kernel kills; one killed process is the end of the tree. */
  hasMemoryGroup: boolean;
  /** The kernel refuses what is too much. */
  hasImage: boolean;
  end(reason: ExitReason): Promise<void>;
}

export interface Watch {
  /** Returns the function that ends the watching. */
  add(watched: Watched): () => void;
}

/** What a process can take in this time is beyond any watchdog's power; a shorter one costs more than it holds. */
const intervalMs = 250;
/** Files are many: counted less often. And so is what the kernel holds anyway. */
const slowEvery = 4;

export const createWatch = (logger: Pick<Logger, 'warn'>): Watch => {
  const all = new Set<Watched>();
  const busy = new Set<Watched>();
  let timer: NodeJS.Timeout | null = null;
  let ticks = 0;

  const look = async (watched: Watched, isSlow: boolean): Promise<void> => {
    if (busy.has(watched)) return;
    busy.add(watched);
    try {
      const reason = await excessOf(watched, isSlow);
      // Who is no longer watched has ended by itself meanwhile.
      if (reason !== null && all.delete(watched)) await watched.end(reason);
    } catch (error) {
      logger.warn({ err: error }, 'the limits of a sandbox could not be looked after');
    } finally {
      busy.delete(watched);
    }
  };

  const tick = (): void => {
    ticks += 1;
    const isSlow = ticks % slowEvery === 0;
    for (const watched of all) void look(watched, isSlow);
  };

  const settle = (): void => {
    if (all.size > 0) timer ??= setInterval(tick, intervalMs).unref();
    else if (timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };

  return {
    add(watched) {
      all.add(watched);
      settle();
      return () => {
        all.delete(watched);
        settle();
      };
    },
  };
};

const excessOf = async (
  { members, limits, hasMemoryGroup, hasImage }: Watched,
  isSlow: boolean,
): Promise<ExitReason | null> => {
  if (hasMemoryGroup) {
    if (isSlow && (await members.oomKills()) > 0) return { kind: 'out_of_memory' };
  } else if (await members.exceeds(limits.memoryBytes)) return { kind: 'out_of_memory' };
  if (!hasImage && isSlow && (await members.volumeUse()).isFull) return { kind: 'disk_full' };
  return null;
};
