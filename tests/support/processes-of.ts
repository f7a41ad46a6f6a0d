// Which processes of this machine have to do with a folder: by where they are, or by what they were started with.
import { readdir, readFile, readlink } from 'node:fs/promises';

/** One line for each; Linux only, where /proc says it. */
export async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      // A process may be gone by now, and then is none of them.
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return command.includes(folder) || cwd.startsWith(folder) ? [`${pid} ${command} in ${cwd}`] : [];
    }),
  );
  return lines.flat();
}
