// Measures the history of tasks with a million of them on PostgreSQL: pages, totals and inserts.
//
//   node bench/tasks-million.ts [tasks]
import { startEmbeddedPostgres } from '@insightloop/adapters/postgres';
import { createTaskStore, openDatabase } from '@insightloop/adapters/prisma';
import type { StoredTask, TaskQuery, TaskStore } from '@insightloop/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { judge, machineLine, median, printTable } from './support/report.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const inserts = 2_000;

const idOf = (number: number): string => `task-${String(number).padStart(12, '0')}`;

const aTask = (id: string): StoredTask => ({
  id,
  prompt: 'Get React documentation about hooks',
  server_id: 'context7-mcp',
  status: 'completed',
  created_at: new Date(),
  started_at: new Date(),
  completed_at: new Date(),
  execution_time: 2.5,
  owner: 'bench',
  detail: {
    ...{ plan: [], revision: 0, gemini_response: 'x'.repeat(500), error: null, model: null, results_time: 1 },
    usage: { input_tokens: 0, output_tokens: 0, model_calls: 0 },
  },
});

async function medianMsOf(work: () => Promise<unknown>, times = 30): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < times; round += 1) {
    const beginMs = performance.now();
    await work();
    took.push(performance.now() - beginMs);
  }
  return median(took);
}

let next = count * 10;
const insertMs = (store: TaskStore): Promise<number> =>
  medianMsOf(() => store.insert(aTask(idOf((next += 1)))), inserts);

const folder = await mkdtemp(join(tmpdir(), 'insightloop-bench-'));
const postgres = await startEmbeddedPostgres({ dataDir: folder });
const database = await openDatabase({ connection: postgres.connection });
try {
  const store = createTaskStore(database);
  const { client } = database;
  await insertMs(store);
  const intoEmpty = await insertMs(store);
  await client.task.deleteMany();
  const beginMs = performance.now();
  await client.$executeRaw`
    INSERT INTO tasks (id, server_id, prompt, status, owner, created_at, started_at, completed_at, execution_time, detail)
    SELECT 'task-' || lpad(n::text, 12, '0'), 'server-' || n % 50, 'Get documentation number ' || n,
      CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'completed' END, 'bench',
      now() - (${count} - n) * interval '1 second', now(), now(), 2.5, repeat('x', 500)
    FROM generate_series(1, ${count}) n`;
  console.log(`${count} tasks made in ${Math.round((performance.now() - beginMs) / 1000)} s`);
  // What autovacuum does by itself within minutes.
  await client.$executeRaw`VACUUM ANALYZE tasks`;

  const page = (query: Partial<TaskQuery>) => () => store.list({ limit: 20, offset: 0, ...query });
  const coldMs = await medianMsOf(page({}), 1);
  const middle = idOf(Math.floor(count / 2));
  const figures = {
    'first page': await medianMsOf(page({})),
    'page by cursor, in the middle': await medianMsOf(page({ cursor: middle })),
    'page by cursor, one status': await medianMsOf(page({ cursor: middle, status: 'failed' })),
    'page by cursor, one server': await medianMsOf(page({ cursor: middle, serverId: 'server-7' })),
    'offset 500,000': await medianMsOf(page({ offset: Math.min(500_000, count - 20) }), 10),
    'insert, among a million': await insertMs(store),
    'insert, into an empty table': intoEmpty,
    'first page, when nobody asked for long': coldMs,
  };

  // The total is never older than 2 s: what was inserted longer ago is in it.
  let oldest = 0;
  for (let round = 0; round < 20; round += 1) {
    const { total: before } = await store.list({ limit: 1, offset: 0 });
    const insertedAt = performance.now();
    await store.insert(aTask(idOf((next += 1))));
    for (;;) {
      const { total } = await store.list({ limit: 1, offset: 0 });
      if (total > before) break;
      await sleep(20);
    }
    oldest = Math.max(oldest, performance.now() - insertedAt);
  }

  console.log(`${machineLine()}, load ${(loadavg()[0] ?? 0).toFixed(1)}`);
  printTable(
    Object.fromEntries(Object.entries(figures).map(([name, ms]) => [name, { 'median ms': ms.toFixed(2) }])),
  );
  judge(`first page under 20 ms: ${figures['first page'].toFixed(1)}`, figures['first page'] < 20);
  const keyset = Math.max(
    figures['page by cursor, in the middle'],
    figures['page by cursor, one status'],
    figures['page by cursor, one server'],
  );
  judge(`pages by cursor under 20 ms: ${keyset.toFixed(1)}`, keyset < 20);
  judge(
    `offset 500,000 under 400 ms: ${figures['offset 500,000'].toFixed(0)}`,
    figures['offset 500,000'] < 400,
  );
  judge(`the total is at most 2 s old: ${Math.round(oldest)} ms`, oldest <= 2_000);
  const ratio = figures['insert, among a million'] / intoEmpty;
  judge(`inserts as fast as into an empty table (× 1.25 at most): × ${ratio.toFixed(2)}`, ratio < 1.25);
} finally {
  await database.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
