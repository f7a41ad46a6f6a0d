// What earlier lives of ours have left: found by folders that carry our instance's mark, judged by pid and start time.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRecord } from '@insightloop/core';
import { z } from 'zod';
import { removeTree } from './package-seal.ts';
import { codeOf, isRunning, sendSignal } from './proc-files.ts';
import { descendantsOf, readProcessTable } from './proc-table.ts';
import { groupName, lockFileOf, recordFile, type BoxSite } from './sandbox-box.ts';
import { awaitEmptyUid, startKeeper } from './sandbox-keeper.ts';
import { uidKeeper } from './sandbox-scripts.ts';

const processRecord = z.object({
  instanceId: z.string(),
  deploymentId: z.string(),
  pid: z.number(),
  startTime: z.string(),
  bootId: z.string(),
  cgroup: z.string().nullable(),
  uid: z.number().nullable(),
});

export interface Records {
  /** Those that still run, without those of this life; what the dead ones have left is removed. */
  survivors(): Promise<ProcessRecord[]>;
  /** Removes what is left under a name that is about to be used again. */
  clear(name: string): Promise<void>;
  /** Ends one of them; does nothing where it is another one's by now. */
  end(record: ProcessRecord): Promise<void>;
}

export interface RecordsOptions {
  site: BoxSite;
  /** Sandboxes of this life, from before they begin until after they end. */
  isCurrent(name: string): boolean;
}

export const createRecords = ({ site, isCurrent }: RecordsOptions): Records => {
  const { cgroups } = site.walls;
  const folderOf = (name: string): string => join(site.folder, name);

  const leftNames = async (isNeeded = isCurrent): Promise<string[]> => {
    const folders = await readdir(site.folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const prefix = groupName(site.instanceId, '');
    const groups = (await cgroups?.names()) ?? [];
    const ofGroups = groups.flatMap((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : []));
    return [...new Set([...folders, ...ofGroups])].filter((name) => !isNeeded(name));
  };

  const readRecord = async (name: string): Promise<ProcessRecord | null> => {
    try {
      const text = await readFile(recordFile(folderOf(name)), 'utf8');
      const record = processRecord.safeParse(JSON.parse(text));
      return record.success && record.data.instanceId === site.instanceId ? record.data : null;
    } catch {
      // None, or half of one: we died while it was written, and its keeper with us.
      return null;
    }
  };

  const isAlive = async (record: ProcessRecord): Promise<boolean> => {
    if (record.bootId !== site.bootId) return false;
    if (await isRunning(record.pid, record.startTime)) return true;
    return ((await cgroups?.open(groupName(site.instanceId, record.deploymentId)).pids()) ?? []).length > 0;
  };

  const remove = async (name: string, record: ProcessRecord | null): Promise<void> => {
    if (record !== null && record.bootId === site.bootId) await killTree(record, site);
    const group = cgroups?.open(groupName(site.instanceId, name));
    await group?.kill();
    await group?.remove();
    await removeTree(folderOf(name));
  };

  return {
    async survivors() {
      const alive: ProcessRecord[] = [];
      for (const name of await leftNames()) {
        const record = await readRecord(name);
        if (record !== null && (await isAlive(record))) alive.push(record);
        else await remove(name, record);
      }
      return alive;
    },
    async clear(name) {
      if ((await leftNames(() => false)).includes(name)) await remove(name, await readRecord(name));
    },
    async end(record) {
      const name = record.deploymentId;
      if (isCurrent(name)) return;
      const found = await readRecord(name);
      const isSame =
        found !== null &&
        found.pid === record.pid &&
        found.startTime === record.startTime &&
        found.bootId === record.bootId;
      if (isSame) await remove(name, found);
    },
  };
};

const killTimeoutMs = 10_000;
const pollMs = 10;

/** With the first process of a pid namespace the kernel kills all others; a uid is emptied by a keeper. */
const killTree = async ({ pid, startTime, uid }: ProcessRecord, site: BoxSite): Promise<void> => {
  const isThere = (): Promise<boolean> => isRunning(pid, startTime);
  if (await isThere()) {
    const tree = site.walls.kind === 'none' ? descendantsOf(await readProcessTable(), [pid]) : [];
    for (const each of [pid, ...tree]) sendSignal(each, 'SIGKILL');
  }
  const deadline = Date.now() + killTimeoutMs;
  while (await isThere()) {
    if (Date.now() > deadline) throw new Error(`process ${pid} does not die`);
    await sleep(pollMs);
  }
  if (uid === null || site.walls.kind !== 'uid') return;
  const owner = { kind: 'uid', uid, lockFile: lockFileOf(site, uid) } as const;
  const keeper = await startKeeper(uidKeeper(owner), AbortSignal.timeout(killTimeoutMs));
  // Taken: whoever has the uid now has emptied it before.
  if (keeper === 'taken') return;
  await keeper.end();
  await awaitEmptyUid(uid);
};
