// One launcher at a time prepares the project; others wait for it and then find the work done.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// A contender raises a flag, a file of its own that names its process, and holds the lock when it then sees no other
// living flag. Two that raise theirs at once both see each other, take them down and try again after a random pause.
// Nothing is ever taken over, so a launcher that was killed leaves nothing that could be stolen twice.

/**
 * Runs `work` while no other launcher holds the lock in `folder`.
 * @param {string} folder made if missing
 * @param {(pid: number) => void} onWait called once when another process has to be waited for
 * @param {() => Promise<T>} work
 * @template T
 */
export async function withLock(folder, onWait, work) {
  mkdirSync(folder, { recursive: true });
  const flag = join(folder, `${process.pid}-${startOf(process.pid)}`);
  let told = false;
  for (;;) {
    let other = livingFlag(folder);
    if (other === undefined) {
      closeSync(openSync(flag, 'w'));
      other = livingFlag(folder);
      if (other === undefined) break;
      rmSync(flag, { force: true });
    }
    if (!told) onWait(other);
    told = true;
    await sleep(50 + Math.random() * 150);
  }
  try {
    return await work();
  } finally {
    rmSync(flag, { force: true });
  }
}

/** The process of another flag that is up; flags of the dead are cleared away. */
function livingFlag(folder) {
  for (const name of readdirSync(folder)) {
    const [pid, start] = name.split('-');
    if (Number(pid) === process.pid) continue;
    if (startOf(Number(pid)) === start) return Number(pid);
    rmSync(join(folder, name), { force: true });
  }
  return undefined;
}

/**
 * When a process started, so that a number given out anew is not taken for its first bearer. Only Linux tells; elsewhere
 * every living process says `running`, and a dead one `undefined`.
 */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in brackets and may hold spaces; the start time is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return 'running';
  } catch (error) {
    return error.code === 'EPERM' ? 'running' : undefined;
  }
}
