// Several deployments of the quick package on one running service, and what must hold for all of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { quickPackage } from './quick-package.ts';
import type { Rest } from './rest.ts';
import { serverProcesses } from './server-processes.ts';

interface Running {
  id: string;
  deployment_id: string;
  status: string;
  restarts: number;
}

export const runningOf = async (rest: Rest): Promise<Running[]> =>
  ((await rest.get('/api/servers/running')).body as { servers: Running[] }).servers;

/** Registers and deploys so many; returns their server ids. */
export async function deployQuickServers(rest: Rest, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `quick-${index}`);
  for (const id of ids) {
    await rest.register(id, quickPackage);
    await rest.deploy(id);
  }
  return ids;
}

/** Resolves when all of them run. @throws Error with their statuses when that takes longer than `withinMs` */
export async function allRunning(rest: Rest, count: number, withinMs: number): Promise<Running[]> {
  const beginMs = performance.now();
  for (;;) {
    const running = await runningOf(rest);
    if (running.length === count && running.every(({ status }) => status === 'running')) return running;
    if (performance.now() - beginMs > withinMs)
      throw new Error(`not all run: ${running.map(({ id, status }) => `${id} ${status}`).join(', ')}`);
    await sleep(20);
  }
}

/** What is wrong with the processes, in words: each running deployment has one, and nobody else has any. */
export async function wrongProcesses(dataDir: string, running: readonly Running[]): Promise<string[]> {
  const processes = await serverProcesses(dataDir);
  const ids = new Set(running.map(({ deployment_id }) => deployment_id));
  return [
    ...[...processes.keys()].filter((id) => !ids.has(id)).map((id) => `${id} is an orphan`),
    ...[...ids].flatMap((id) => {
      const count = processes.get(id)?.length ?? 0;
      return count === 1 ? [] : [`${id} has ${count} processes`];
    }),
  ];
}
