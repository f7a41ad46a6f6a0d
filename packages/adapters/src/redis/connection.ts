// One connection to Redis that fails instead of coming back by itself: whoever uses it begins anew and knows it.
import { createClient } from '@redis/client';

export type RedisReply = string | number | null | RedisReply[];

export interface RedisConnection {
  /** @throws Error of Redis, or because the connection is lost */
  send(command: readonly string[]): Promise<RedisReply>;
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  close(): void;
}

const connectWithinMs = 5_000;
/** Longer than any command that waits at Redis. */
const silentAtMostMs = 10_000;

/** @throws Error when it cannot be reached or does not let us in */
export async function connectRedis(url: string, name: string): Promise<RedisConnection> {
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined);
  const client = createClient({
    url,
    name,
    RESP: 2,
    disableOfflineQueue: true,
    // Also a sign of life for a connection on which nothing happens.
    pingInterval: silentAtMostMs / 3,
    socket: { reconnectStrategy: false, connectTimeout: connectWithinMs, socketTimeout: silentAtMostMs },
  });
  client.on('error', lost.reject);
  client.on('end', () => {
    lost.reject(new Error('the connection was closed'));
  });
  try {
    await Promise.race([client.connect(), lost.promise]);
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw error;
  }
  return {
    send: async (command) => replyOf(await Promise.race([client.sendCommand([...command]), lost.promise])),
    lost: lost.promise,
    close() {
      if (client.isOpen) client.destroy();
    },
  };
}

/** Of what RESP 2 knows nothing else can come. */
function replyOf(value: unknown): RedisReply {
  if (Array.isArray(value)) return value.map(replyOf);
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value;
  throw new Error(`Redis answered with ${typeof value}`);
}
