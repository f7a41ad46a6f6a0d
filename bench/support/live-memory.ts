// The live memory of a running service: what is left after its garbage was collected.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from '../../tests/support/running-server.ts';

/** For the environment of the service: without it nobody answers. */
export const liveMemoryOptions = `--expose-gc --import=${new URL('./live-heap.ts', import.meta.url).href}`;

export async function liveMiBOf({ pid, output }: Pick<RunningServer, 'pid' | 'output'>): Promise<number> {
  const told = (): string[] => [...output().matchAll(/^live heap (\d+)$/gm)].map(([, bytes]) => bytes ?? '');
  const before = told().length;
  process.kill(pid, 'SIGUSR2');
  while (told().length === before) await sleep(20);
  return Number(told().at(-1)) / 1024 / 1024;
}
