// The processes in a sandbox, as we see them, and what they use.
import type { SandboxStats } from '@insightloop/core';
import { readMemory, readResidentBytes, readUid } from './proc-files.ts';
import { descendantsOf, type ProcessTable, type ProcessTables } from './proc-table.ts';
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

/** So old may be what all sandboxes read together, for what is only counted. */
const tableAgeMs = 200;

export const membersOf = async (box: Box, { walls, tables, diskBytes }: MembersOptions): Promise<Members> => {
  const { group, keeper, server, uid, volume } = box;
  const entrance = server.child.pid ?? 0;
  const born = performance.now();
  /** Never from before the sandbox began. */
  const countingAge = (): number => Math.min(tableAgeMs, performance.now() - born);
  // Without a cgroup we find them as children, and must know which of these are ours: the shell's `cat`.
  const ours = new Set([entrance, ...(keeper === null ? [] : [keeper.pid])]);
  if (group === null && keeper !== null)
    for (const pid of descendantsOf(await tables.read(0), [keeper.pid])) ours.add(pid);
  if (walls.kind !== 'namespaces') ours.delete(entrance);

  const find = async (maxAgeMs: number): Promise<{ pids: number[]; table: ProcessTable | null }> => {
    if (group !== null) return { pids: (await group.pids()).filter((pid) => !ours.has(pid)), table: null };
    const table = await tables.read(maxAgeMs);
    const pids =
      walls.kind === 'uid'
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
    if (volume.image !== null && keeper !== null) return useOfImage(`/proc/${keeper.pid}/root${homeFolder}`);
    const { pids } = await find(countingAge());
    return useOfFolder(volume.folder, { limitBytes: diskBytes, pids });
  };

  const cpuOf = async (pids: readonly number[], table: ProcessTable | null): Promise<number> => {
    const counted = (await group?.cpuSeconds()) ?? null;
    if (counted !== null) return counted;
    const known = table ?? (await tables.read(countingAge()));
    return pids.reduce((sum, pid) => sum + (known.get(pid)?.cpuSeconds ?? 0), 0);
  };

  return {
    pids: async () => (await find(0)).pids,
    async exceeds(limitBytes) {
      const { pids, table } = await find(countingAge());
      // Resident is never less than proportional, and costs the kernel nothing to tell.
      const resident = await Promise.all(
        pids.map(async (pid) => table?.get(pid)?.residentBytes ?? (await readResidentBytes(pid))),
      );
      if (resident.reduce((sum, bytes) => sum + bytes, 0) <= limitBytes) return false;
      return (await memoryOf(pids, table)).memoryBytes > limitBytes;
    },
    async stats() {
      const { pids, table } = await find(countingAge());
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

const pidsOfUid = async (table: ProcessTable, uid: number | null): Promise<number[]> => {
  const uids = await Promise.all([...table.keys()].map(async (pid) => ({ pid, uid: await readUid(pid) })));
  return uids.filter((each) => each.uid !== null && each.uid === uid).map(({ pid }) => pid);
};
