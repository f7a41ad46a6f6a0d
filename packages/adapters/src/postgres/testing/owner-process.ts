// A process that owns an embedded PostgreSQL, to be killed by a test: forked with its orders, it reports as it goes.
import { startEmbeddedPostgres, type PostgresBinaries, type PostgresConnection } from '../index.ts';
import pg from 'pg';

export interface OwnerOrders {
  dataDir: string;
  binaries?: PostgresBinaries;
  /** Become this user first, when everything is loaded. */
  uid?: number;
  /** Insert numbers for ever, and report each when its insert was acknowledged. */
  write?: boolean;
}

export type OwnerReport = { ready: PostgresConnection } | { written: number } | { failed: string };

const report = (message: OwnerReport): void => void process.send?.(message);

process.once('message', (orders: OwnerOrders) => {
  own(orders).catch((error: unknown) => {
    report({ failed: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  });
});

async function own({ dataDir, binaries, uid, write }: OwnerOrders): Promise<void> {
  if (uid !== undefined) {
    process.setgroups?.([uid]);
    process.setgid?.(uid);
    process.setuid?.(uid);
  }
  const embedded = await startEmbeddedPostgres({ dataDir, binaries });
  process.once('disconnect', () => void embedded.stop());
  report({ ready: embedded.connection });
  if (write) await writeForEver(embedded.connection);
}

async function writeForEver(connection: PostgresConnection): Promise<never> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS written (number INTEGER PRIMARY KEY)');
  const { rows } = await client.query<{ last: number }>(
    'SELECT coalesce(max(number), 0) AS last FROM written',
  );
  for (let number = (rows[0]?.last ?? 0) + 1; ; number += 1) {
    await client.query('INSERT INTO written VALUES ($1)', [number]);
    report({ written: number });
  }
}
