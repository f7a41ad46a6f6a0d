// A process of its own, so that the service and its readers do not share a core: all doors, and events told as asked.
import { openRedisEventLog } from '@insightloop/adapters/redis';
import { startTestApp } from '@insightloop/server/testing';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';

/** To the process. */
type Order =
  /** Events of the channel `servers`, counted from 1 over all orders; 0 stops. */
  { perSecond: number } | 'footprint' | 'cut';

export interface LiveFootprint {
  told: number;
  readers: number;
  sockets: number;
  descriptors: number;
  residentBytes: number;
  heapBytes: number;
  cpuMs: number;
}

export interface LiveService {
  url: string;
  tell(perSecond: number): void;
  footprint(): Promise<LiveFootprint>;
  /** Destroys a tenth of all connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** @param redisUrl where its log is; without it in its memory */
export async function startLiveService(redisUrl?: string): Promise<LiveService> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), redisUrl === undefined ? [] : [redisUrl], {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
  const [url] = (await once(child, 'message')) as [string];
  const send = (order: Order): void => void child.send(order);
  return {
    url,
    tell: (perSecond) => {
      send({ perSecond });
    },
    async footprint() {
      const answer = once(child, 'message');
      send('footprint');
      return ((await answer) as [LiveFootprint])[0];
    },
    cut: () => {
      send('cut');
    },
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function serve(redisUrl: string | undefined): Promise<void> {
  const silent = pino({ level: 'silent' });
  const clock = {
    now: () => Date.now(),
    sleep: async (ms: number, signal?: AbortSignal) => {
      await sleep(ms, undefined, signal ? { signal } : {});
    },
  };
  const shared = redisUrl
    ? await openRedisEventLog({ url: redisUrl, clock, logger: silent, writerId: `bench-${process.pid}` })
    : null;
  const { app, url, eventLog } = await startTestApp({
    parts: { logger: silent },
    ...(shared && { ports: { eventLog: shared } }),
  });
  const sockets = new Set<{ destroy(): void }>();
  app.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  let told = 0;
  let telling: NodeJS.Timeout | undefined;
  const tell = (perSecond: number): void => {
    clearInterval(telling);
    if (perSecond === 0) return;
    // As many as are due: a timer alone would fall behind on a busy machine, and measure less than it says.
    const [begun, before] = [performance.now(), told];
    telling = setInterval(() => {
      const due = before + Math.floor(((performance.now() - begun) / 1000) * perSecond);
      while (told < due) {
        told += 1;
        eventLog.append({
          type: 'server_removed',
          channel: 'servers',
          timestamp: new Date(),
          server_id: `n-${told}`,
        });
      }
    }, 1000 / perSecond);
  };
  const footprint = async (): Promise<LiveFootprint> => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      told,
      readers: eventLog.readers,
      sockets: sockets.size,
      descriptors: (await readdir('/proc/self/fd')).length,
      residentBytes: rss,
      heapBytes: heapUsed,
      cpuMs: (user + system) / 1000,
    };
  };
  process.on('message', (order: Order) => {
    if (order === 'footprint') void footprint().then((answer) => process.send?.(answer));
    else if (order === 'cut') {
      for (const socket of sockets) if (Math.random() < 0.1) socket.destroy();
    } else tell(order.perSecond);
  });
  process.once('disconnect', () => {
    tell(0);
    void app
      .close()
      .then(() => shared?.close())
      .then(() => process.exit(0));
  });
  process.send?.(url);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2]);
