// A Redis of its own for a test: on a port of its own, with a folder that goes with it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis } from '../connection.ts';

/** Why there is none, in words for whoever reads the tests; null when there is. */
export const noRedis: string | null =
  spawnSync('redis-server', ['--version']).status === 0
    ? null
    : 'there is no redis-server (Debian: apt-get install redis-server)';

export interface RedisServer extends AsyncDisposable {
  url: string;
  /** kill -9: nothing is written any more. */
  kill(): Promise<void>;
  /** On the same port, with what was saved. */
  start(): Promise<void>;
  /** Writes its state to disk, as Redis does by itself now and then. */
  save(): Promise<void>;
  /** Stops answering without closing anything, and goes on. */
  freeze(isFrozen: boolean): void;
}

export async function startRedis({ password }: { password?: string } = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'insightloop-redis-'));
  const port = await freePort();
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  const endWithUs = (): void => void child?.kill('SIGKILL');
  process.once('exit', endWithUs);

  const start = async (): Promise<void> => {
    child = spawn(
      'redis-server',
      [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
        ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--protected-mode', 'yes'],
        ...(password === undefined ? [] : ['--requirepass', password]),
      ],
      { stdio: 'ignore' },
    );
    for (let attempt = 0; ; attempt += 1) {
      const connection = await connectRedis(url, 'test').catch(() => null);
      if (connection) {
        await connection.send(['PING']);
        connection.close();
        return;
      }
      if (attempt > 500) throw new Error('redis-server did not start');
      await sleep(20);
    }
  };
  const kill = async (): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url,
    kill,
    start,
    async save() {
      const connection = await connectRedis(url, 'test');
      await connection.send(['SAVE']);
      connection.close();
    },
    freeze: (isFrozen) => void child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithUs);
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
