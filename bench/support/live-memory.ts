// What a service holds: its heap after a collection of garbage, and what it takes of the machine then.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from '../../tests/support/running-server.ts';

const probe = new URL('./live-heap.ts', import.meta.url).href;

/** For the environment of a service that is to be measured. */
export const measurable = { NODE_OPTIONS: `--expose-gc --import=${probe}` };

const mebibyte = 1024 * 1024;

/** Live: what is held. Resident: also what the collector has not given back. */
export async function memoryOf({
  pid,
  output,
}: RunningServer): Promise<{ liveMiB: number; residentMiB: number }> {
  const told = (): string[] => [...output().matchAll(/^live heap (\d+)$/gm)].map(([, bytes]) => bytes ?? '');
  const before = told().length;
  process.kill(pid, 'SIGUSR2');
  while (told().length === before) await sleep(20);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    liveMiB: Number(told().at(-1)) / mebibyte,
    residentMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024,
  };
}
