// The uids that sandboxed processes run under: numbers that mean nobody else on this machine.
import { createHash, randomInt } from 'node:crypto';
import { parseIdMap, readProcFile } from './proc-files.ts';

export interface UidRange {
  first: number;
  count: number;
}

/**
 * Above what useradd, subordinate ids (/etc/subuid) and systemd's containers give out, below what is negative
 * where somebody took a uid for a signed number (https://systemd.io/UIDS-GIDS: "unused").
 */
export const defaultUidRange: UidRange = { first: 1_900_000_000, count: 10_000 };

/** The first ones belong to installers: what they leave in a cache must never belong to a server. */
const installerCount = 100;

export interface UidPool {
  owns(uid: number): boolean;
  /** The one that owns the download caches of an instance, the same in each of its lives. */
  installerUid(instanceId: string): number;
  /** One that nobody of ours has now. @throws when all are taken */
  take(): number;
  release(uid: number): void;
}

export const createUidPool = (range: UidRange): UidPool => {
  const taken = new Set<number>();
  const firstFree = range.first + installerCount;
  const count = range.count - installerCount;
  return {
    owns: (uid) => uid >= range.first && uid < range.first + range.count,
    installerUid(instanceId) {
      const digest = createHash('sha256').update(instanceId).digest();
      return range.first + (digest.readUInt32BE(0) % installerCount);
    },
    take() {
      if (taken.size >= count) throw new Error(`all ${count} uids of the sandbox are in use`);
      // Random, so that two instances on one machine seldom try the same; a lock decides where they do.
      for (;;) {
        const uid = firstFree + randomInt(count);
        if (taken.has(uid)) continue;
        taken.add(uid);
        return uid;
      }
    },
    release(uid) {
      taken.delete(uid);
    },
  };
};

/** Why a range cannot be used here, in words; null where it can. */
export const problemOfRange = async ({ first, count }: UidRange): Promise<string | null> => {
  const last = first + count - 1;
  if (count <= installerCount) return `the range of uids must hold more than ${installerCount}`;
  const map = await readProcFile('/proc/self/uid_map');
  const isMapped = (map === null ? [] : parseIdMap(map)).some(
    (part) => first >= part.first && last < part.first + part.count,
  );
  if (!isMapped) return `the uids ${first}–${last} do not exist in this container`;
  const users = (await readProcFile('/etc/passwd')) ?? '';
  const isUsed = users.split('\n').some((line) => {
    const uid = Number(line.split(':')[2]);
    return uid >= first && uid <= last;
  });
  return isUsed ? `the uids ${first}–${last} belong to users of this machine` : null;
};
