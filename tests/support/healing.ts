// Kills the process of a running server and watches what callers see until it serves again.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rest } from './rest.ts';
import { serverProcess } from './server-processes.ts';

export interface Healing {
  /** From the kill to the end of the next call that succeeded. */
  healedMs: number;
  /** Calls that failed before it, each of which was under way when the process died. */
  failedCalls: number;
  /** From the kill to the death: on a busy machine a process gets time for dying as late as for anything else. */
  dyingMs: number;
  /** Statuses that were told later than 100 ms after the kill and before it served again, other than those allowed. */
  lies: { status: string; sinceKillMs: number; sinceDeathMs: number }[];
  /** Answers of /health other than healthy. */
  unhealthy: number;
}

export interface HealingOptions {
  rest: Rest;
  dataDir: string;
  serverId: string;
}

interface Running {
  id: string;
  deployment_id: string;
  status: string;
  restarts: number;
}

/** Gone, or no more than its exit code: all that it had open is closed by then. */
const isDead = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
};

/** By then everybody can see that something is wrong. */
export const honestAfterMs = 100;
const giveUpMs = 30_000;

export async function killAndWatch({ rest, dataDir, serverId }: HealingOptions): Promise<Healing> {
  const look = async (): Promise<Running> => {
    const { servers } = (await rest.get('/api/servers/running')).body as { servers: Running[] };
    const found = servers.find(({ id }) => id === serverId);
    if (!found) throw new Error(`${serverId} is not listed`);
    return found;
  };
  const before = await look();
  const pid = await serverProcess(dataDir, before.deployment_id);
  const watching = new AbortController();
  const lies: Healing['lies'] = [];
  let unhealthy = 0;
  process.kill(pid, 'SIGKILL');
  const killedAt = performance.now();

  let diedAt = Infinity;
  const died = (async () => {
    while (!(await isDead(pid))) await sleep(2);
    diedAt = performance.now();
  })();

  const watch = async (): Promise<void> => {
    while (!watching.signal.aborted) {
      const askedMs = performance.now();
      const [{ status, restarts }, health] = await Promise.all([look(), rest.get('/health')]);
      if ((health.body as { status: string }).status !== 'healthy') unhealthy += 1;
      // One that runs and has been restarted since is healed, whatever the call has to say yet.
      const isHonest = status === 'restarting' || status === 'degraded' || restarts > before.restarts;
      const sinceKillMs = Math.round(askedMs - killedAt);
      if (sinceKillMs > honestAfterMs && !isHonest)
        lies.push({ status, sinceKillMs, sinceDeathMs: Math.round(askedMs - diedAt) });
      await sleep(20);
    }
  };
  const watched = watch();
  let failedCalls = 0;
  try {
    for (;;) {
      const { status } = await rest.call(serverId, 'echo', { message: 'alive' });
      if (status === 200) break;
      failedCalls += 1;
      if (performance.now() - killedAt > giveUpMs) throw new Error(`${serverId} is not healed`);
    }
    const healedMs = performance.now() - killedAt;
    await died;
    return { healedMs, dyingMs: diedAt - killedAt, failedCalls, lies, unhealthy };
  } finally {
    watching.abort();
    await watched;
  }
}
