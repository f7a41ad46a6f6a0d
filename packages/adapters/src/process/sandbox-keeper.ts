// The keeper of a sandbox: a process of ours that holds its walls up, and ends everything in it when it ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readProcessStat, sendSignal } from './proc-files.ts';
import { pidsOfUid, readProcessTable } from './proc-table.ts';
import { readyWord, takenStatus } from './sandbox-scripts.ts';
import { complaintsOf, firstLine, spawnPiped } from './sandbox-spawn.ts';
import { drained, settlesWithin } from './sandbox-wait.ts';

export interface Keeper {
  /** Of the first process of the namespaces, or of the keeper itself where there are none. */
  readonly pid: number;
  readonly startTime: string;
  /** Ends what it keeps; resolves when nothing of that is left. Idempotent. */
  end(): Promise<void>;
}

/** The kernel needs a moment for each process that it kills; disks can make it long. */
const endTimeoutMs = 10_000;

/**
 * @returns `taken` where another keeper on this machine has the same uid
 * @throws with what the script complained of when the walls cannot be built
 */
export const startKeeper = async (
  command: readonly string[],
  signal: AbortSignal,
): Promise<Keeper | 'taken'> => {
  const piped = await spawnPiped({ command, environment: {} });
  const complaints = complaintsOf(piped.stderr);
  piped.stdout.resume();
  piped.stdin.end();
  let pid = 0;
  let startTime = '';

  const end = async (): Promise<void> => {
    piped.control.destroy();
    if (await settlesWithin(piped.exit, endTimeoutMs)) return;
    // Somebody has stopped it; the kernel's own way to end a namespace is left.
    if (pid !== 0 && (await isRunning(pid, startTime))) sendSignal(pid, 'SIGKILL');
    else piped.child.kill('SIGKILL');
    await piped.exit;
  };

  try {
    const line = await firstLine(piped, signal);
    if (line === null) {
      const { code } = await piped.exit;
      if (code === takenStatus) return 'taken';
      await drained(piped.stderr);
      throw new Error(complaints() || `it ended with status ${code ?? 'unknown'}`);
    }
    const [word, digits] = line.split(' ');
    pid = Number(digits);
    const stat = await readProcessStat(pid);
    if (word !== readyWord || stat === null) throw new Error(`it said "${line}"`);
    startTime = stat.startTime;
  } catch (error) {
    await end();
    throw error;
  }
  piped.control.resume();
  piped.stderr.destroy();
  let ending: Promise<void> | null = null;
  return { pid, startTime, end: () => (ending ??= end()) };
};

const pollMs = 10;

/** Without a namespace the keeper has only sent the signals when it ends. @throws when something does not die */
export const awaitEmptyUid = async (uid: number): Promise<void> => {
  const deadline = Date.now() + endTimeoutMs;
  for (;;) {
    const pids = await pidsOfUid(await readProcessTable(), uid);
    if (pids.length === 0) return;
    if (Date.now() > deadline) throw new Error(`processes ${pids.join(', ')} do not die`);
    await sleep(pollMs);
  }
};
