// What a server has on this machine because of its deployments: processes, folders, cgroups.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Traces {
  /** Everything that runs in a sandbox of this server, and what holds the sandbox. */
  processes: { pid: number; command: string }[];
  /** Under `sandboxes/`. */
  folders: string[];
  cgroups: string[];
}

export const noTraces: Traces = { processes: [], folders: [], cgroups: [] };

export async function tracesOf(dataDir: string): Promise<Traces> {
  const instanceId = (await readOr(join(dataDir, 'instance-id'))).trim();
  if (instanceId === '') throw new Error(`${dataDir} has no instance-id: nothing could be found by it.`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(
    pids.map(async (pid) => {
      const [cgroups, mounts, command] = await Promise.all(
        ['cgroup', 'mountinfo', 'cmdline'].map((file) => readOr(`/proc/${pid}/${file}`)),
      );
      const isOurs =
        cgroups?.includes(`insightloop.${instanceId}.`) === true ||
        [mounts, command].some((text) => text?.includes(join(dataDir, 'sandboxes')));
      return isOurs ? [{ pid, command: command?.replaceAll('\0', ' ').trim() ?? '' }] : [];
    }),
  );
  return {
    processes: processes.flat(),
    folders: await readdir(join(dataDir, 'sandboxes')).catch(() => []),
    cgroups: await cgroupsOf(instanceId),
  };
}

/** Looked for at the few depths at which a service stands, in each hierarchy. */
async function cgroupsOf(instanceId: string, folder = '/sys/fs/cgroup', depth = 0): Promise<string[]> {
  if (depth > 4) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) =>
        name.startsWith(`insightloop.${instanceId}.`)
          ? [join(folder, name)]
          : cgroupsOf(instanceId, join(folder, name), depth + 1),
      ),
  );
  return found.flat();
}

/** Gone, or not ours to read: empty. */
const readOr = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
