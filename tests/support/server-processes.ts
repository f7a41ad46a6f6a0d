// The processes that are the MCP servers themselves, not what holds their sandboxes: for tests that kill and stop them.
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { tracesOf } from './traces.ts';

/** Pids by deployment; Linux only. A deployment that runs as it should has one. */
export async function serverProcesses(dataDir: string): Promise<Map<string, number[]>> {
  const { processes } = await tracesOf(dataDir);
  const found = new Map<string, number[]>();
  for (const { pid } of processes) {
    const [exe, cgroups, mounts] = await Promise.all([
      readlink(`/proc/${pid}/exe`).catch(() => ''),
      readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''),
      readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''),
    ]);
    const deploymentId = /deploy-[0-9a-z]{26}/.exec(cgroups + mounts)?.[0];
    if (deploymentId === undefined || !/^node\b/.test(basename(exe))) continue;
    found.set(deploymentId, [...(found.get(deploymentId) ?? []), pid]);
  }
  return found;
}

/** @throws Error where the deployment has not exactly one */
export async function serverProcess(dataDir: string, deploymentId: string): Promise<number> {
  const pids = (await serverProcesses(dataDir)).get(deploymentId) ?? [];
  const [pid] = pids;
  if (pid === undefined || pids.length > 1)
    throw new Error(`${deploymentId} has the processes [${pids.join()}]`);
  return pid;
}
