// The processes in a sandbox, as we see them, and what they use.
import type { SandboxStats } from '@insightloop/core';
import { codeOf, readMemory, readResidentBytes } from './proc-files.ts';
import { descendantsOf, pidsOfUid, type ProcessTable, type ProcessTables } from './proc-table.ts';
import type { Box } from './sandbox-box.ts';
import { useOfFolder, useOfImage, type VolumeUse } from './sandbox-volume.ts';
import type { Walls } from './sandbox-walls.ts';
import { homeFolder } from './namespace-root.ts';

export interface Members {
  /** As they are now. */
  pids(): Promise<number[]>;
  /** About 1 ms for each process. */
  stats(): Promise<SandboxStats>;
  /** Whether they take more memory than so much together. */
  exceeds(memoryBytes: number): Promise<boolean>;
  volumeUse(): Promise<VolumeUse>;
  /** How many of them the kernel has killed for want of memory. */
  oomKills(): Promise<number>;
}

export interface MembersOptions {
  walls: Walls;
  tables: ProcessTables;
  /** The limit, which is also as far as files are counted. */
  diskBytes: number;
}

/** So old may be what all sandboxes read together: for counting, and for the watch, which asks all the time. */
const tableAgeMs = 200;
const watchedTableAgeMs = 1000;

export const membersOf = async (box: Box, { walls, tables, diskBytes }: MembersOptions): Promise<Members> => {
  const { group, keeper, server, uid, volume } = box;
  const entrance = server.child.pid ?? 0;
  const born = performance.now();
  /** Never from before the sandbox began. */
  const atMost = (ageMs: number): number => Math.min(ageMs, performance.now() - born);
  // Without a cgroup we find them as children, and must know which of these are ours: the shell's `cat`.
  const ours = new Set([entrance, ...(keeper === null ? [] : [keeper.pid])]);
  if (group === null && keeper !== null)
    for (const pid of descendantsOf(await tables.read(0), [keeper.pid])) ours.add(pid);
  if (walls.kind !== 'namespaces') ours.delete(entrance);

  const find = async (maxAgeMs: number): Promise<{ pids: number[]; table: ProcessTable | null }> => {
    if (group !== null) return { pids: (await group.pids()).filter((pid) => !ours.has(pid)), table: null };
    const table = await tables.read(maxAgeMs);
    const pids =
      walls.kind === 'uid' && uid !== null
        ? await pidsOfUid(table, uid)
        : descendantsOf(table, keeper === null ? [entrance] : [entrance, keeper.pid]);
    const all = walls.kind === 'none' && table.has(entrance) ? [entrance, ...pids] : pids;
    return { pids: all.filter((pid) => !ours.has(pid)), table };
  };

  const memoryOf = async (pids: readonly number[], table: ProcessTable | null) => {
    const each = await Promise.all(
      pids.map(async (pid) => {
        const told = table?.get(pid)?.residentBytes ?? null;
        return told === null ? readMemory(pid) : { proportionalBytes: told, residentBytes: told };
      }),
    );
    return {
      memoryBytes: each.reduce((sum, memory) => sum + memory.proportionalBytes, 0),
      residentBytes: each.reduce((sum, memory) => sum + memory.residentBytes, 0),
      processes: pids.length,
    };
  };

  const volumeUse = async (): Promise<VolumeUse> => {
    try {
      if (volume.image !== null && keeper !== null)
        return await useOfImage(`/proc/${keeper.pid}/root${homeFolder}`);
      const { pids } = await find(atMost(tableAgeMs));
      return await useOfFolder(volume.folder, { limitBytes: diskBytes, pids });
    } catch (error) {
      // Who asks late finds nothing any more.
      if (codeOf(error) === 'ENOENT') return { usedBytes: 0, isFull: false };
      throw error;
    }
  };

  const cpuOf = async (pids: readonly number[], table: ProcessTable | null): Promise<number> => {
    const counted = (await group?.cpuSeconds()) ?? null;
    if (counted !== null) return counted;
    const known = table ?? (await tables.read(atMost(tableAgeMs)));
    return pids.reduce((sum, pid) => sum + (known.get(pid)?.cpuSeconds ?? 0), 0);
  };

  return {
    pids: async () => (await find(0)).pids,
    async exceeds(limitBytes) {
      const { pids, table } = await find(atMost(watchedTableAgeMs));
      // Resident is never less than proportional, and costs the kernel nothing to tell.
      const resident = await Promise.all(
        pids.map(async (pid) => table?.get(pid)?.residentBytes ?? (await readResidentBytes(pid))),
      );
      if (resident.reduce((sum, bytes) => sum + bytes, 0) <= limitBytes) return false;
      return (await memoryOf(pids, table)).memoryBytes > limitBytes;
    },
    async stats() {
      const { pids, table } = await find(atMost(tableAgeMs));
      const [memory, cpuSeconds, { usedBytes }] = await Promise.all([
        memoryOf(pids, table),
        cpuOf(pids, table),
        volumeUse(),
      ]);
      return { ...memory, cpuSeconds, diskBytes: usedBytes };
    },
    volumeUse,
    oomKills: () => group?.oomKills() ?? Promise.resolve(0),
  };
};
