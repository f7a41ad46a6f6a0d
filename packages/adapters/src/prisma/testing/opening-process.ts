// A process that opens a database, one of several at once: forked with the connection, it reports what it applied.
import type pg from 'pg';
import { openDatabase } from '../index.ts';

export type OpeningReport = { migrated: string[] } | { failed: string };

process.once('message', (connection: pg.PoolConfig) => {
  open(connection)
    .catch((error: unknown): OpeningReport => ({ failed: String(error) }))
    .then((report) => process.send?.(report, () => process.disconnect()))
    .catch((error: unknown) => console.error(error));
});
process.send?.('loaded');

async function open(connection: pg.PoolConfig): Promise<OpeningReport> {
  const database = await openDatabase({ connection });
  await database.client.server.count();
  await database.close();
  return { migrated: database.migrated };
}
