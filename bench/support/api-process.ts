// The whole service as its own process, as a person starts it, with a folder that goes with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url));

export interface Footprint {
  descriptors: number;
  residentBytes: number;
  /** Of the API and all that descends from it. */
  processes: number;
  cpuMs: number;
}

export interface ApiProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly pid: number;
  /** @throws Error for an answer that is none of success */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  footprint(): Promise<Footprint>;
  stop(): Promise<void>;
}

/** On top of what a person has in the environment. */
export async function startApi(env: Record<string, string> = {}): Promise<ApiProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      API_PORT: '0',
      INSIGHTLOOP_DATA_DIR: dataDir,
      LOG_LEVEL: 'error',
      RATE_LIMIT_DEPLOYMENT: '1000000000',
      RATE_LIMIT_LOGS: '1000000000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const url = await Promise.race([readyUrl(child.stdout), ended.then(() => null)]);
  if (url === null || child.pid === undefined) throw new Error('the service ended before it was ready');
  const { pid } = child;
  return {
    url,
    dataDir,
    pid,
    async ask(method, path, body) {
      const answer = await fetch(url + path, {
        method,
        ...(method === 'POST' && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body ?? {}),
        }),
      });
      const value: unknown = await answer.json();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(value)}`);
      return value;
    },
    footprint: () => footprintOf(pid),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true, maxRetries: 50 });
    },
  };
}

async function readyUrl(stdout: NodeJS.ReadableStream): Promise<string | null> {
  const lines = createInterface({ input: stdout });
  for await (const line of lines) {
    const url = /ready at (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  return null;
}

export async function footprintOf(pid: number): Promise<Footprint> {
  const [descriptors, status, stat] = await Promise.all([
    readdir(`/proc/${pid}/fd`),
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
  ]);
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return {
    descriptors: descriptors.length,
    residentBytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024,
    processes: (await descendantsOf(pid)).length,
    // Clock ticks, of which there are 100 in a second on every Linux of today.
    cpuMs: (user + system) * 10,
  };
}

export async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null);
    if (stat !== null) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const found = [pid];
  for (const parent of found)
    for (const [child, itsParent] of parents) if (itsParent === parent) found.push(child);
  return found.slice(1);
}

/** Processor time in ms that these processes have used. */
export async function cpuMsOf(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(
    pids.map((pid) =>
      footprintOf(pid).then(
        ({ cpuMs }) => cpuMs,
        () => 0,
      ),
    ),
  );
  return times.reduce((sum, time) => sum + time, 0);
}
